
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A node of a cluster is known by its address.  It gets its connections when
 * they are needed, and is ended some time after its last slot has gone.
 */


#include "ngx_pimap_node.h"
#include "ngx_pimap_conf.h"

#include "pimap_redis_key.h"


static ngx_pimap_node_t *ngx_pimap_node_create(const char *host,
    ngx_uint_t port);
static void ngx_pimap_node_address(ngx_pimap_node_t *node);
static void ngx_pimap_node_call(const ngx_pimap_node_pt *handlers,
    ngx_pimap_node_t *node);
static void ngx_pimap_node_set(ngx_uint_t slot, ngx_pimap_node_t *node);
static void ngx_pimap_node_tell(void);
static void ngx_pimap_node_destroy(ngx_pimap_node_t *node);


static ngx_pimap_conf_redis_t           *ngx_pimap_node_conf;
static const ngx_pimap_node_handlers_t  *ngx_pimap_node_handlers;

static ngx_queue_t              ngx_pimap_nodes;
static ngx_uint_t               ngx_pimap_node_known;
static ngx_pimap_node_t        *ngx_pimap_node_owners[PIMAP_REDIS_SLOTS];
static pimap_redis_slot_set_t   ngx_pimap_node_changed;


void
ngx_pimap_node_init_process(ngx_pimap_conf_redis_t *conf,
    const ngx_pimap_node_handlers_t *handlers)
{
    ngx_pimap_node_conf = conf;
    ngx_pimap_node_handlers = handlers;

    ngx_queue_init(&ngx_pimap_nodes);
}


void
ngx_pimap_node_exit_process(void)
{
    ngx_pimap_node_t  *node;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        ngx_pimap_redis_close(&node->subscriber);
        ngx_pimap_redis_close(&node->commander);
    }
}


ngx_uint_t
ngx_pimap_node_cluster(void)
{
    return ngx_pimap_node_conf->seeds.nelts != 0;
}


ngx_str_t *
ngx_pimap_node_prefix(void)
{
    return &ngx_pimap_node_conf->prefix;
}


void
ngx_pimap_node_account(redisReply *channel, ngx_str_t *account)
{
    const char  *name;

    name = NULL;

    account->len = pimap_redis_key_account(channel->str, channel->len,
                                           ngx_pimap_node_conf->prefix.len,
                                           "", &name);
    account->data = (u_char *) name;
}


ngx_msec_t
ngx_pimap_node_timeout(void)
{
    return ngx_pimap_node_conf->timeout;
}


ngx_uint_t
ngx_pimap_node_slot(ngx_str_t *account)
{
    u_char     buf[NGX_PIMAP_ACCOUNT_MAX + 128];
    ngx_str_t  key;

    if (!ngx_pimap_node_cluster()) {
        return 0;
    }

    key.data = buf;
    key.len = ngx_snprintf(buf, sizeof(buf), PIMAP_REDIS_KEY("%V", "%V"),
                           &ngx_pimap_node_conf->prefix, account)
              - buf;

    return ngx_pimap_node_slot_of_key(&key);
}


ngx_uint_t
ngx_pimap_node_slot_of_key(ngx_str_t *key)
{
    return ngx_pimap_node_cluster()
           ? pimap_redis_slot((char *) key->data, key->len) : 0;
}


ngx_pimap_node_t *
ngx_pimap_node_owner(ngx_uint_t slot)
{
    return ngx_pimap_node_owners[slot];
}


ngx_uint_t
ngx_pimap_node_unknown(void)
{
    return !ngx_pimap_node_known;
}


ngx_pimap_node_t *
ngx_pimap_node_first(void)
{
    return ngx_queue_empty(&ngx_pimap_nodes)
           ? NULL : ngx_queue_data(ngx_queue_head(&ngx_pimap_nodes),
                                   ngx_pimap_node_t, link);
}


ngx_pimap_node_t *
ngx_pimap_node_next(ngx_pimap_node_t *node)
{
    ngx_queue_t  *next;

    next = ngx_queue_next(&node->link);

    return next == ngx_queue_sentinel(&ngx_pimap_nodes)
           ? NULL : ngx_queue_data(next, ngx_pimap_node_t, link);
}


