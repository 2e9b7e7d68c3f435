
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * If the oldest command waits for longer than the time-out, the connection is
 * given up, and all that wait learn that they have no answer.
 */


#include "bridge_commander.h"
#include "bridge_config.h"
#include "bridge_library.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/queue.h>


struct bridge_command_s {
    STAILQ_ENTRY(bridge_command_s)   link;
    bridge_msec_t                    sent;
    bridge_command_pt                handler;       /* NULL: nobody waits */
    void                            *data;
};


static bridge_command_t *bridge_commander_queue_command(
    bridge_command_pt handler, void *data, char *command, int len);
static void bridge_commander_up(bridge_redis_t *redis);
static void bridge_commander_down(bridge_redis_t *redis);
static void bridge_commander_reply(bridge_redis_t *redis, redisReply *reply);
static void bridge_commander_answer(redisReply *reply);
static void bridge_commander_timer_handler(evutil_socket_t fd, short what,
    void *data);


static bridge_redis_t  bridge_commander;
static struct event    bridge_commander_timer;
static int             bridge_commander_waiting;

static STAILQ_HEAD(, bridge_command_s)  bridge_commander_commands =
    STAILQ_HEAD_INITIALIZER(bridge_commander_commands);


void
bridge_commander_init(void)
{
    evtimer_assign(&bridge_commander_timer, bridge_base,
                   bridge_commander_timer_handler, NULL);

    bridge_commander.role = "commander";
    bridge_commander.up = bridge_commander_up;
    bridge_commander.down = bridge_commander_down;
    bridge_commander.reply = bridge_commander_reply;

    bridge_redis_open(&bridge_commander);
}


void
bridge_commander_done(void)
{
    bridge_redis_close(&bridge_commander);

    evtimer_del(&bridge_commander_timer);

    while (!STAILQ_EMPTY(&bridge_commander_commands)) {
        STAILQ_FIRST(&bridge_commander_commands)->handler = NULL;
        bridge_commander_answer(NULL);
    }
}


int
bridge_commander_ready(void)
{
    return bridge_commander.state == BRIDGE_REDIS_UP
           && !bridge_commander.failed;
}


void
bridge_commander_renew(const char *why)
{
    bridge_redis_fail(&bridge_commander, why);
}


bridge_command_t *
bridge_commander_send(bridge_command_pt handler, void *data,
    const char *format, ...)
{
    int       len;
    char     *command;
    va_list   args;

    va_start(args, format);
    len = redisvFormatCommand(&command, format, args);
    va_end(args);

    return bridge_commander_queue_command(handler, data, command, len);
}


bridge_command_t *
bridge_commander_send_argv(bridge_command_pt handler, void *data, int argc,
    const char **argv, const size_t *len)
{
    int    n;
    char  *command;

    n = redisFormatCommandArgv(&command, argc, argv, len);

    return bridge_commander_queue_command(handler, data, command, n);
}


static bridge_command_t *
bridge_commander_queue_command(bridge_command_pt handler, void *data,
    char *command, int len)
{
    int                rc;
    bridge_command_t  *entry;

    if (len < 0) {
        return NULL;
    }

    rc = -1;

    if (bridge_commander_ready()
        && bridge_commander_waiting < bridge_config->redis.max_waiting)
    {
        rc = bridge_redis_send(&bridge_commander, command, len);
    }

    free(command);

    if (rc != 0) {
        return NULL;
    }

    entry = bridge_alloc(sizeof(bridge_command_t));

    entry->sent = bridge_now();
    entry->handler = handler;
    entry->data = data;

    STAILQ_INSERT_TAIL(&bridge_commander_commands, entry, link);
    bridge_commander_waiting++;

    if (!evtimer_pending(&bridge_commander_timer, NULL)) {
        bridge_timer_set(&bridge_commander_timer,
                         bridge_config->redis.timeout);
    }

    return entry;
}


void
bridge_commander_forget(bridge_command_t *command)
{
    command->handler = NULL;
}


char *
bridge_commander_key(const char *account, const char *rest)
{
    return bridge_format("%s:{%s}%s%s", bridge_config->redis.prefix, account,
                         rest ? ":" : "", rest ? rest : "");
}


static void
bridge_commander_up(bridge_redis_t *redis)
{
    bridge_library_start();
}


static void
bridge_commander_down(bridge_redis_t *redis)
{
    bridge_library_stop();

    while (!STAILQ_EMPTY(&bridge_commander_commands)) {
        bridge_commander_answer(NULL);
    }
}


/* A replica, or a server that starts, will not be ready for the next one. */

static void
bridge_commander_reply(bridge_redis_t *redis, redisReply *reply)
{
    if (STAILQ_EMPTY(&bridge_commander_commands)) {
        bridge_redis_fail(redis, reply->type == REDIS_REPLY_ERROR
                                 ? reply->str : "unexpected reply");
        return;
    }

    bridge_commander_answer(reply);

    if (bridge_redis_is_error(reply, "ERR Function not found")) {
        bridge_library_lost();
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
bridge_commander_answer(redisReply *reply)
{
    void               *data;
    bridge_command_t   *command;
    bridge_command_pt   handler;

    command = STAILQ_FIRST(&bridge_commander_commands);

    STAILQ_REMOVE_HEAD(&bridge_commander_commands, link);
    bridge_commander_waiting--;

    handler = command->handler;
    data = command->data;

    free(command);

    if (handler) {
        handler(data, reply);
    }
}


static void
bridge_commander_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_msec_t      age;
    bridge_command_t  *command;

    command = STAILQ_FIRST(&bridge_commander_commands);

    if (command == NULL) {
        return;
    }

    age = bridge_now() - command->sent;

    if (age >= bridge_config->redis.timeout) {
        bridge_redis_fail(&bridge_commander, "no answer in time");
        return;
    }

    bridge_timer_set(&bridge_commander_timer,
                     bridge_config->redis.timeout - age);
}
