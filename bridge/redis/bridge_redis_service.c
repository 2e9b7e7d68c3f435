
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The table by which nodes are opened and closed, in the order of the files
 * above them.
 */


#include "bridge_redis_service.h"

#include "bridge_function_library.h"


static void bridge_redis_service_open(void);
static void bridge_redis_service_close(void);
static int bridge_redis_service_is_same(const bridge_redis_conf_t *a,
    const bridge_redis_conf_t *b);
static void bridge_redis_service_opened(bridge_node_t *node);
static void bridge_redis_service_closed(bridge_node_t *node);
static int bridge_redis_service_works(bridge_node_t *node);


static const bridge_redis_handlers_t  *bridge_redis_handlers;

static const bridge_node_ops_t  bridge_redis_service_nodes = {
    .opened = bridge_redis_service_opened,
    .closed = bridge_redis_service_closed,
    .is_idle = bridge_redis_command_is_idle,
    .works = bridge_redis_service_works,
    .placed = bridge_subscriber_placed
};


void
bridge_redis_service_start(bridge_redis_conf_t *conf,
    const bridge_redis_handlers_t *handlers)
{
    bridge_redis_conf = conf;
    bridge_redis_handlers = handlers;

    bridge_redis_command_start(bridge_function_library_up,
                               bridge_function_library_down,
                               bridge_function_library_lost);
    bridge_function_library_start(handlers->functions_ready);

    bridge_redis_service_open();
}


static void
bridge_redis_service_open(void)
{
    bridge_subscriber_start(bridge_redis_handlers->channels,
                            bridge_redis_handlers->inbox,
                            bridge_redis_handlers->listening);

    bridge_node_start(&bridge_redis_service_nodes);
}


void
bridge_redis_service_stop(void)
{
    bridge_redis_command_forget_all();

    bridge_redis_service_close();
}


static void
bridge_redis_service_close(void)
{
    bridge_node_stop();
    bridge_redis_command_stop();
    bridge_subscriber_stop();
}


void
bridge_redis_service_reload(bridge_redis_conf_t *conf)
{
    bridge_redis_conf_t  *old;

    old = bridge_redis_conf;

    if (bridge_redis_service_is_same(old, conf)) {
        bridge_redis_conf = conf;
        return;
    }

    /* the old settings are in force until all is closed */

    bridge_redis_service_close();

    bridge_redis_conf = conf;

    bridge_redis_trouble_forget();
    bridge_redis_service_open();
    bridge_redis_handlers->changed();

    bridge_log(BRIDGE_LOG_NOTICE, "redis: the settings have changed, "
               "connecting again");
}


static int
bridge_redis_service_is_same(const bridge_redis_conf_t *a,
    const bridge_redis_conf_t *b)
{
    return a->port == b->port && a->db == b->db && a->tls == b->tls
           && a->verify == b->verify
           && g_strcmp0(a->address, b->address) == 0
           && g_strcmp0(a->host, b->host) == 0
           && g_strcmp0(a->user, b->user) == 0
           && g_strcmp0(a->password, b->password) == 0
           && g_strcmp0(a->sentinel_user, b->sentinel_user) == 0
           && g_strcmp0(a->sentinel_password, b->sentinel_password) == 0
           && g_strcmp0(a->ca_file, b->ca_file) == 0
           && g_strcmp0(a->prefix, b->prefix) == 0;
}


static void
bridge_redis_service_opened(bridge_node_t *node)
{
    bridge_function_library_open(node);
    bridge_redis_command_open(node);
    bridge_subscriber_open(node);
}


static void
bridge_redis_service_closed(bridge_node_t *node)
{
    bridge_subscriber_close(node);
    bridge_function_library_close(node);
    bridge_redis_command_close(node);
}


static int
bridge_redis_service_works(bridge_node_t *node)
{
    return bridge_node_is_up(node)
           && node->subscriber.redis.state == BRIDGE_REDIS_UP;
}
