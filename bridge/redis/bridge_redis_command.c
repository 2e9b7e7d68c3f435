
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * If the oldest command of a node waits for longer than the time-out, the
 * connection is closed, and all handlers are called without a reply.
 *
 * A command that a cluster sends elsewhere, or refuses for now, is parked and
 * sent again after a pause.  Later ones of its slot are parked behind it, and
 * none of them is sent before the earlier ones have been answered.
 */


#include "bridge_redis_command.h"

#include <stdarg.h>
#include <stdlib.h>


#define BRIDGE_COMMAND_PAUSE  50        /* msec until it is sent again */


struct bridge_command_s {
    TAILQ_ENTRY(bridge_command_s)   link;
    bridge_msec_t                   begun;
    bridge_msec_t                   sent;       /* the last time */
    uint64_t                        number;
    bridge_command_pt               handler;    /* or NULL */
    void                           *data;

    unsigned                        slot;       /* PIMAP_REDIS_SLOTS: none */
    bridge_node_t                  *ask;        /* the slot is on its way */
    char                           *text;       /* of a cluster, to repeat */
    size_t                          len;
};


static bridge_command_t *bridge_redis_command_format(bridge_node_t *node,
    unsigned slot, bridge_command_pt handler, void *data, const char *format,
    va_list args);
static bridge_command_t *bridge_redis_command_queue(bridge_node_t *node,
    unsigned slot, bridge_command_pt handler, void *data, char *text,
    int len);
static bridge_command_t *bridge_redis_command_new(unsigned slot,
    bridge_command_pt handler, void *data, const char *text, size_t len);
static void bridge_redis_command_add(bridge_node_t *node,
    bridge_command_t *command);
static void bridge_redis_command_up_handler(bridge_redis_t *redis);
static void bridge_redis_command_down_handler(bridge_redis_t *redis);
static void bridge_redis_command_reply(bridge_redis_t *redis,
    redisReply *reply);
static void bridge_redis_command_park(bridge_command_t *command);
static void bridge_redis_command_parked_handler(evutil_socket_t fd,
    short what, void *data);
static int bridge_redis_command_repeat(bridge_command_t *command);
static bridge_command_t *bridge_redis_command_take(bridge_node_t *node);
static void bridge_redis_command_answer(bridge_command_t *command,
    redisReply *reply);
static void bridge_redis_command_timer_handler(evutil_socket_t fd, short what,
    void *data);


static void   (*bridge_redis_command_on_up)(bridge_node_t *node);
static void   (*bridge_redis_command_on_down)(bridge_node_t *node);
static void   (*bridge_redis_command_on_missing)(bridge_node_t *node);

static int      bridge_redis_command_waiting;
static uint64_t bridge_redis_command_number;

/* by slot */
static uint32_t bridge_redis_command_sent[PIMAP_REDIS_SLOTS];
static uint32_t bridge_redis_command_held[PIMAP_REDIS_SLOTS];
static uint64_t bridge_redis_command_turn[PIMAP_REDIS_SLOTS];

static struct event  bridge_redis_command_timer;

static TAILQ_HEAD(bridge_command_list_s, bridge_command_s)
    bridge_redis_command_parked =
    TAILQ_HEAD_INITIALIZER(bridge_redis_command_parked);


void
bridge_redis_command_start(void (*up)(bridge_node_t *node),
    void (*down)(bridge_node_t *node),
    void (*function_missing)(bridge_node_t *node))
{
    bridge_redis_command_on_up = up;
    bridge_redis_command_on_down = down;
    bridge_redis_command_on_missing = function_missing;

    evtimer_assign(&bridge_redis_command_timer, bridge_base,
                   bridge_redis_command_parked_handler, NULL);
}


void
bridge_redis_command_forget_all(void)
{
    bridge_node_t     *node;
    bridge_command_t  *command;

    bridge_node_each(node) {
        TAILQ_FOREACH(command, &node->commands.sent, link) {
            command->handler = NULL;
        }
    }

    TAILQ_FOREACH(command, &bridge_redis_command_parked, link) {
        command->handler = NULL;
    }
}