ngx_pimap_node_t *
ngx_pimap_node_get(const char *host, ngx_uint_t port)
{
    size_t             len;
    ngx_pimap_node_t  *node;

    len = ngx_strlen(host);

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (node->server.port == port && node->server.host.len == len
            && ngx_strncasecmp(node->server.host.data, (u_char *) host, len)
               == 0)
        {
            return node;
        }
    }

    node = ngx_pimap_node_create(host, port);

    if (node) {
        ngx_pimap_node_address(node);
    }

    return node;
}


ngx_pimap_node_t *
ngx_pimap_node_seed(ngx_pimap_redis_server_t *server)
{
    char               host[PIMAP_REDIS_HOST];
    ngx_pimap_node_t  *node;

    *ngx_snprintf((u_char *) host, sizeof(host) - 1, "%V", &server->host)
        = '\0';

    node = ngx_pimap_node_get(host, server->port);

    if (node && node->server.addrs == NULL) {
        node->server.addrs = server->addrs;
        node->server.naddrs = server->naddrs;
    }

    return node;
}


static ngx_pimap_node_t *
ngx_pimap_node_create(const char *host, ngx_uint_t port)
{
    ngx_pimap_node_t          *node;
    ngx_pimap_redis_server_t  *server;

    node = ngx_calloc(sizeof(ngx_pimap_node_t), ngx_cycle->log);
    if (node == NULL) {
        return NULL;
    }

    (void) ngx_cpystrn((u_char *) node->host, (u_char *) host,
                       PIMAP_REDIS_HOST);

    server = &node->server;
    server->host.data = (u_char *) node->host;
    server->host.len = ngx_strlen(node->host);
    server->port = (in_port_t) port;

    server->name.data = node->name;
    server->name.len = ngx_snprintf(node->name, sizeof(node->name),
                                    strchr(node->host, ':') ? "[%s]:%ui"
                                                            : "%s:%ui",
                                    node->host, port)
                       - node->name;

    node->commander.role = "commander";
    node->commander.conf = ngx_pimap_node_conf;
    node->commander.server = server;
    node->commander.up = ngx_pimap_node_handlers->commander_up;
    node->commander.down = ngx_pimap_node_handlers->commander_down;
    node->commander.reply = ngx_pimap_node_handlers->commander_reply;

    node->subscriber.role = "subscriber";
    node->subscriber.conf = ngx_pimap_node_conf;
    node->subscriber.server = server;
    node->subscriber.up = ngx_pimap_node_handlers->subscriber_up;
    node->subscriber.down = ngx_pimap_node_handlers->subscriber_down;
    node->subscriber.reply = ngx_pimap_node_handlers->subscriber_reply;
    node->subscriber.ahead = ngx_pimap_node_handlers->subscriber_ahead;

    ngx_queue_insert_tail(&ngx_pimap_nodes, &node->link);

    ngx_pimap_node_call(ngx_pimap_node_handlers->created, node);

    return node;
}


/* A name is left to the resolver. */

static void
ngx_pimap_node_address(ngx_pimap_node_t *node)
{
    in_addr_t             addr;
    ngx_str_t            *host;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    host = &node->server.host;
    addr = ngx_inet_addr(host->data, host->len);

    if (addr != INADDR_NONE) {
        sin = &node->sockaddr.sockaddr_in;
        sin->sin_family = AF_INET;
        sin->sin_addr.s_addr = addr;
        node->addr.socklen = sizeof(struct sockaddr_in);

#if (NGX_HAVE_INET6)
    } else if (ngx_inet6_addr(host->data, host->len,
                              node->sockaddr.sockaddr_in6.sin6_addr.s6_addr)
               == NGX_OK)
    {
        sin6 = &node->sockaddr.sockaddr_in6;
        sin6->sin6_family = AF_INET6;
        node->addr.socklen = sizeof(struct sockaddr_in6);
#endif

    } else {
        return;
    }

    node->addr.sockaddr = &node->sockaddr.sockaddr;
    node->addr.name = node->server.name;
    ngx_inet_set_port(node->addr.sockaddr, node->server.port);

    node->server.addrs = &node->addr;
    node->server.naddrs = 1;
}


static void
ngx_pimap_node_call(const ngx_pimap_node_pt *handlers, ngx_pimap_node_t *node)
{
    while (*handlers) {
        (*handlers++)(node);
    }
}


void
ngx_pimap_node_command(ngx_pimap_node_t *node)
{
    if (!node->commanded) {
        node->commanded = 1;
        ngx_pimap_redis_open(&node->commander);
    }
}


