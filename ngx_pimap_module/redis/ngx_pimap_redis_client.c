
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: joins both connections, the probe and the function
 * library.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_log_reader.h"


static void ngx_pimap_redis_client_subscriber_down(void);
static void ngx_pimap_redis_client_commands_up(void);
static void ngx_pimap_redis_client_commands_down(void);
static void ngx_pimap_redis_client_own(u_char *data, size_t len);
static void ngx_pimap_redis_client_functions(
    ngx_pimap_function_library_state_t state);


static const ngx_pimap_redis_handlers_t  *ngx_pimap_redis_client_handlers;

static ngx_pimap_subscriber_callbacks_t   ngx_pimap_redis_client_callbacks = {
    ngx_pimap_probe_start,
    ngx_pimap_redis_client_subscriber_down,
    ngx_pimap_redis_client_own,
    NULL,
    NULL
};


ngx_int_t
ngx_pimap_redis_client_open(ngx_cycle_t *cycle, ngx_pimap_main_conf_t *pmcf,
    const ngx_pimap_redis_handlers_t *handlers)
{
    if (ngx_pimap_own_channel_init_process(&pmcf->redis) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_pimap_probe_init_process(cycle, &pmcf->redis);
    ngx_pimap_presence_init_process(cycle, pmcf);
    ngx_pimap_function_library_init_process(cycle, &pmcf->redis,
                                            ngx_pimap_redis_client_functions);

    ngx_pimap_redis_client_handlers = handlers;
    ngx_pimap_redis_client_callbacks.message = handlers->message;
    ngx_pimap_redis_client_callbacks.subscribed = handlers->subscribed;

    ngx_pimap_subscriber_open(&pmcf->redis, ngx_pimap_own_channel(),
                              &ngx_pimap_redis_client_callbacks);

    ngx_pimap_command_open(&pmcf->redis, ngx_pimap_redis_client_commands_up,
                           ngx_pimap_redis_client_commands_down);

    return NGX_OK;
}


void
ngx_pimap_redis_client_close(void)
{
    ngx_pimap_subscriber_close();
    ngx_pimap_command_close();
}


static void
ngx_pimap_redis_client_subscriber_down(void)
{
    ngx_pimap_probe_lost();
    ngx_pimap_redis_client_handlers->subscriber_gone();
}


static void
ngx_pimap_redis_client_commands_up(void)
{
    ngx_pimap_function_library_start();
    ngx_pimap_redis_client_handlers->commands_ready();
    ngx_pimap_probe_start();
}


/* Before the commands in flight are answered with NULL. */

static void
ngx_pimap_redis_client_commands_down(void)
{
    ngx_pimap_redis_client_handlers->commands_gone();
    ngx_pimap_function_library_stop();
    ngx_pimap_probe_lost();
}


static void
ngx_pimap_redis_client_own(u_char *data, size_t len)
{
    if (len && data[0] == '!') {
        ngx_pimap_redis_client_handlers->answer(data + 1, len - 1);

    } else {
        ngx_pimap_probe_received(data, len);
    }
}


/* Without functions log readers have an answer as well: there is no log. */

static void
ngx_pimap_redis_client_functions(ngx_pimap_function_library_state_t state)
{
    ngx_pimap_log_reader_run();

    if (state == NGX_PIMAP_FUNCTION_LIBRARY_READY) {
        ngx_pimap_eviction_check();
    }
}
