
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: joins the nodes' connections, the probes, the
 * function library, the log readers and the topology.
 */


#include "ngx_pimap_redis_client.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_zone.h"


static void ngx_pimap_redis_client_commander_up(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_client_commander_down(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_client_subscriber_up(ngx_pimap_node_t *node);
static void ngx_pimap_redis_client_subscriber_down(ngx_pimap_node_t *node);
static void ngx_pimap_redis_client_count_up(void);
static void ngx_pimap_redis_client_moved(pimap_redis_slot_set_t *slots);
static void ngx_pimap_redis_client_own(ngx_pimap_node_t *node, u_char *data,
    size_t len);
static void ngx_pimap_redis_client_functions(ngx_pimap_node_t *node);


static const ngx_pimap_redis_handlers_t  *ngx_pimap_redis_client_handlers;

static ngx_pimap_subscriber_callbacks_t   ngx_pimap_redis_client_callbacks = {
    ngx_pimap_redis_client_subscriber_up,
    ngx_pimap_redis_client_subscriber_down,
    ngx_pimap_redis_client_own,
    NULL,
    NULL,
    NULL
};

static const ngx_pimap_node_pt  ngx_pimap_redis_client_created[] = {
    ngx_pimap_command_created,
    ngx_pimap_subscriber_created,
    ngx_pimap_function_library_created,
    ngx_pimap_log_reader_created,
    ngx_pimap_probe_created,
    NULL
};

static const ngx_pimap_node_pt  ngx_pimap_redis_client_destroyed[] = {
    ngx_pimap_probe_lost,
    ngx_pimap_log_reader_destroyed,
    ngx_pimap_function_library_stop,
    ngx_pimap_subscriber_destroyed,
    ngx_pimap_command_destroyed,
    NULL
};

static const ngx_pimap_node_handlers_t  ngx_pimap_redis_client_nodes = {
    ngx_pimap_redis_client_commander_up,
    ngx_pimap_redis_client_commander_down,
    ngx_pimap_command_reply,
    ngx_pimap_subscriber_up,
    ngx_pimap_subscriber_down,
    ngx_pimap_subscriber_reply,
    ngx_pimap_subscriber_ahead,
    ngx_pimap_redis_client_created,
    ngx_pimap_redis_client_destroyed,
    ngx_pimap_redis_client_moved,
    ngx_pimap_topology_stale
};


ngx_int_t
ngx_pimap_redis_client_open(ngx_cycle_t *cycle, ngx_pimap_main_conf_t *pmcf,
    const ngx_pimap_redis_handlers_t *handlers)
{
    if (ngx_pimap_own_channel_init_process(&pmcf->redis) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_pimap_redis_client_handlers = handlers;
    ngx_pimap_redis_client_callbacks.message = handlers->message;
    ngx_pimap_redis_client_callbacks.subscribed = handlers->subscribed;
    ngx_pimap_redis_client_callbacks.gone = handlers->gone;

    ngx_pimap_node_init_process(&pmcf->redis, &ngx_pimap_redis_client_nodes);
    ngx_pimap_command_init_process();
    ngx_pimap_subscriber_init_process(&ngx_pimap_redis_client_callbacks);
    ngx_pimap_probe_init_process(cycle, &pmcf->redis);
    ngx_pimap_presence_init_process(cycle, pmcf);
    ngx_pimap_function_library_init_process(&pmcf->redis,
                                            ngx_pimap_redis_client_functions);

    if (ngx_pimap_node_cluster()) {
        ngx_pimap_topology_init_process(cycle, &pmcf->redis,
                                        handlers->unsure);
        return NGX_OK;
    }

    if (ngx_pimap_node_single() != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_pimap_node_listen(ngx_pimap_node_first());

    return NGX_OK;
}


void
ngx_pimap_redis_client_close(void)
{
    ngx_pimap_node_exit_process();
    ngx_pimap_command_exit_process();
}


ngx_uint_t
ngx_pimap_redis_client_ready(void)
{
    ngx_uint_t  slot;

    slot = ngx_pimap_own_channel_slot();

    return ngx_pimap_command_ready(slot)
           && ngx_pimap_subscriber_listening(slot);
}


static void
ngx_pimap_redis_client_commander_up(ngx_pimap_redis_t *redis)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_of_commander(redis);

    ngx_pimap_redis_client_count_up();

    ngx_pimap_function_library_start(node);
    ngx_pimap_subscription_each_of(node,
                                   ngx_pimap_redis_client_handlers->reachable);
    ngx_pimap_probe_start(node);

    if (ngx_pimap_node_cluster()) {
        ngx_pimap_topology_up(node);
    }
}


/* Before the commands in flight are answered with NULL. */

static void
ngx_pimap_redis_client_commander_down(ngx_pimap_redis_t *redis)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_of_commander(redis);

    ngx_pimap_redis_client_count_up();

    ngx_pimap_redis_client_handlers->unreachable();
    ngx_pimap_function_library_stop(node);
    ngx_pimap_probe_lost(node);

    ngx_pimap_command_lost(node);

    if (ngx_pimap_node_cluster()) {
        ngx_pimap_topology_stale();
    }
}


static void
ngx_pimap_redis_client_count_up(void)
{
    ngx_pimap_node_t  *node;

    ngx_pimap_counters->redis_up = 0;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (ngx_pimap_node_ready(node)) {
            ngx_pimap_counters->redis_up = 1;
        }
    }
}


static void
ngx_pimap_redis_client_subscriber_up(ngx_pimap_node_t *node)
{
    if (!node->subscriptions.listening) {
        ngx_pimap_probe_lost(node);
    }

    ngx_pimap_probe_start(node);
}


static void
ngx_pimap_redis_client_subscriber_down(ngx_pimap_node_t *node)
{
    ngx_pimap_probe_lost(node);

    ngx_pimap_subscription_each_of(node,
                                   ngx_pimap_redis_client_handlers->gone);

    if (ngx_pimap_node_cluster()) {
        ngx_pimap_topology_stale();
    }
}


/*
 * Publishers need the functions at each master, also at those without an
 * account here.  One worker sees to that.
 */

static void
ngx_pimap_redis_client_moved(pimap_redis_slot_set_t *slots)
{
    ngx_pimap_node_t  *node;

    ngx_pimap_subscriber_moved(slots);
    ngx_pimap_log_reader_moved();

    for (node = ngx_pimap_node_first();
         node && ngx_worker == 0;
         node = ngx_pimap_node_next(node))
    {
        if (node->slots) {
            ngx_pimap_node_command(node);
        }
    }
}


static void
ngx_pimap_redis_client_own(ngx_pimap_node_t *node, u_char *data, size_t len)
{
    if (len && data[0] == '!') {
        ngx_pimap_redis_client_handlers->answer(data + 1, len - 1);

    } else {
        ngx_pimap_probe_received(node, data, len);
    }
}


/* Without functions log readers have an answer as well: there is no log. */

static void
ngx_pimap_redis_client_functions(ngx_pimap_node_t *node)
{
    ngx_pimap_command_reachable();
    ngx_pimap_log_reader_run(node);

    if (node->library.state == NGX_PIMAP_FUNCTION_LIBRARY_READY) {
        ngx_pimap_eviction_check(node);
    }
}
