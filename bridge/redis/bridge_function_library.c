
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The library is loaded where it is missing or older.
 */


#include "bridge_redis.h"

#include "pimap_function_library.h"


#define BRIDGE_FUNCTION_LIBRARY_RETRY  1000


static void bridge_function_library_ask(evutil_socket_t fd, short what,
    void *data);
static void bridge_function_library_answered(void *data, redisReply *reply);
static void bridge_function_library_load(void);


static int           bridge_function_library;
static int           bridge_function_library_logged;
static struct event  bridge_function_library_timer;


int
bridge_function_library_ready(void)
{
    return bridge_function_library && bridge_redis_command_ready();
}


void
bridge_function_library_start(void)
{
    if (!event_initialized(&bridge_function_library_timer)) {
        evtimer_assign(&bridge_function_library_timer, bridge_base,
                       bridge_function_library_ask, NULL);
    }

    bridge_function_library_ask(-1, 0, NULL);
}


void
bridge_function_library_stop(void)
{
    bridge_function_library = 0;

    evtimer_del(&bridge_function_library_timer);
}


void
bridge_function_library_lost(void)
{
    if (bridge_function_library) {
        bridge_function_library = 0;
        bridge_function_library_ask(-1, 0, NULL);
    }
}


static void
bridge_function_library_ask(evutil_socket_t fd, short what, void *data)
{
    if (bridge_redis_command_send(bridge_function_library_answered, NULL,
                                  "FCALL pimap_version 0")
        == NULL)
    {
        bridge_timer_set(&bridge_function_library_timer,
                         BRIDGE_FUNCTION_LIBRARY_RETRY);
    }
}


/* The answer to FCALL pimap_version, or, with "data", to FUNCTION LOAD. */

static void
bridge_function_library_answered(void *data, redisReply *reply)
{
    long long    version;
    const char  *error;

    if (reply == NULL) {
        return;
    }

    error = reply->type == REDIS_REPLY_ERROR ? reply->str : NULL;
    version = data ? pimap_function_library_version() : reply->integer;

    if (data && error == NULL) {
        bridge_log(BRIDGE_LOG_NOTICE, "redis: loaded the function library");
    }

    switch (pimap_function_library_status(error, version)) {

    case PIMAP_FUNCTION_LIBRARY_READY:
        bridge_function_library = 1;
        bridge_function_library_logged = 0;

        bridge_redis_handlers->functions_ready();
        return;

    case PIMAP_FUNCTION_LIBRARY_OLD:
        bridge_function_library_load();
        return;

    default:
        break;
    }

    if (!bridge_function_library_logged) {
        bridge_function_library_logged = 1;
        bridge_log(BRIDGE_LOG_ERROR, "redis: cannot use the function library, "
                   "trying again: %s", error);
    }

    bridge_timer_set(&bridge_function_library_timer,
                     BRIDGE_FUNCTION_LIBRARY_RETRY);
}


static void
bridge_function_library_load(void)
{
    size_t       len;
    const char  *text;

    text = pimap_function_library_text(&len);

    if (bridge_redis_command_send(bridge_function_library_answered,
                                  (void *) text,
                                  "FUNCTION LOAD REPLACE %b", text, len)
        == NULL)
    {
        bridge_timer_set(&bridge_function_library_timer,
                         BRIDGE_FUNCTION_LIBRARY_RETRY);
    }
}
