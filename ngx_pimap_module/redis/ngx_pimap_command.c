
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis answers commands in order, so those in flight are a queue of their
 * node.  If the oldest one waits longer than the time-out, the connection is
 * closed.
 */


#include "ngx_pimap_command_flight.h"
#include "ngx_pimap_zone.h"


static ngx_pimap_command_t *ngx_pimap_command_add(ngx_uint_t slot,
    ngx_pimap_command_pt handler, void *data, char *text, int len);
static void ngx_pimap_command_timer_handler(ngx_event_t *ev);


void
ngx_pimap_command_init_process(void)
{
    ngx_pimap_command_wait_init_process();
}


void
ngx_pimap_command_created(ngx_pimap_node_t *node)
{
    ngx_queue_init(&node->commands.queue);

    ngx_pimap_timer_init(&node->commands.timer,
                         ngx_pimap_command_timer_handler, ngx_cycle->log, 1);
}


void
ngx_pimap_command_destroyed(ngx_pimap_node_t *node)
{
    ngx_pimap_command_t  *command;

    /* the worker ends: no answer will come */

    while ((command = ngx_pimap_command_next(node)) != NULL) {
        command->handler = NULL;
        ngx_pimap_command_answer(command, NULL);
    }

    if (node->commands.timer.timer_set) {
        ngx_del_timer(&node->commands.timer);
    }
}


void
ngx_pimap_command_exit_process(void)
{
    ngx_pimap_node_t  *node;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        ngx_pimap_command_destroyed(node);
    }

    ngx_pimap_command_wait_exit_process();
}


void
ngx_pimap_command_renew(ngx_uint_t slot, const char *why)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_owner(slot);

    if (node) {
        ngx_pimap_redis_fail(&node->commander, why);
    }
}


ngx_uint_t
ngx_pimap_command_ready(ngx_uint_t slot)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_owner(slot);

    return node && ngx_pimap_node_ready(node);
}


ngx_msec_t
ngx_pimap_command_waits(ngx_pimap_node_t *node)
{
    ngx_pimap_command_t  *oldest;

    if (ngx_queue_empty(&node->commands.queue)) {
        return 0;
    }

    oldest = ngx_queue_data(ngx_queue_head(&node->commands.queue),
                            ngx_pimap_command_t, link);

    return ngx_current_msec - oldest->sent;
}


ngx_str_t *
ngx_pimap_command_prefix(void)
{
    return ngx_pimap_node_prefix();
}


const char *
ngx_pimap_command_publishes(void)
{
    return ngx_pimap_node_cluster() ? "SPUBLISH" : "PUBLISH";
}


ngx_pimap_command_t *
ngx_pimap_command_publish(ngx_str_t *account, ngx_str_t *payload,
    ngx_pimap_command_pt handler, void *data)
{
    return ngx_pimap_command_send(ngx_pimap_node_slot(account), handler, data,
                                  "%s " NGX_PIMAP_COMMAND_KEY " %b",
                                  ngx_pimap_command_publishes(),
                                  ngx_pimap_command_key(account),
                                  payload->data, payload->len);
}


ngx_pimap_command_t *
ngx_pimap_command_send(ngx_uint_t slot, ngx_pimap_command_pt handler,
    void *data, const char *format, ...)
{
    int       len;
    char     *text;
    va_list   args;

    va_start(args, format);
    len = redisvFormatCommand(&text, format, args);
    va_end(args);

    return ngx_pimap_command_add(slot, handler, data, text, len);
}


ngx_pimap_command_t *
ngx_pimap_command_send_list(ngx_uint_t slot, ngx_pimap_command_pt handler,
    void *data, int argc, const char **argv, const size_t *len)
{
    int    n;
    char  *text;

    n = redisFormatCommandArgv(&text, argc, argv, len);

    return ngx_pimap_command_add(slot, handler, data, text, n);
}


static ngx_pimap_command_t *
ngx_pimap_command_add(ngx_uint_t slot, ngx_pimap_command_pt handler,
    void *data, char *text, int len)
{
    ngx_pimap_node_t     *node;
    ngx_pimap_command_t  *command;

    command = ngx_pimap_command_create(handler, data, text, len);

    if (command == NULL) {
        return NULL;
    }

    command->slot = slot;
    node = ngx_pimap_node_owner(slot);

    /* if a login fails, a command sent during it would stay in the queue */

    if (node && ngx_pimap_node_ready(node) && !ngx_pimap_node_opens(node)) {

        if (ngx_pimap_command_begin(node, command) == NGX_OK) {

            if (!ngx_pimap_node_cluster()) {
                redisFreeCommand(command->text);
                command->text = NULL;
            }

            return command;
        }

    } else if (ngx_pimap_command_may_wait(node)) {
        ngx_pimap_command_wait(command);
        return command;
    }

    ngx_pimap_command_free(command);

    return NULL;
}


const char *
ngx_pimap_command_trouble(ngx_uint_t slot)
{
    size_t             unsent;
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_owner(slot);

    if (node == NULL || !ngx_pimap_node_ready(node)) {
        return "Redis is away";
    }

    unsent = node->commander.out_last - node->commander.out_pos;

    return node->commands.length >= NGX_PIMAP_COMMAND_MAX
           || unsent > NGX_PIMAP_REDIS_MAX_OUTPUT / 2
             ? "too many commands wait for Redis"
             : "the worker has no memory to ask Redis";
}


void
ngx_pimap_command_forget(ngx_pimap_command_t *command)
{
    command->handler = NULL;
}


/* The functions of a new node are known: what waited for it is sent. */

void
ngx_pimap_command_reachable(void)
{
    ngx_pimap_command_resume();
}


void
ngx_pimap_command_lost(ngx_pimap_node_t *node)
{
    ngx_pimap_command_t  *command;

    while ((command = ngx_pimap_command_next(node)) != NULL) {
        ngx_pimap_command_answer(command, NULL);
    }
}


void
ngx_pimap_command_reply(ngx_pimap_redis_t *redis, redisReply *reply)
{
    ngx_pimap_node_t     *node;
    ngx_pimap_command_t  *command;

    node = ngx_pimap_node_of_commander(redis);
    command = ngx_pimap_command_next(node);

    if (command == NULL) {
        ngx_pimap_redis_fail(redis, reply->type == REDIS_REPLY_ERROR
                                    ? reply->str : "unexpected reply");
        return;
    }

    if (!ngx_pimap_command_redirected(node, command, reply)) {
        ngx_pimap_command_answer(command, reply);
    }
}


static void
ngx_pimap_command_timer_handler(ngx_event_t *ev)
{
    ngx_msec_t         age, timeout;
    ngx_pimap_node_t  *node;

    node = ngx_queue_data(ev, ngx_pimap_node_t, commands.timer);

    if (ngx_queue_empty(&node->commands.queue)) {
        return;
    }

    age = ngx_pimap_command_waits(node);
    timeout = node->commander.conf->timeout;

    if (age >= timeout) {
        ngx_pimap_redis_fail(&node->commander, "no answer in time");
        return;
    }

    ngx_add_timer(ev, timeout - age);
}
