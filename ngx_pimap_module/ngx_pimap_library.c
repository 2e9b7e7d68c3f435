
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The library's text is part of the module, as it is in redis/pimap.lua.
 * Where it is missing or older it is loaded; where that is not possible
 * (Redis before 7, no permission) it is said once, and events are live only.
 */


#include "ngx_pimap_library.h"
#include "ngx_pimap_commander.h"
#include "ngx_pimap_resume.h"


/* of the text below; "pimap_version" must answer at least this */
#define NGX_PIMAP_LIBRARY_VERSION  1


/* NGX_PIMAP_LUA comes from the "config" script: the file's path. */

__asm__ (".section .rodata\n"
         ".local ngx_pimap_library_text\n"
         ".local ngx_pimap_library_end\n"
         "ngx_pimap_library_text:\n"
         ".incbin \"" NGX_PIMAP_LUA "\"\n"
         "ngx_pimap_library_end:\n"
         ".byte 0\n"
         ".previous\n");

extern const char  ngx_pimap_library_text[]
                       __attribute__ ((visibility ("hidden")));
extern const char  ngx_pimap_library_end[]
                       __attribute__ ((visibility ("hidden")));


static void ngx_pimap_library_ask(void);
static void ngx_pimap_library_version(void *data, redisReply *reply);
static void ngx_pimap_library_load(void);
static void ngx_pimap_library_loaded(void *data, redisReply *reply);
static void ngx_pimap_library_ready(void);
static void ngx_pimap_library_missing(const char *why);


static ngx_pimap_library_state_t   ngx_pimap_library;
static ngx_pimap_redis_conf_t     *ngx_pimap_library_conf;
static ngx_uint_t                  ngx_pimap_library_told;


ngx_pimap_library_state_t
ngx_pimap_library_state(void)
{
    return ngx_pimap_library;
}


void
ngx_pimap_library_start(ngx_pimap_redis_conf_t *conf)
{
    ngx_pimap_library_conf = conf;
    ngx_pimap_library = NGX_PIMAP_LIBRARY_UNKNOWN;

    if (conf->functions == NGX_PIMAP_LIBRARY_OFF) {
        ngx_pimap_library = NGX_PIMAP_LIBRARY_MISSING;
        ngx_pimap_resume_run();
        return;
    }

    ngx_pimap_library_ask();
}


void
ngx_pimap_library_stop(void)
{
    ngx_pimap_library = NGX_PIMAP_LIBRARY_UNKNOWN;
}


void
ngx_pimap_library_lost(void)
{
    if (ngx_pimap_library == NGX_PIMAP_LIBRARY_READY) {
        ngx_pimap_library = NGX_PIMAP_LIBRARY_UNKNOWN;
        ngx_pimap_library_ask();
    }
}


static void
ngx_pimap_library_ask(void)
{
    static const size_t   len[] = { 5, 13, 1 };
    static const char    *argv[] = { "FCALL", "pimap_version", "0" };

    /* if that is not possible now, the connection's next start asks again */

    (void) ngx_pimap_commander_send(3, argv, len, ngx_pimap_library_version,
                                    NULL);
}


static void
ngx_pimap_library_version(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_INTEGER
        && reply->integer >= NGX_PIMAP_LIBRARY_VERSION)
    {
        ngx_pimap_library_ready();
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR
        && ngx_strstr(reply->str, "Function not found") == NULL)
    {
        ngx_pimap_library_missing(reply->str);
        return;
    }

    if (ngx_pimap_library_conf->functions == NGX_PIMAP_LIBRARY_USE) {
        ngx_pimap_library_missing("it is not loaded, or is older");
        return;
    }

    ngx_pimap_library_load();
}


static void
ngx_pimap_library_load(void)
{
    size_t       len[4];
    const char  *argv[4];

    argv[0] = "FUNCTION";
    len[0] = sizeof("FUNCTION") - 1;
    argv[1] = "LOAD";
    len[1] = sizeof("LOAD") - 1;
    argv[2] = "REPLACE";
    len[2] = sizeof("REPLACE") - 1;
    argv[3] = ngx_pimap_library_text;
    len[3] = ngx_pimap_library_end - ngx_pimap_library_text;

    (void) ngx_pimap_commander_send(4, argv, len, ngx_pimap_library_loaded,
                                    NULL);
}


static void
ngx_pimap_library_loaded(void *data, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_library_missing(reply->str);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "pimap loaded its functions into redis");

    ngx_pimap_library_ready();
}


static void
ngx_pimap_library_ready(void)
{
    ngx_pimap_library = NGX_PIMAP_LIBRARY_READY;
    ngx_pimap_library_told = 0;

    ngx_pimap_resume_run();
}


static void
ngx_pimap_library_missing(const char *why)
{
    ngx_pimap_library = NGX_PIMAP_LIBRARY_MISSING;

    if (!ngx_pimap_library_told) {
        ngx_pimap_library_told = 1;

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap has no log in redis, events are live only: %s",
                      why);
    }

    ngx_pimap_resume_run();
}
