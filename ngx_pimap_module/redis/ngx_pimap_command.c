
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis answers commands in order, so those in flight are a queue.  If the
 * oldest one waits longer than the time-out, the connection is closed.
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_COMMAND_MAX  65536      /* commands in flight */


struct ngx_pimap_command_s {
    ngx_queue_t            link;
    ngx_msec_t             sent;
    ngx_pimap_command_pt   handler;         /* or NULL */
    void                  *data;
};


static ngx_pimap_command_t *ngx_pimap_command_add(
    ngx_pimap_command_pt handler, void *data, char *text, int len);
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

static void  (*ngx_pimap_command_is_up)(void);
static void  (*ngx_pimap_command_is_down)(void);


void
ngx_pimap_command_open(ngx_pimap_conf_redis_t *conf, void (*up)(void),
    void (*down)(void))
{
    ngx_queue_init(&ngx_pimap_command_queue);

    ngx_pimap_command_is_up = up;
    ngx_pimap_command_is_down = down;

    ngx_pimap_timer_init(&ngx_pimap_command_timer,
                         ngx_pimap_command_timer_handler, ngx_cycle->log, 1);

    ngx_pimap_command.role = "commander";
    ngx_pimap_command.conf = conf;
    ngx_pimap_command.up = ngx_pimap_command_up;
    ngx_pimap_command.down = ngx_pimap_command_down;
    ngx_pimap_command.reply = ngx_pimap_command_reply;

    ngx_pimap_redis_open(&ngx_pimap_command);
}


/* The worker ends: no answer will come. */

void
ngx_pimap_command_close(void)
{
    ngx_queue_t  *q;

    ngx_pimap_redis_close(&ngx_pimap_command);

    while (!ngx_queue_empty(&ngx_pimap_command_queue)) {
        q = ngx_queue_head(&ngx_pimap_command_queue);

        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_pimap_command_t, link));
    }
}


void
ngx_pimap_command_renew(const char *why)
{
    ngx_pimap_redis_fail(&ngx_pimap_command, why);
}


void
ngx_pimap_command_complain(const char *why)
{
    ngx_pimap_redis_trouble(&ngx_pimap_command, why, 0);
}


ngx_uint_t
ngx_pimap_command_ready(void)
{
    return ngx_pimap_command.state == NGX_PIMAP_REDIS_UP
           && !ngx_pimap_command.failed;
}


ngx_msec_t
ngx_pimap_command_waits(void)
{
    ngx_pimap_command_t  *oldest;

    if (ngx_queue_empty(&ngx_pimap_command_queue)) {
        return 0;
    }

    oldest = ngx_queue_data(ngx_queue_head(&ngx_pimap_command_queue),
                            ngx_pimap_command_t, link);

    return ngx_current_msec - oldest->sent;
}


ngx_str_t *
ngx_pimap_command_prefix(void)
{
    return &ngx_pimap_command.conf->prefix;
}


ngx_pimap_command_t *
ngx_pimap_command_publish(ngx_str_t *account, ngx_str_t *payload,
    ngx_pimap_command_pt handler, void *data)
{
    return ngx_pimap_command_send(handler, data,
                                  "PUBLISH " NGX_PIMAP_COMMAND_KEY " %b",
                                  ngx_pimap_command_key(account),
                                  payload->data, payload->len);
}


ngx_pimap_command_t *
ngx_pimap_command_send(ngx_pimap_command_pt handler, void *data,
    const char *format, ...)
{
    int       len;
    char     *text;
    va_list   args;

    va_start(args, format);
    len = redisvFormatCommand(&text, format, args);
    va_end(args);

    return ngx_pimap_command_add(handler, data, text, len);
}


ngx_pimap_command_t *
ngx_pimap_command_send_list(ngx_pimap_command_pt handler, void *data,
    int argc, const char **argv, const size_t *len)
{
    int    n;
    char  *text;

    n = redisFormatCommandArgv(&text, argc, argv, len);

    return ngx_pimap_command_add(handler, data, text, n);
}


static ngx_pimap_command_t *
ngx_pimap_command_add(ngx_pimap_command_pt handler, void *data, char *text,
    int len)
{
    ngx_pimap_command_t  *command;

    if (len < 0) {
        return NULL;
    }

    command = NULL;

    /* if a login fails, a command sent during it would stay in the queue */

    if (ngx_pimap_command_ready()
        && ngx_pimap_command_length < NGX_PIMAP_COMMAND_MAX)
    {
        command = ngx_alloc(sizeof(ngx_pimap_command_t), ngx_cycle->log);
    }

    if (command == NULL) {
        redisFreeCommand(text);
        return NULL;
    }

    if (ngx_pimap_redis_send_text(&ngx_pimap_command, text, len) != NGX_OK) {
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


const char *
ngx_pimap_command_trouble(void)
{
    return !ngx_pimap_command_ready() ? "Redis is away"
           : ngx_pimap_command_length >= NGX_PIMAP_COMMAND_MAX
             ? "too many commands wait for Redis"
             : "the worker has no memory to ask Redis";
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
    ngx_pimap_command_is_up();
}


static void
ngx_pimap_command_down(ngx_pimap_redis_t *redis)
{
    ngx_pimap_counters->redis_up = 0;
    ngx_pimap_command_is_down();

    while (!ngx_queue_empty(&ngx_pimap_command_queue)) {
        ngx_pimap_command_answer(NULL);
    }
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
    ngx_msec_t  age;

    if (ngx_queue_empty(&ngx_pimap_command_queue)) {
        return;
    }

    age = ngx_pimap_command_waits();

    if (age >= ngx_pimap_command.conf->timeout) {
        ngx_pimap_redis_fail(&ngx_pimap_command, "no answer in time");
        return;
    }

    ngx_add_timer(ev, ngx_pimap_command.conf->timeout - age);
}