void
bridge_redis_command_stop(void)
{
    bridge_command_t  *command;

    evtimer_del(&bridge_redis_command_timer);

    while ((command = TAILQ_FIRST(&bridge_redis_command_parked))) {
        TAILQ_REMOVE(&bridge_redis_command_parked, command, link);
        bridge_redis_command_held[command->slot]--;
        bridge_redis_command_answer(command, NULL);
    }
}


void
bridge_redis_command_open(bridge_node_t *node)
{
    bridge_redis_t  *redis;

    TAILQ_INIT(&node->commands.sent);

    evtimer_assign(&node->commands.timer, bridge_base,
                   bridge_redis_command_timer_handler, node);

    redis = &node->commands.redis;

    redis->role = "commands";
    redis->data = node;
    redis->choose = bridge_redis_conf_is_cluster(bridge_redis_conf)
                    ? bridge_node_choose : NULL;
    redis->up = bridge_redis_command_up_handler;
    redis->down = bridge_redis_command_down_handler;
    redis->reply = bridge_redis_command_reply;

    bridge_redis_open(redis);
}


void
bridge_redis_command_close(bridge_node_t *node)
{
    bridge_command_t  *command;

    bridge_redis_close(&node->commands.redis);
    evtimer_del(&node->commands.timer);

    while ((command = bridge_redis_command_take(node))) {
        bridge_redis_command_answer(command, NULL);
    }
}


int
bridge_redis_command_is_idle(bridge_node_t *node)
{
    bridge_command_t  *command;

    TAILQ_FOREACH(command, &bridge_redis_command_parked, link) {
        if (command->ask == node) {
            return 0;
        }
    }

    return TAILQ_EMPTY(&node->commands.sent);
}


bridge_command_t *
bridge_redis_command_send(unsigned slot, bridge_command_pt handler, void *data,
    const char *format, ...)
{
    va_list            args;
    bridge_command_t  *command;

    va_start(args, format);
    command = bridge_redis_command_format(bridge_node_of(slot), slot, handler,
                                          data, format, args);
    va_end(args);

    return command;
}


bridge_command_t *
bridge_redis_command_node(bridge_node_t *node, bridge_command_pt handler,
    void *data, const char *format, ...)
{
    va_list            args;
    bridge_command_t  *command;

    va_start(args, format);
    command = bridge_redis_command_format(node, PIMAP_REDIS_SLOTS, handler,
                                          data, format, args);
    va_end(args);

    return command;
}


static bridge_command_t *
bridge_redis_command_format(bridge_node_t *node, unsigned slot,
    bridge_command_pt handler, void *data, const char *format, va_list args)
{
    int    len;
    char  *text;

    len = redisvFormatCommand(&text, format, args);

    return bridge_redis_command_queue(node, slot, handler, data, text, len);
}


bridge_command_t *
bridge_redis_command_send_argv(unsigned slot, bridge_command_pt handler,
    void *data, int argc, const char **argv, const size_t *lens)
{
    int    len;
    char  *text;

    len = redisFormatCommandArgv(&text, argc, argv, lens);

    return bridge_redis_command_queue(bridge_node_of(slot), slot, handler,
                                      data, text, len);
}


static bridge_command_t *
bridge_redis_command_queue(bridge_node_t *node, unsigned slot,
    bridge_command_pt handler, void *data, char *text, int len)
{
    bridge_command_t  *command;

    if (len < 0) {
        return NULL;
    }

    command = NULL;

    if (bridge_redis_command_waiting >= bridge_redis_conf->max_waiting) {
        /* too far behind */

    } else if (slot < PIMAP_REDIS_SLOTS && bridge_redis_command_held[slot]) {
        command = bridge_redis_command_new(slot, handler, data, text, len);
        bridge_redis_command_park(command);

    } else if (node && bridge_node_is_up(node)
               && bridge_redis_send(&node->commands.redis, text, len) == 0)
    {
        command = bridge_redis_command_new(slot, handler, data, text, len);
        bridge_redis_command_add(node, command);
    }

    free(text);

    return command;
}


