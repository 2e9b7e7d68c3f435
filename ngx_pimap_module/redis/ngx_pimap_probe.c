
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One probe of a node is in flight at a time.  If it does not come back in
 * time, the subscribing connection is renewed, because it may be dead while it
 * looks alive.  (A dead commanding connection is found by its own time-out.)
 *
 * At each tick the worker writes the last time at which it could deliver: now,
 * or since when a probe, a connection, a command or an account waits.  A
 * worker that hangs writes nothing.  Of several nodes the best one counts, and
 * the others are counted as away: a load balancer must not take a host away
 * from all accounts because some of them have no events.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_PROBE_SOON   100      /* msec */
#define NGX_PIMAP_PROBE_TICK   500      /* msec, at most */


static void ngx_pimap_probe_send(ngx_pimap_node_t *node);
static void ngx_pimap_probe_answer(void *data, redisReply *reply);
static void ngx_pimap_probe_unproved(ngx_pimap_node_t *node);
static void ngx_pimap_probe_handler(ngx_event_t *ev);
static void ngx_pimap_probe_tick_handler(ngx_event_t *ev);
static void ngx_pimap_probe_write(void);
static uint64_t ngx_pimap_probe_delivered(ngx_pimap_node_t *node);
static uint64_t ngx_pimap_probe_waits(ngx_pimap_node_t *node);


static ngx_pimap_conf_redis_t  *ngx_pimap_probe_conf;
static ngx_event_t              ngx_pimap_probe_tick;


void
ngx_pimap_probe_init_process(ngx_cycle_t *cycle, ngx_pimap_conf_redis_t *conf)
{
    ngx_pimap_probe_conf = conf;

    ngx_pimap_timer_init(&ngx_pimap_probe_tick, ngx_pimap_probe_tick_handler,
                         cycle->log, 1);

    ngx_add_timer(&ngx_pimap_probe_tick, NGX_PIMAP_PROBE_SOON);
}


void
ngx_pimap_probe_created(ngx_pimap_node_t *node)
{
    node->probe.since = ngx_pimap_counters->proved;

    ngx_pimap_timer_init(&node->probe.timer, ngx_pimap_probe_handler,
                         ngx_cycle->log, 1);
}


void
ngx_pimap_probe_start(ngx_pimap_node_t *node)
{
    if (node->probe.in_flight) {
        return;
    }

    if (ngx_pimap_redis_ready(&node->subscriber)
        && node->subscriptions.listening)
    {
        ngx_pimap_probe_send(node);
        return;
    }

    /* the answer to the subscription may be lost as well */

    ngx_pimap_probe_unproved(node);

    if (node->listened) {
        ngx_add_timer(&node->probe.timer, ngx_pimap_probe_conf->timeout);
    }
}


static void
ngx_pimap_probe_send(ngx_pimap_node_t *node)
{
    ngx_str_t  *channel;

    channel = &node->subscriptions.channel;

    ngx_pimap_probe_unproved(node);

    node->probe.sent = ngx_pimap_zone_now();

    if (ngx_pimap_command_send_node(node, ngx_pimap_probe_answer, node,
                                    "%s %b %llu",
                                    ngx_pimap_command_publishes(),
                                    channel->data, channel->len,
                                    (unsigned long long) node->probe.sent)
        != NGX_OK)
    {
        ngx_add_timer(&node->probe.timer, NGX_PIMAP_PROBE_SOON);
        return;
    }

    ngx_pimap_count(probes);
    node->probe.in_flight = 1;

    ngx_add_timer(&node->probe.timer, ngx_pimap_probe_conf->timeout);
}


/*
 * Without the right to PUBLISH the probe never comes back.  In a cluster the
 * channel's slot may have moved: another channel is chosen then.
 */

static void
ngx_pimap_probe_answer(void *data, redisReply *reply)
{
    ngx_pimap_node_t  *node = data;

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    ngx_pimap_probe_lost(node);
    ngx_add_timer(&node->probe.timer, ngx_pimap_probe_conf->timeout);

    if (ngx_pimap_node_cluster()
        && (ngx_strncmp(reply->str, "MOVED ", 6) == 0
            || ngx_strncmp(reply->str, "CLUSTERDOWN", 11) == 0))
    {
        ngx_pimap_node_stale();
        return;
    }

    ngx_pimap_redis_trouble(&node->commander, reply->str, 0);
}


