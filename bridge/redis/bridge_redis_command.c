
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * If the oldest command waits for longer than the time-out, the connection is
 * closed, and all handlers are called without a reply.
 */


#include "bridge_redis.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/queue.h>


struct bridge_command_s {
    STAILQ_ENTRY(bridge_command_s)   link;
    bridge_msec_t                    sent;
    bridge_command_pt                handler;       /* or NULL */
    void                            *data;
};


static bridge_command_t *bridge_redis_command_queue_command(
    bridge_command_pt handler, void *data, char *command, int len);
static void bridge_redis_command_up(bridge_redis_t *redis);
static void bridge_redis_command_down(bridge_redis_t *redis);
static void bridge_redis_command_reply(bridge_redis_t *redis,
    redisReply *reply);
static void bridge_redis_command_answer(redisReply *reply);
static void bridge_redis_command_timer_handler(evutil_socket_t fd, short what,
    void *data);


static bridge_redis_t  bridge_redis_commands;
static struct event    bridge_redis_command_timer;
static int             bridge_redis_command_waiting;

static STAILQ_HEAD(, bridge_command_s)  bridge_redis_command_commands =
    STAILQ_HEAD_INITIALIZER(bridge_redis_command_commands);


void
bridge_redis_command_init(void)
{
    evtimer_assign(&bridge_redis_command_timer, bridge_base,
                   bridge_redis_command_timer_handler, NULL);

    bridge_redis_open(&bridge_redis_commands, "commands",
                      bridge_redis_command_up, bridge_redis_command_down,
                      bridge_redis_command_reply);
}


void
bridge_redis_command_done(void)
{
    bridge_redis_close(&bridge_redis_commands);

    evtimer_del(&bridge_redis_command_timer);

    while (!STAILQ_EMPTY(&bridge_redis_command_commands)) {
        STAILQ_FIRST(&bridge_redis_command_commands)->handler = NULL;
        bridge_redis_command_answer(NULL);
    }
}


int
bridge_redis_command_ready(void)
{
    return bridge_redis_commands.state == BRIDGE_REDIS_UP
           && !bridge_redis_commands.failed;
}


bridge_command_t *
bridge_redis_command_send(bridge_command_pt handler, void *data,
    const char *format, ...)
{
    int       len;
    char     *command;
    va_list   args;

    va_start(args, format);
    len = redisvFormatCommand(&command, format, args);
    va_end(args);

    return bridge_redis_command_queue_command(handler, data, command, len);
}


bridge_command_t *
bridge_redis_command_send_argv(bridge_command_pt handler, void *data, int argc,
    const char **argv, const size_t *len)
{
    int    n;
    char  *command;

    n = redisFormatCommandArgv(&command, argc, argv, len);

    return bridge_redis_command_queue_command(handler, data, command, n);
}


static bridge_command_t *
bridge_redis_command_queue_command(bridge_command_pt handler, void *data,
    char *command, int len)
{
    int                rc;
    bridge_command_t  *entry;

    if (len < 0) {
        return NULL;
    }

    rc = -1;

    if (bridge_redis_command_ready()
        && bridge_redis_command_waiting < bridge_redis_conf->max_waiting)
    {
        rc = bridge_redis_send(&bridge_redis_commands, command, len);
    }

    free(command);

    if (rc != 0) {
        return NULL;
    }

    entry = bridge_alloc(sizeof(bridge_command_t));

    entry->sent = bridge_now();
    entry->handler = handler;
    entry->data = data;

    STAILQ_INSERT_TAIL(&bridge_redis_command_commands, entry, link);
    bridge_redis_command_waiting++;

    if (!evtimer_pending(&bridge_redis_command_timer, NULL)) {
        bridge_timer_set(&bridge_redis_command_timer,
                         bridge_redis_conf->timeout);
    }

    return entry;
}


void
bridge_redis_command_forget(bridge_command_t *command)
{
    command->handler = NULL;
}


static void
bridge_redis_command_up(bridge_redis_t *redis)
{
    bridge_redis_handlers->commands_up();
}


static void
bridge_redis_command_down(bridge_redis_t *redis)
{
    bridge_redis_handlers->commands_down();

    while (!STAILQ_EMPTY(&bridge_redis_command_commands)) {
        bridge_redis_command_answer(NULL);
    }
}


/* A replica, or a server that starts, will not be ready for the next one. */

static void
bridge_redis_command_reply(bridge_redis_t *redis, redisReply *reply)
{
    if (STAILQ_EMPTY(&bridge_redis_command_commands)) {
        bridge_redis_fail(redis, reply->type == REDIS_REPLY_ERROR
                                 ? reply->str : "unexpected reply");
        return;
    }

    bridge_redis_command_answer(reply);

    if (bridge_redis_is_error(reply, "ERR Function not found")) {
        bridge_redis_handlers->function_missing();
        return;
    }

    if (bridge_redis_is_error(reply, "READONLY ")
        || bridge_redis_is_error(reply, "LOADING ")
        || bridge_redis_is_error(reply, "MASTERDOWN "))
    {
        bridge_redis_fail(redis, reply->str);
    }
}


static void
bridge_redis_command_answer(redisReply *reply)
{
    void               *data;
    bridge_command_t   *command;
    bridge_command_pt   handler;

    command = STAILQ_FIRST(&bridge_redis_command_commands);

    STAILQ_REMOVE_HEAD(&bridge_redis_command_commands, link);
    bridge_redis_command_waiting--;

    handler = command->handler;
    data = command->data;

    free(command);

    if (handler) {
        handler(data, reply);
    }
}


static void
bridge_redis_command_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_msec_t      age;
    bridge_command_t  *command;

    command = STAILQ_FIRST(&bridge_redis_command_commands);

    if (command == NULL) {
        return;
    }

    age = bridge_now() - command->sent;

    if (age >= bridge_redis_conf->timeout) {
        bridge_redis_fail(&bridge_redis_commands, "no answer in time");
        return;
    }

    bridge_timer_set(&bridge_redis_command_timer,
                     bridge_redis_conf->timeout - age);
}