static bridge_command_t *
bridge_redis_command_new(unsigned slot, bridge_command_pt handler, void *data,
    const char *text, size_t len)
{
    bridge_command_t  *command;

    command = bridge_alloc(sizeof(bridge_command_t));

    command->begun = bridge_now();
    command->number = ++bridge_redis_command_number;
    command->handler = handler;
    command->data = data;
    command->slot = slot;

    if (slot < PIMAP_REDIS_SLOTS
        && bridge_redis_conf_is_cluster(bridge_redis_conf))
    {
        command->text = bridge_copy(text, len);
        command->len = len;
    }

    bridge_redis_command_waiting++;

    return command;
}


static void
bridge_redis_command_add(bridge_node_t *node, bridge_command_t *command)
{
    TAILQ_INSERT_TAIL(&node->commands.sent, command, link);

    command->sent = bridge_now();
    node->used = command->sent;

    if (command->slot < PIMAP_REDIS_SLOTS) {
        bridge_redis_command_sent[command->slot]++;
    }

    if (!evtimer_pending(&node->commands.timer, NULL)) {
        bridge_timer_set(&node->commands.timer, bridge_redis_conf->timeout);
    }
}


void
bridge_redis_command_forget(bridge_command_t *command)
{
    command->handler = NULL;
}


static void
bridge_redis_command_up_handler(bridge_redis_t *redis)
{
    bridge_redis_command_on_up(redis->data);
}


static void
bridge_redis_command_down_handler(bridge_redis_t *redis)
{
    bridge_node_t     *node = redis->data;
    bridge_command_t  *command;

    bridge_topology_refresh();
    bridge_redis_command_on_down(node);

    while ((command = bridge_redis_command_take(node))) {
        bridge_redis_command_answer(command, NULL);
    }
}


/* A replica, or a server that starts, will not be ready for the next one. */

static void
bridge_redis_command_reply(bridge_redis_t *redis, redisReply *reply)
{
    bridge_node_t     *node = redis->data;
    bridge_command_t  *command;

    command = bridge_redis_command_take(node);

    if (command == NULL) {
        bridge_redis_fail(redis, reply->type == REDIS_REPLY_ERROR
                                 ? reply->str : "unexpected reply");
        return;
    }

    if (command->text && reply->type == REDIS_REPLY_ERROR
        && bridge_node_redirect(node, reply, &command->ask))
    {
        bridge_redis_command_park(command);
        return;
    }

    bridge_redis_command_answer(command, reply);

    if (bridge_redis_is_error(reply, "ERR Function not found")) {
        bridge_redis_command_on_missing(node);
        return;
    }

    if (bridge_redis_is_error(reply, "READONLY ")
        || bridge_redis_is_error(reply, "LOADING ")
        || bridge_redis_is_error(reply, "MASTERDOWN ")
        || (!bridge_redis_conf_is_cluster(bridge_redis_conf)
            && bridge_redis_is_error(reply, "MOVED ")))
    {
        bridge_redis_fail(redis, reply->str);
    }
}


/* In the order of their numbers. */

static void
bridge_redis_command_park(bridge_command_t *command)
{
    bridge_command_t  *before;

    bridge_redis_command_held[command->slot]++;

    TAILQ_FOREACH_REVERSE(before, &bridge_redis_command_parked,
                          bridge_command_list_s, link)
    {
        if (before->number < command->number) {
            break;
        }
    }

    if (before) {
        TAILQ_INSERT_AFTER(&bridge_redis_command_parked, before, command,
                           link);
    } else {
        TAILQ_INSERT_HEAD(&bridge_redis_command_parked, command, link);
    }

    if (!evtimer_pending(&bridge_redis_command_timer, NULL)) {
        bridge_timer_set(&bridge_redis_command_timer, BRIDGE_COMMAND_PAUSE);
    }
}


