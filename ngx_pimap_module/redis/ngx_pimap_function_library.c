
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A library that is missing or older is loaded.  If that is not possible
 * (Redis before 7, no permission), a warning is logged once.  Events are live
 * only until another client has loaded the library.  A client may also load an
 * older one, so the version is asked for now and then.
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"

#include "pimap_function_library.h"


#define NGX_PIMAP_FUNCTION_LIBRARY_SOON     1000    /* msec until a retry */
#define NGX_PIMAP_FUNCTION_LIBRARY_LATER    60000
#define NGX_PIMAP_FUNCTION_LIBRARY_CHECK    5000    /* msec, if it is ready */


static void ngx_pimap_function_library_set(ngx_pimap_node_t *node,
    ngx_pimap_function_library_state_t state);
static void ngx_pimap_function_library_ask(ngx_pimap_node_t *node);
static void ngx_pimap_function_library_timer_handler(ngx_event_t *ev);
static void ngx_pimap_function_library_asked(void *data, redisReply *reply);
static void ngx_pimap_function_library_loaded(void *data, redisReply *reply);
static void ngx_pimap_function_library_judge(ngx_pimap_node_t *node,
    const char *error, long long version);
static void ngx_pimap_function_library_load(ngx_pimap_node_t *node);


static ngx_pimap_conf_redis_t  *ngx_pimap_function_library_conf;
static ngx_pimap_node_pt        ngx_pimap_function_library_handler;

/* Of the last node that was asked: a new node is expected to be like it. */
static ngx_pimap_function_library_state_t  ngx_pimap_function_library_latest;


void
ngx_pimap_function_library_init_process(ngx_pimap_conf_redis_t *conf,
    ngx_pimap_node_pt handler)
{
    ngx_pimap_function_library_conf = conf;
    ngx_pimap_function_library_handler = handler;
}


void
ngx_pimap_function_library_created(ngx_pimap_node_t *node)
{
    ngx_pimap_timer_init(&node->library.timer,
                         ngx_pimap_function_library_timer_handler,
                         ngx_cycle->log, 1);
}


ngx_pimap_function_library_state_t
ngx_pimap_function_library_state(ngx_uint_t slot)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_owner(slot);

    if (node == NULL) {
        return NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN;
    }

    /* a command waits for the node's connection, and for its functions */

    if (ngx_pimap_node_opens(node)) {
        return ngx_pimap_function_library_latest;
    }

    return node->library.state;
}


void
ngx_pimap_function_library_start(ngx_pimap_node_t *node)
{
    if (ngx_pimap_function_library_conf->functions
        == NGX_PIMAP_FUNCTIONS_OFF)
    {
        ngx_pimap_function_library_set(node,
                                       NGX_PIMAP_FUNCTION_LIBRARY_MISSING);
        return;
    }

    ngx_pimap_function_library_ask(node);
}


void
ngx_pimap_function_library_stop(ngx_pimap_node_t *node)
{
    node->library.state = NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN;

    if (node->library.timer.timer_set) {
        ngx_del_timer(&node->library.timer);
    }
}


const char *
ngx_pimap_function_library_trouble(ngx_uint_t slot)
{
    return ngx_pimap_function_library_state(slot)
           == NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN
           && ngx_pimap_command_ready(slot)
           ? "Redis has not taken the functions yet: is its memory full?"
           : ngx_pimap_command_trouble(slot);
}


static void
ngx_pimap_function_library_set(ngx_pimap_node_t *node,
    ngx_pimap_function_library_state_t state)
{
    node->known = 1;
    node->library.state = state;
    ngx_pimap_function_library_latest = state;

    ngx_pimap_function_library_handler(node);
}


void
ngx_pimap_function_library_lost(ngx_uint_t slot)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_owner(slot);

    if (node && node->library.state == NGX_PIMAP_FUNCTION_LIBRARY_READY) {
        node->library.state = NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN;
        ngx_pimap_function_library_ask(node);
    }
}


