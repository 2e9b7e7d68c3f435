
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Commands are answered in order, so they wait in a queue.  If the oldest one
 * waits for longer than the time-out, the connection is given up.
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_function_library.h"
#include "ngx_pimap_probe.h"
#include "ngx_pimap_supersede.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_COMMAND_MAX  65536      /* commands that wait */


struct ngx_pimap_command_s {
    ngx_queue_t            link;
    ngx_msec_t             sent;
    ngx_pimap_command_pt   handler;         /* NULL: nobody waits */
    void                  *data;
};


static void ngx_pimap_command_up(ngx_pimap_redis_t *redis);
static void ngx_pimap_command_down(ngx_pimap_redis_t *redis);
static void ngx_pimap_command_reply(ngx_pimap_redis_t *redis,
    redisReply *reply);
static void ngx_pimap_command_answer(redisReply *reply);
static void ngx_pimap_command_timer_handler(ngx_event_t *ev);


static ngx_pimap_redis_t  ngx_pimap_command;
static ngx_queue_t        ngx_pimap_command_queue;
static ngx_uint_t         ngx_pimap_command_length;
static ngx_event_t        ngx_pimap_command_timer;


void
ngx_pimap_command_open(ngx_pimap_conf_redis_t *conf)
{
    ngx_queue_init(&ngx_pimap_command_queue);

    ngx_pimap_timer_init(&ngx_pimap_command_timer,
                         ngx_pimap_command_timer_handler, ngx_cycle->log, 1);

    ngx_pimap_command.role = "commander";
    ngx_pimap_command.conf = conf;
    ngx_pimap_command.up = ngx_pimap_command_up;
    ngx_pimap_command.down = ngx_pimap_command_down;
    ngx_pimap_command.reply = ngx_pimap_command_reply;

    ngx_pimap_redis_open(&ngx_pimap_command);
}


void
ngx_pimap_command_close(void)
{
    ngx_pimap_redis_close(&ngx_pimap_command);
}


void
ngx_pimap_command_renew(const char *why)
{
    ngx_pimap_redis_fail(&ngx_pimap_command, why);
}


ngx_uint_t
ngx_pimap_command_ready(void)
{
    return ngx_pimap_command.state == NGX_PIMAP_REDIS_UP
           && !ngx_pimap_command.failed;
}


ngx_pimap_command_t *
ngx_pimap_command_publish_account(ngx_str_t *account, ngx_str_t *payload,
    ngx_pimap_command_pt handler, void *data)
{
    u_char     name[NGX_PIMAP_CHANNEL_MAX];
    ngx_str_t  channel;

    channel.data = name;
    channel.len = ngx_pimap_channel_name(name, ngx_pimap_command.conf,
                                         account);

    return ngx_pimap_command_publish(&channel, payload, handler, data);
}


ngx_pimap_command_t *
ngx_pimap_command_publish(ngx_str_t *channel, ngx_str_t *payload,
    ngx_pimap_command_pt handler, void *data)
{
    size_t       len[3];
    const char  *argv[3];

    argv[0] = "PUBLISH";
    len[0] = sizeof("PUBLISH") - 1;
    argv[1] = (char *) channel->data;
    len[1] = channel->len;
    argv[2] = (char *) payload->data;
    len[2] = payload->len;

    return ngx_pimap_command_send(3, argv, len, handler, data);
}


ngx_pimap_command_t *
ngx_pimap_command_send(int argc, const char **argv, const size_t *len,
    ngx_pimap_command_pt handler, void *data)
{
    ngx_pimap_command_t  *command;

    if (!ngx_pimap_command_ready()
        || ngx_pimap_command_length >= NGX_PIMAP_COMMAND_MAX)
    {
        return NULL;
    }

    command = ngx_alloc(sizeof(ngx_pimap_command_t), ngx_cycle->log);
    if (command == NULL) {
        return NULL;
    }

    if (ngx_pimap_redis_send(&ngx_pimap_command, argc, argv, len) != NGX_OK)
    {
        ngx_free(command);
        return NULL;
    }

    command->sent = ngx_current_msec;
    command->handler = handler;
    command->data = data;

    ngx_queue_insert_tail(&ngx_pimap_command_queue, &command->link);
    ngx_pimap_command_length++;

    if (!ngx_pimap_command_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_command_timer,
                      ngx_pimap_command.conf->timeout);
    }

    return command;
}


void
ngx_pimap_command_forget(ngx_pimap_command_t *command)
{
    command->handler = NULL;
}


static void
ngx_pimap_command_up(ngx_pimap_redis_t *redis)
{
    ngx_pimap_counters->redis_up = 1;

    ngx_pimap_function_library_start(redis->conf);
    ngx_pimap_supersede_reachable();
    ngx_pimap_probe_start();
}


static void
ngx_pimap_command_down(ngx_pimap_redis_t *redis)
{
    ngx_pimap_counters->redis_up = 0;

    ngx_pimap_function_library_stop();

    while (!ngx_queue_empty(&ngx_pimap_command_queue)) {
        ngx_pimap_command_answer(NULL);
    }

    ngx_pimap_probe_lost();
}


static void
ngx_pimap_command_reply(ngx_pimap_redis_t *redis, redisReply *reply)
{
    if (ngx_queue_empty(&ngx_pimap_command_queue)) {
        ngx_pimap_redis_fail(redis, reply->type == REDIS_REPLY_ERROR
                                    ? reply->str : "unexpected reply");
        return;
    }

    ngx_pimap_command_answer(reply);
}


static void
ngx_pimap_command_answer(redisReply *reply)
{
    void                  *data;
    ngx_queue_t           *q;
    ngx_pimap_command_t   *command;
    ngx_pimap_command_pt   handler;

    q = ngx_queue_head(&ngx_pimap_command_queue);
    command = ngx_queue_data(q, ngx_pimap_command_t, link);

    ngx_queue_remove(q);
    ngx_pimap_command_length--;

    handler = command->handler;
    data = command->data;

    ngx_free(command);

    if (handler) {
        handler(data, reply);
    }
}


static void
ngx_pimap_command_timer_handler(ngx_event_t *ev)
{
    ngx_msec_t            age;
    ngx_queue_t          *q;
    ngx_pimap_command_t  *command;

    if (ngx_queue_empty(&ngx_pimap_command_queue)) {
        return;
    }

    q = ngx_queue_head(&ngx_pimap_command_queue);
    command = ngx_queue_data(q, ngx_pimap_command_t, link);

    age = ngx_current_msec - command->sent;

    if (age >= ngx_pimap_command.conf->timeout) {
        ngx_pimap_redis_fail(&ngx_pimap_command, "no answer in time");
        return;
    }

    ngx_add_timer(ev, ngx_pimap_command.conf->timeout - age);
}