static void
bridge_redis_command_parked_handler(evutil_socket_t fd, short what,
    void *data)
{
    bridge_command_t              *command, *next;
    struct bridge_command_list_s   late;

    static uint64_t  turn;

    TAILQ_INIT(&late);
    turn++;

    for (command = TAILQ_FIRST(&bridge_redis_command_parked); command;
         command = next)
    {
        next = TAILQ_NEXT(command, link);

        if (bridge_now() - command->begun >= bridge_redis_conf->timeout) {
            TAILQ_REMOVE(&bridge_redis_command_parked, command, link);
            TAILQ_INSERT_TAIL(&late, command, link);
            bridge_redis_command_held[command->slot]--;

        } else if (bridge_redis_command_sent[command->slot] == 0
                   || bridge_redis_command_turn[command->slot] == turn)
        {
            bridge_redis_command_turn[command->slot] =
                bridge_redis_command_repeat(command) == 0 ? turn : 0;
        }
    }

    if (!TAILQ_EMPTY(&bridge_redis_command_parked)) {
        bridge_timer_set(&bridge_redis_command_timer, BRIDGE_COMMAND_PAUSE);
    }

    /* their handlers may send others */

    while ((command = TAILQ_FIRST(&late))) {
        TAILQ_REMOVE(&late, command, link);
        bridge_redis_command_answer(command, NULL);
    }
}


/* -1: the node is away. */

static int
bridge_redis_command_repeat(bridge_command_t *command)
{
    bridge_node_t  *node;

    node = command->ask ? command->ask : bridge_node_of(command->slot);

    if (node == NULL || !bridge_node_is_up(node)) {
        return -1;
    }

    if (command->ask) {
        bridge_redis_command_queue(node, PIMAP_REDIS_SLOTS, NULL, NULL,
                                   bridge_string("*1\r\n$6\r\nASKING\r\n"),
                                   sizeof("*1\r\n$6\r\nASKING\r\n") - 1);
    }

    if (bridge_redis_send(&node->commands.redis, command->text, command->len)
        != 0)
    {
        return -1;
    }

    TAILQ_REMOVE(&bridge_redis_command_parked, command, link);
    bridge_redis_command_held[command->slot]--;
    command->ask = NULL;

    bridge_redis_command_add(node, command);

    return 0;
}


/* The oldest command of a node; NULL if there is none. */

static bridge_command_t *
bridge_redis_command_take(bridge_node_t *node)
{
    bridge_command_t  *command;

    command = TAILQ_FIRST(&node->commands.sent);

    if (command) {
        TAILQ_REMOVE(&node->commands.sent, command, link);

        if (command->slot < PIMAP_REDIS_SLOTS) {
            bridge_redis_command_sent[command->slot]--;
        }
    }

    return command;
}


static void
bridge_redis_command_answer(bridge_command_t *command, redisReply *reply)
{
    void               *data;
    bridge_command_pt   handler;

    bridge_redis_command_waiting--;

    handler = command->handler;
    data = command->data;

    if (command->text) {
        bridge_wipe_free(command->text, command->len);
    }

    free(command);

    if (handler) {
        handler(data, reply);
    }
}


static void
bridge_redis_command_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_msec_t      age;
    bridge_node_t     *node = data;
    bridge_command_t  *command;

    command = TAILQ_FIRST(&node->commands.sent);

    if (command == NULL) {
        return;
    }

    age = bridge_now() - command->sent;

    if (age >= bridge_redis_conf->timeout) {
        bridge_redis_fail(&node->commands.redis, "no answer in time");
        return;
    }

    bridge_timer_set(&node->commands.timer, bridge_redis_conf->timeout - age);
}
