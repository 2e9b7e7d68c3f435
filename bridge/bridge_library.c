
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The text of redis/pimap.lua is part of the program.  Where it is missing or
 * older it is loaded.
 */


#include "bridge_library.h"
#include "bridge_account.h"
#include "bridge_commander.h"
#include "bridge_discover.h"
#include "bridge_log.h"
#include "bridge_update.h"

#include <stdlib.h>


#define BRIDGE_LIBRARY_RETRY  1000


/* BRIDGE_LUA comes from the Makefile: the file's path. */

__asm__ (".section .rodata\n"
         ".local bridge_library_text\n"
         ".local bridge_library_end\n"
         "bridge_library_text:\n"
         ".incbin \"" BRIDGE_LUA "\"\n"
         "bridge_library_end:\n"
         ".byte 0\n"
         ".previous\n");

extern const char  bridge_library_text[]
                       __attribute__ ((visibility ("hidden")));
extern const char  bridge_library_end[]
                       __attribute__ ((visibility ("hidden")));


static void bridge_library_ask(evutil_socket_t fd, short what, void *data);
static int bridge_library_version(void);
static void bridge_library_answered(void *data, redisReply *reply);
static void bridge_library_load(void);
static void bridge_library_loaded(void *data, redisReply *reply);
static void bridge_library_is_ready(void);
static void bridge_library_failed(const char *why);


static int           bridge_library;
static int           bridge_library_told;
static struct event  bridge_library_timer;


int
bridge_library_ready(void)
{
    return bridge_library && bridge_commander_ready();
}


void
bridge_library_start(void)
{
    if (!event_initialized(&bridge_library_timer)) {
        evtimer_assign(&bridge_library_timer, bridge_base, bridge_library_ask,
                       NULL);
    }

    bridge_library_ask(-1, 0, NULL);
}


void
bridge_library_stop(void)
{
    bridge_library = 0;

    evtimer_del(&bridge_library_timer);
}


void
bridge_library_lost(void)
{
    if (bridge_library) {
        bridge_library = 0;
        bridge_library_ask(-1, 0, NULL);
    }
}


static void
bridge_library_ask(evutil_socket_t fd, short what, void *data)
{
    if (bridge_commander_send(bridge_library_answered, NULL,
                              "FCALL pimap_version 0")
        == NULL)
    {
        bridge_timer_set(&bridge_library_timer, BRIDGE_LIBRARY_RETRY);
    }
}


/* "local VERSION = 2" */

static int
bridge_library_version(void)
{
    const char  *line;

    line = strstr(bridge_library_text, "\nlocal VERSION = ");

    return line ? atoi(line + sizeof("\nlocal VERSION = ") - 1) : 0;
}


static void
bridge_library_answered(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_INTEGER
        && reply->integer >= bridge_library_version())
    {
        bridge_library_is_ready();
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR
        && strstr(reply->str, "Function not found") == NULL)
    {
        bridge_library_failed(reply->str);
        return;
    }

    bridge_library_load();
}


static void
bridge_library_load(void)
{
    if (bridge_commander_send(bridge_library_loaded, NULL,
                              "FUNCTION LOAD REPLACE %b",
                              bridge_library_text,
                              (size_t) (bridge_library_end
                                        - bridge_library_text))
        == NULL)
    {
        bridge_timer_set(&bridge_library_timer, BRIDGE_LIBRARY_RETRY);
    }
}


static void
bridge_library_loaded(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        bridge_library_failed(reply->str);
        return;
    }

    bridge_log(BRIDGE_LOG_NOTICE, "loaded the functions into redis");

    bridge_library_is_ready();
}


static void
bridge_library_is_ready(void)
{
    bridge_library = 1;
    bridge_library_told = 0;

    bridge_discover_start();
    bridge_account_redis_ready();
    bridge_update_redis_ready();
}


static void
bridge_library_failed(const char *why)
{
    if (!bridge_library_told) {
        bridge_library_told = 1;
        bridge_log(BRIDGE_LOG_ERROR, "no functions in redis: %s", why);
    }

    bridge_timer_set(&bridge_library_timer, BRIDGE_LIBRARY_RETRY);
}
