
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The library is loaded where it is missing or older.
 */


#include "bridge_function_library.h"

#include "pimap_function_library.h"


#define BRIDGE_FUNCTION_LIBRARY_RETRY  1000


static void bridge_function_library_ask(evutil_socket_t fd, short what,
    void *data);
static void bridge_function_library_asked(void *data, redisReply *reply);
static void bridge_function_library_loaded(void *data, redisReply *reply);
static void bridge_function_library_is(bridge_node_t *node,
    const char *error, long long version);
static void bridge_function_library_load(bridge_node_t *node);
static void bridge_function_library_later(bridge_node_t *node);


static void  (*bridge_function_library_on_ready)(void);


void
bridge_function_library_start(void (*ready)(void))
{
    bridge_function_library_on_ready = ready;
}


void
bridge_function_library_open(bridge_node_t *node)
{
    evtimer_assign(&node->library.timer, bridge_base,
                   bridge_function_library_ask, node);
}


void
bridge_function_library_close(bridge_node_t *node)
{
    bridge_function_library_down(node);
}


int
bridge_function_library_is_ready(bridge_node_t *node)
{
    return node->library.ready && bridge_node_is_up(node);
}


int
bridge_function_library_ready(void)
{
    return bridge_node_share(bridge_function_library_is_ready) > 0;
}


void
bridge_function_library_up(bridge_node_t *node)
{
    bridge_function_library_ask(-1, 0, node);
}


void
bridge_function_library_down(bridge_node_t *node)
{
    node->library.ready = 0;

    evtimer_del(&node->library.timer);
}


void
bridge_function_library_lost(bridge_node_t *node)
{
    if (node->library.ready) {
        node->library.ready = 0;
        bridge_function_library_ask(-1, 0, node);
    }
}


static void
bridge_function_library_ask(evutil_socket_t fd, short what, void *data)
{
    bridge_node_t  *node = data;

    if (bridge_redis_command_node(node, bridge_function_library_asked, node,
                                  "FCALL pimap_version 0")
        == NULL)
    {
        bridge_function_library_later(node);
    }
}


static void
bridge_function_library_later(bridge_node_t *node)
{
    bridge_timer_set(&node->library.timer, BRIDGE_FUNCTION_LIBRARY_RETRY);
}


static void
bridge_function_library_asked(void *data, redisReply *reply)
{
    if (reply) {
        bridge_function_library_is(data, reply->type == REDIS_REPLY_ERROR
                                         ? reply->str : NULL,
                                   reply->integer);
    }
}


static void
bridge_function_library_loaded(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        bridge_log(BRIDGE_LOG_NOTICE, "redis: loaded the function library");
    }

    bridge_function_library_is(data, reply->type == REDIS_REPLY_ERROR
                                     ? reply->str : NULL,
                               pimap_function_library_version());
}


static void
bridge_function_library_is(bridge_node_t *node, const char *error,
    long long version)
{
    switch (pimap_function_library_status(error, version)) {

    case PIMAP_FUNCTION_LIBRARY_READY:
        node->library.ready = 1;
        node->library.logged = 0;

        bridge_function_library_on_ready();
        return;

    case PIMAP_FUNCTION_LIBRARY_OLD:
        bridge_function_library_load(node);
        return;

    default:
        break;
    }

    if (!node->library.logged) {
        node->library.logged = 1;
        bridge_log(BRIDGE_LOG_ERROR, "redis: cannot use the function library, "
                   "trying again: %s", error);
    }

    bridge_function_library_later(node);
}


static void
bridge_function_library_load(bridge_node_t *node)
{
    size_t       len;
    const char  *text;

    text = pimap_function_library_text(&len);

    if (bridge_redis_command_node(node, bridge_function_library_loaded, node,
                                  "FUNCTION LOAD REPLACE %b", text, len)
        == NULL)
    {
        bridge_function_library_later(node);
    }
}