static void
ngx_pimap_probe_unproved(ngx_pimap_node_t *node)
{
    if (node->probe.proved) {
        node->probe.proved = 0;
        node->probe.since = ngx_pimap_probe_waits(node);
    }
}


void
ngx_pimap_probe_lost(ngx_pimap_node_t *node)
{
    ngx_pimap_probe_unproved(node);
    node->probe.in_flight = 0;

    if (node->probe.timer.timer_set) {
        ngx_del_timer(&node->probe.timer);
    }
}


void
ngx_pimap_probe_received(ngx_pimap_node_t *node, u_char *data, size_t len)
{
    u_char             buf[NGX_INT64_LEN];
    ngx_pimap_node_t  *other;

    if (!node->probe.in_flight
        || len != (size_t) (ngx_sprintf(buf, "%uL", node->probe.sent) - buf)
        || ngx_memcmp(data, buf, len) != 0)
    {
        return;
    }

    node->probe.in_flight = 0;
    node->probe.proved = 1;

    ngx_pimap_counters->probe_usec = ngx_pimap_zone_now() - node->probe.sent;

    ngx_pimap_probe_write();

    ngx_add_timer(&node->probe.timer, ngx_pimap_probe_conf->probe);

    for (other = ngx_pimap_node_first();
         other;
         other = ngx_pimap_node_next(other))
    {
        if (other->listened && other->slots && !other->probe.proved
            && !other->probe.in_flight)
        {
            return;
        }
    }

    ngx_pimap_zone_back();
}


static void
ngx_pimap_probe_handler(ngx_event_t *ev)
{
    ngx_pimap_node_t  *node;

    node = ngx_queue_data(ev, ngx_pimap_node_t, probe.timer);

    if (node->probe.in_flight) {
        ngx_pimap_count(probes_lost);
        ngx_pimap_probe_lost(node);
        ngx_pimap_subscriber_renew(node, "probe did not come back");
        return;
    }

    if (!ngx_pimap_redis_ready(&node->subscriber)
        || !node->subscriptions.listening)
    {
        ngx_pimap_subscriber_renew(node, "no answer in time");
        return;
    }

    ngx_pimap_probe_start(node);
}


static void
ngx_pimap_probe_tick_handler(ngx_event_t *ev)
{
    ngx_msec_t  tick;

    ngx_pimap_probe_write();

    tick = ngx_pimap_probe_conf->timeout / 4 + 1;

    ngx_add_timer(ev, ngx_min(tick, NGX_PIMAP_PROBE_TICK));
}


static void
ngx_pimap_probe_write(void)
{
    uint64_t           best, delivered, now;
    ngx_uint_t         n, away;
    ngx_pimap_node_t  *node;

    now = ngx_pimap_zone_now();
    best = 0;
    n = 0;
    away = 0;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (!node->listened || node->slots == 0) {
            continue;
        }

        n++;
        delivered = ngx_pimap_probe_delivered(node);
        best = ngx_max(best, delivered);

        if (now > delivered
            && (now - delivered) / 1000 > ngx_pimap_probe_conf->timeout)
        {
            away++;
        }
    }

    ngx_pimap_counters->redis_nodes = n;
    ngx_pimap_counters->redis_nodes_away = away;

    if (n) {
        ngx_pimap_counters->proved = best;
    }
}


/* The last time at which events of the node could be delivered. */

static uint64_t
ngx_pimap_probe_delivered(ngx_pimap_node_t *node)
{
    uint64_t  waits;

    waits = ngx_pimap_probe_waits(node);

    return node->probe.proved ? waits : ngx_min(waits, node->probe.since);
}


/* Since when a command or an account waits for Redis; now, if none does. */

static uint64_t
ngx_pimap_probe_waits(ngx_pimap_node_t *node)
{
    ngx_msec_t  account, command;

    account = ngx_pimap_subscriber_waits(node);
    command = ngx_pimap_command_waits(node);

    return ngx_pimap_zone_now() - (uint64_t) ngx_max(account, command) * 1000;
}