void
ngx_pimap_node_listen(ngx_pimap_node_t *node)
{
    if (!node->listened) {
        node->listened = 1;
        ngx_pimap_redis_open(&node->subscriber);
    }

    ngx_pimap_node_command(node);
}


ngx_uint_t
ngx_pimap_node_opens(ngx_pimap_node_t *node)
{
    return ngx_pimap_node_cluster()
           && (!node->commanded
               || (!node->known && node->commander.failures == 0
                   && !node->commander.failed));
}


static void
ngx_pimap_node_set(ngx_uint_t slot, ngx_pimap_node_t *node)
{
    ngx_pimap_node_t  *before;

    before = ngx_pimap_node_owners[slot];

    if (before == node) {
        return;
    }

    if (before) {
        before->slots--;
    }

    if (node) {
        node->slots++;
    }

    ngx_pimap_node_owners[slot] = node;

    if (!pimap_redis_slot_set_has(&ngx_pimap_node_changed, slot)) {
        pimap_redis_slot_set_add(&ngx_pimap_node_changed, slot);
    }
}


/* Accounts follow when the topology has been read. */

void
ngx_pimap_node_moved(ngx_uint_t slot, const char *host, ngx_uint_t port)
{
    ngx_pimap_node_t  *node;

    node = port ? ngx_pimap_node_get(host, port) : NULL;

    if (node) {
        ngx_pimap_node_set(slot, node);
    }

    ngx_pimap_node_stale();
}


void
ngx_pimap_node_stale(void)
{
    ngx_pimap_node_handlers->stale();
}


ngx_int_t
ngx_pimap_node_apply(pimap_redis_topology_t *topology)
{
    ngx_int_t             rc;
    ngx_uint_t            slot, owner, last;
    ngx_pimap_node_t     *node;
    pimap_redis_node_t   *n;

    rc = NGX_OK;
    node = NULL;
    last = PIMAP_REDIS_NO_NODE;

    for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
        owner = topology->owner[slot];

        if (owner == PIMAP_REDIS_NO_NODE) {
            ngx_pimap_node_set(slot, NULL);
            continue;
        }

        if (owner != last) {
            n = &topology->nodes[owner];
            node = ngx_pimap_node_get(n->host, n->port);
            last = owner;
        }

        if (node == NULL) {
            rc = NGX_ERROR;
            continue;
        }

        node->online = !topology->nodes[owner].failed;

        ngx_pimap_node_set(slot, node);
    }

    ngx_pimap_node_known = 1;

    ngx_pimap_node_tell();

    return rc;
}


static void
ngx_pimap_node_tell(void)
{
    pimap_redis_slot_set_t  changed;

    if (ngx_pimap_node_changed.n) {
        changed = ngx_pimap_node_changed;
        pimap_redis_slot_set_clear(&ngx_pimap_node_changed);
        ngx_pimap_node_handlers->moved(&changed);
    }
}


ngx_int_t
ngx_pimap_node_single(void)
{
    ngx_pimap_node_t        *node;
    ngx_pimap_conf_redis_t  *conf;

    conf = ngx_pimap_node_conf;
    node = ngx_pimap_node_create("", 0);

    if (node == NULL) {
        return NGX_ERROR;
    }

    node->server.name = conf->name;
    node->server.host = conf->host;
    node->server.port = conf->port;
    node->server.addrs = conf->addrs;
    node->server.naddrs = conf->naddrs;

    ngx_pimap_node_set(0, node);
    ngx_pimap_node_known = 1;

    return NGX_OK;
}


void
ngx_pimap_node_sweep(ngx_pimap_node_t *keep)
{
    ngx_pimap_node_t  *node, *next;

    /* accounts of a redirected slot are still in the lists of its old node */

    if (ngx_pimap_node_changed.n) {
        return;
    }

    for (node = ngx_pimap_node_first(); node; node = next) {
        next = ngx_pimap_node_next(node);

        if (node->slots == 0 && node != keep
            && node->commands.length == 0
            && node->readers.reading == 0
            && ngx_queue_empty(&node->readers.queue))
        {
            ngx_pimap_node_destroy(node);
        }
    }
}


static void
ngx_pimap_node_destroy(ngx_pimap_node_t *node)
{
    ngx_pimap_node_call(ngx_pimap_node_handlers->destroyed, node);

    ngx_pimap_redis_close(&node->subscriber);
    ngx_pimap_redis_close(&node->commander);

    ngx_queue_remove(&node->link);
    ngx_free(node);
}
