
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


static void ngx_pimap_function_library_set(
    ngx_pimap_function_library_state_t state);
static void ngx_pimap_function_library_ask(void);
static void ngx_pimap_function_library_timer_handler(ngx_event_t *ev);
static void ngx_pimap_function_library_answer(void *loaded, redisReply *reply);
static void ngx_pimap_function_library_judge(const char *error,
    long long version);
static void ngx_pimap_function_library_load(void);


static ngx_pimap_function_library_state_t  ngx_pimap_function_library;

static ngx_pimap_conf_redis_t         *ngx_pimap_function_library_conf;
static ngx_pimap_function_library_pt   ngx_pimap_function_library_handler;
static ngx_event_t                     ngx_pimap_function_library_timer;


ngx_pimap_function_library_state_t
ngx_pimap_function_library_state(void)
{
    return ngx_pimap_function_library;
}


void
ngx_pimap_function_library_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf, ngx_pimap_function_library_pt handler)
{
    ngx_pimap_function_library_conf = conf;
    ngx_pimap_function_library_handler = handler;

    ngx_pimap_timer_init(&ngx_pimap_function_library_timer,
                         ngx_pimap_function_library_timer_handler,
                         cycle->log, 1);
}


void
ngx_pimap_function_library_start(void)
{
    if (ngx_pimap_function_library_conf->functions
        == NGX_PIMAP_FUNCTIONS_OFF)
    {
        ngx_pimap_function_library_set(NGX_PIMAP_FUNCTION_LIBRARY_MISSING);
        return;
    }

    ngx_pimap_function_library_ask();
}


void
ngx_pimap_function_library_stop(void)
{
    ngx_pimap_function_library = NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN;

    if (ngx_pimap_function_library_timer.timer_set) {
        ngx_del_timer(&ngx_pimap_function_library_timer);
    }
}


const char *
ngx_pimap_function_library_trouble(void)
{
    return ngx_pimap_function_library == NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN
           && ngx_pimap_command_ready()
           ? "Redis has not taken the functions yet: is its memory full?"
           : ngx_pimap_command_trouble();
}


static void
ngx_pimap_function_library_set(ngx_pimap_function_library_state_t state)
{
    ngx_pimap_function_library = state;
    ngx_pimap_function_library_handler(state);
}


void
ngx_pimap_function_library_lost(void)
{
    if (ngx_pimap_function_library == NGX_PIMAP_FUNCTION_LIBRARY_READY) {
        ngx_pimap_function_library = NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN;
        ngx_pimap_function_library_ask();
    }
}


void
ngx_pimap_function_library_refused(const char *what, redisReply *reply,
    ngx_log_t *log)
{
    ngx_uint_t  level;

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_COMMAND, NGX_LOG_ERR);

    ngx_log_error(level, log, 0, "pimap %s failed: %s", what, reply->str);

    if (pimap_function_library_is_lost(reply->str)) {
        ngx_pimap_function_library_lost();

    } else if (ngx_strncmp(reply->str, "READONLY", 8) == 0) {
        ngx_pimap_command_renew("it is a replica now");
    }
}


static void
ngx_pimap_function_library_ask(void)
{
    if (ngx_pimap_command_send(ngx_pimap_function_library_answer, NULL,
                               "FCALL pimap_version 0")
        == NULL)
    {
        ngx_add_timer(&ngx_pimap_function_library_timer,
                      NGX_PIMAP_FUNCTION_LIBRARY_SOON);
    }
}


static void
ngx_pimap_function_library_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_function_library_ask();
}


/* Of pimap_version, or of FUNCTION LOAD: "loaded" is not NULL then. */

static void
ngx_pimap_function_library_answer(void *loaded, redisReply *reply)
{
    if (reply == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_function_library_judge(reply->str, 0);
        return;
    }

    if (loaded) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "pimap loaded its functions into redis");
    }

    ngx_pimap_function_library_judge(NULL, loaded
                                           ? pimap_function_library_version()
                                           : reply->integer);
}


static void
ngx_pimap_function_library_judge(const char *error, long long version)
{
    ngx_uint_t  level;

    switch (pimap_function_library_status(error, version)) {

    case PIMAP_FUNCTION_LIBRARY_READY:
        ngx_pimap_zone_over(NGX_PIMAP_TROUBLE_FUNCTIONS);

        ngx_add_timer(&ngx_pimap_function_library_timer,
                      NGX_PIMAP_FUNCTION_LIBRARY_CHECK);

        if (ngx_pimap_function_library != NGX_PIMAP_FUNCTION_LIBRARY_READY) {
            ngx_pimap_function_library_set(NGX_PIMAP_FUNCTION_LIBRARY_READY);
        }

        return;

    case PIMAP_FUNCTION_LIBRARY_OLD:

        if (ngx_pimap_function_library_conf->functions
            == NGX_PIMAP_FUNCTIONS_LOAD)
        {
            ngx_pimap_function_library_load();
            return;
        }

        error = "it is not loaded, or is older";
        break;

    case PIMAP_FUNCTION_LIBRARY_BUSY:
        ngx_add_timer(&ngx_pimap_function_library_timer,
                      NGX_PIMAP_FUNCTION_LIBRARY_SOON);
        return;

    default:
        break;
    }

    ngx_add_timer(&ngx_pimap_function_library_timer,
                  NGX_PIMAP_FUNCTION_LIBRARY_LATER);

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_FUNCTIONS, NGX_LOG_WARN);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap has no log in redis, events are live only: %s",
                  error);

    ngx_pimap_function_library_set(NGX_PIMAP_FUNCTION_LIBRARY_MISSING);
}


static void
ngx_pimap_function_library_load(void)
{
    size_t       len;
    const char  *text;

    text = pimap_function_library_text(&len);

    if (ngx_pimap_command_send(ngx_pimap_function_library_answer,
                               &ngx_pimap_function_library,
                               "FUNCTION LOAD REPLACE %b", text, len)
        == NULL)
    {
        ngx_add_timer(&ngx_pimap_function_library_timer,
                      NGX_PIMAP_FUNCTION_LIBRARY_SOON);
    }
}
