
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The text of redis/pimap.lua is part of the program.  Where it is missing or
 * older it is loaded.
 */


#include "bridge_function_library.h"
#include "bridge_account.h"
#include "bridge_redis_command.h"
#include "bridge_account_scan.h"
#include "bridge_log.h"
#include "bridge_update_consumer.h"

#include <stdlib.h>


#define BRIDGE_FUNCTION_LIBRARY_RETRY  1000


/* BRIDGE_LUA comes from the Makefile: the file's path. */

__asm__ (".section .rodata\n"
         ".local bridge_function_library_text\n"
         ".local bridge_function_library_end\n"
         "bridge_function_library_text:\n"
         ".incbin \"" BRIDGE_LUA "\"\n"
         "bridge_function_library_end:\n"
         ".byte 0\n"
         ".previous\n");

extern const char  bridge_function_library_text[]
                       __attribute__ ((visibility ("hidden")));
extern const char  bridge_function_library_end[]
                       __attribute__ ((visibility ("hidden")));


static void bridge_function_library_ask(evutil_socket_t fd, short what,
    void *data);
static int bridge_function_library_version(void);
static void bridge_function_library_answered(void *data, redisReply *reply);
static void bridge_function_library_load(void);
static void bridge_function_library_loaded(void *data, redisReply *reply);
static void bridge_function_library_is_ready(void);
static void bridge_function_library_failed(const char *why);


static int           bridge_function_library;
static int           bridge_function_library_told;
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
                       bridge_function_library_ask,
                       NULL);
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


/* "local VERSION = 2" */

static int
bridge_function_library_version(void)
{
    const char  *line;

    line = strstr(bridge_function_library_text, "\nlocal VERSION = ");

    return line ? atoi(line + sizeof("\nlocal VERSION = ") - 1) : 0;
}


static void
bridge_function_library_answered(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_INTEGER
        && reply->integer >= bridge_function_library_version())
    {
        bridge_function_library_is_ready();
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR
        && strstr(reply->str, "Function not found") == NULL)
    {
        bridge_function_library_failed(reply->str);
        return;
    }

    bridge_function_library_load();
}


static void
bridge_function_library_load(void)
{
    if (bridge_redis_command_send(bridge_function_library_loaded, NULL,
                              "FUNCTION LOAD REPLACE %b",
                              bridge_function_library_text,
                              (size_t) (bridge_function_library_end
                                        - bridge_function_library_text))
        == NULL)
    {
        bridge_timer_set(&bridge_function_library_timer,
                         BRIDGE_FUNCTION_LIBRARY_RETRY);
    }
}


static void
bridge_function_library_loaded(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        bridge_function_library_failed(reply->str);
        return;
    }

    bridge_log(BRIDGE_LOG_NOTICE, "loaded the functions into redis");

    bridge_function_library_is_ready();
}


static void
bridge_function_library_is_ready(void)
{
    bridge_function_library = 1;
    bridge_function_library_told = 0;

    bridge_account_scan_start();
    bridge_account_redis_ready();
    bridge_update_consumer_redis_ready();
}


static void
bridge_function_library_failed(const char *why)
{
    if (!bridge_function_library_told) {
        bridge_function_library_told = 1;
        bridge_log(BRIDGE_LOG_ERROR, "no functions in redis: %s", why);
    }

    bridge_timer_set(&bridge_function_library_timer,
                     BRIDGE_FUNCTION_LIBRARY_RETRY);
}