void
ngx_pimap_function_library_refused(ngx_uint_t slot, const char *what,
    redisReply *reply, ngx_log_t *log)
{
    ngx_uint_t  level;

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_COMMAND, NGX_LOG_ERR);

    ngx_log_error(level, log, 0, "pimap %s failed: %s", what, reply->str);

    if (pimap_function_library_is_lost(reply->str)) {
        ngx_pimap_function_library_lost(slot);

    } else if (ngx_strncmp(reply->str, "READONLY", 8) == 0) {
        ngx_pimap_command_renew(slot, "it is a replica now");
    }
}


static void
ngx_pimap_function_library_ask(ngx_pimap_node_t *node)
{
    if (ngx_pimap_command_send_node(node, ngx_pimap_function_library_asked,
                                    node, "FCALL pimap_version 0")
        != NGX_OK)
    {
        ngx_add_timer(&node->library.timer, NGX_PIMAP_FUNCTION_LIBRARY_SOON);
    }
}


static void
ngx_pimap_function_library_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_function_library_ask(ngx_queue_data(ev, ngx_pimap_node_t,
                                                  library.timer));
}


static void
ngx_pimap_function_library_asked(void *data, redisReply *reply)
{
    if (reply) {
        ngx_pimap_function_library_judge(data,
                                         reply->type == REDIS_REPLY_ERROR
                                         ? reply->str : NULL,
                                         reply->integer);
    }
}


static void
ngx_pimap_function_library_loaded(void *data, redisReply *reply)
{
    ngx_pimap_node_t  *node = data;

    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_function_library_judge(node, reply->str, 0);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "pimap loaded its functions into redis, %V",
                  &node->server.name);

    ngx_pimap_function_library_judge(node, NULL,
                                     pimap_function_library_version());
}


static void
ngx_pimap_function_library_judge(ngx_pimap_node_t *node, const char *error,
    long long version)
{
    ngx_uint_t  level;

    switch (pimap_function_library_status(error, version)) {

    case PIMAP_FUNCTION_LIBRARY_READY:
        ngx_pimap_zone_over(NGX_PIMAP_TROUBLE_FUNCTIONS);

        ngx_add_timer(&node->library.timer, NGX_PIMAP_FUNCTION_LIBRARY_CHECK);

        if (node->library.state != NGX_PIMAP_FUNCTION_LIBRARY_READY) {
            ngx_pimap_function_library_set(node,
                                           NGX_PIMAP_FUNCTION_LIBRARY_READY);
        }

        return;

    case PIMAP_FUNCTION_LIBRARY_OLD:

        if (ngx_pimap_function_library_conf->functions
            == NGX_PIMAP_FUNCTIONS_LOAD)
        {
            ngx_pimap_function_library_load(node);
            return;
        }

        error = "it is not loaded, or is older";
        break;

    case PIMAP_FUNCTION_LIBRARY_BUSY:
        ngx_add_timer(&node->library.timer, NGX_PIMAP_FUNCTION_LIBRARY_SOON);
        return;

    default:
        break;
    }

    ngx_add_timer(&node->library.timer, NGX_PIMAP_FUNCTION_LIBRARY_LATER);

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_FUNCTIONS, NGX_LOG_WARN);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap has no log in redis, events are live only: %s",
                  error);

    ngx_pimap_function_library_set(node, NGX_PIMAP_FUNCTION_LIBRARY_MISSING);
}


static void
ngx_pimap_function_library_load(ngx_pimap_node_t *node)
{
    size_t       len;
    const char  *text;

    text = pimap_function_library_text(&len);

    if (ngx_pimap_command_send_node(node, ngx_pimap_function_library_loaded,
                                    node, "FUNCTION LOAD REPLACE %b", text,
                                    len)
        != NGX_OK)
    {
        ngx_add_timer(&node->library.timer, NGX_PIMAP_FUNCTION_LIBRARY_SOON);
    }
}
