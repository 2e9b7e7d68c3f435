
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A master that takes commands is asked, a random one.  Before the first
 * answer, and while no node answers, it is one of the configuration.  Signs
 * that the topology is wrong come in numbers, so there is a pause between two
 * questions.
 *
 * While a slot is on its way to another node, an account's log may be there
 * already, and its events with it, while the account is still subscribed here,
 * without any error.  Only the node that the slot leaves says so.  So nodes
 * are asked each second, and the logs of such accounts are looked at.
 */


#include "ngx_pimap_redis_client.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_TOPOLOGY_PAUSE   250      /* msec between two questions */
#define NGX_PIMAP_TOPOLOGY_SOON    1000     /* ... while a slot has no node */
#define NGX_PIMAP_TOPOLOGY_LATER   10000
#define NGX_PIMAP_TOPOLOGY_WATCH   1000     /* msec, slots on their way */


static void ngx_pimap_topology_wait(ngx_msec_t wait);
static void ngx_pimap_topology_timer_handler(ngx_event_t *ev);
static void ngx_pimap_topology_ask(void);
static ngx_pimap_node_t *ngx_pimap_topology_node(void);
static void ngx_pimap_topology_seed(void);
static void ngx_pimap_topology_answer(void *data, redisReply *reply);
static void ngx_pimap_topology_refused(ngx_pimap_node_t *node,
    ngx_pimap_trouble_t trouble, const char *why);
static void ngx_pimap_topology_apply(ngx_pimap_node_t *node,
    pimap_redis_topology_t *topology);
static ngx_uint_t ngx_pimap_topology_lacks(ngx_pimap_node_t *node);
static void ngx_pimap_topology_report(ngx_uint_t unassigned);
static void ngx_pimap_topology_watch_handler(ngx_event_t *ev);
static void ngx_pimap_topology_watched(void *data, redisReply *reply);
static void ngx_pimap_topology_unsure(ngx_pimap_account_t *account);
static ngx_msec_t ngx_pimap_topology_jitter(ngx_msec_t msec);


static ngx_pimap_conf_redis_t  *ngx_pimap_topology_conf;
static ngx_pimap_account_pt     ngx_pimap_topology_handler;
static ngx_event_t              ngx_pimap_topology_timer;
static ngx_event_t              ngx_pimap_topology_watch;
static ngx_msec_t               ngx_pimap_topology_asked;   /* when */
static ngx_uint_t               ngx_pimap_topology_asking;
static ngx_uint_t               ngx_pimap_topology_again;
static ngx_uint_t               ngx_pimap_topology_slots;   /* not SHARDS */
static ngx_uint_t               ngx_pimap_topology_next;    /* seed */
static ngx_pimap_node_t        *ngx_pimap_topology_seeded;

static pimap_redis_slot_set_t  *ngx_pimap_topology_leaving;


void
ngx_pimap_topology_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf, ngx_pimap_account_pt unsure)
{
    ngx_pimap_topology_conf = conf;
    ngx_pimap_topology_handler = unsure;
    ngx_pimap_topology_next = ngx_random();

    ngx_pimap_timer_init(&ngx_pimap_topology_timer,
                         ngx_pimap_topology_timer_handler, cycle->log, 1);
    ngx_pimap_timer_init(&ngx_pimap_topology_watch,
                         ngx_pimap_topology_watch_handler, cycle->log, 1);

    ngx_add_timer(&ngx_pimap_topology_watch,
                  ngx_pimap_topology_jitter(NGX_PIMAP_TOPOLOGY_WATCH));

    ngx_pimap_topology_ask();
}


void
ngx_pimap_topology_up(ngx_pimap_node_t *node)
{
    if (ngx_pimap_node_unknown() || node == ngx_pimap_topology_seeded) {
        ngx_pimap_topology_ask();
    }
}


void
ngx_pimap_topology_stale(void)
{
    ngx_msec_t  since;

    if (ngx_pimap_topology_asking) {
        ngx_pimap_topology_again = 1;
        return;
    }

    since = ngx_current_msec - ngx_pimap_topology_asked;

    ngx_pimap_topology_wait(since < NGX_PIMAP_TOPOLOGY_PAUSE
                            ? NGX_PIMAP_TOPOLOGY_PAUSE - since : 1);
}


/* A question that comes sooner stays. */

static void
ngx_pimap_topology_wait(ngx_msec_t wait)
{
    ngx_event_t  *ev;

    ev = &ngx_pimap_topology_timer;

    if (ev->timer_set
        && (ngx_msec_int_t) (ev->timer.key - ngx_current_msec - wait) <= 0)
    {
        return;
    }

    ngx_add_timer(ev, wait);
}


static void
ngx_pimap_topology_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_topology_ask();
}


static void
ngx_pimap_topology_ask(void)
{
    ngx_pimap_node_t  *node;

    if (ngx_pimap_topology_asking) {
        return;
    }

    ngx_pimap_topology_asked = ngx_current_msec;

    node = ngx_pimap_topology_node();

    if (node
        && ngx_pimap_command_send_node(node, ngx_pimap_topology_answer, node,
                                       ngx_pimap_topology_slots
                                       ? "CLUSTER SLOTS" : "CLUSTER SHARDS")
           == NGX_OK)
    {
        ngx_pimap_topology_asking = 1;
        ngx_pimap_topology_again = 0;
        return;
    }

    ngx_pimap_topology_seed();
    ngx_pimap_topology_wait(ngx_pimap_topology_jitter(
                                                  NGX_PIMAP_TOPOLOGY_SOON));
}


/* A master that takes commands, at random; or any node that does. */

static ngx_pimap_node_t *
ngx_pimap_topology_node(void)
{
    ngx_uint_t         n;
    ngx_pimap_node_t  *node, *chosen;

    n = 0;
    chosen = NULL;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (!ngx_pimap_node_ready(node)
            || (chosen && chosen->slots && node->slots == 0))
        {
            continue;
        }

        if (chosen && chosen->slots == 0 && node->slots) {
            n = 0;
        }

        if ((ngx_uint_t) ngx_random() % ++n == 0) {
            chosen = node;
        }
    }

    return chosen;
}


static void
ngx_pimap_topology_seed(void)
{
    ngx_pimap_node_t          *node;
    ngx_pimap_redis_server_t  *seeds;

    node = ngx_pimap_topology_seeded;

    /* it has its time to connect */

    if (node && node->commander.failures == 0 && !ngx_pimap_node_ready(node)) {
        return;
    }

    seeds = ngx_pimap_topology_conf->seeds.elts;

    node = ngx_pimap_node_seed(&seeds[ngx_pimap_topology_next++
                                      % ngx_pimap_topology_conf->seeds.nelts]);
    if (node) {
        ngx_pimap_topology_seeded = node;
        ngx_pimap_node_command(node);
    }
}


static void
ngx_pimap_topology_answer(void *data, redisReply *reply)
{
    const char              *why;
    ngx_pimap_node_t        *node = data;
    pimap_redis_topology_t  *topology;

    ngx_pimap_topology_asking = 0;

    if (reply == NULL) {
        ngx_pimap_topology_stale();
        return;
    }

    /* Redis 6, a proxy or a rule may know one of the questions only */

    if (reply->type == REDIS_REPLY_ERROR && !ngx_pimap_topology_slots) {
        ngx_pimap_topology_slots = 1;
        ngx_pimap_topology_stale();
        return;
    }

    topology = ngx_pimap_topology_slots
               ? pimap_redis_topology_slots(reply, node->host, &why)
               : pimap_redis_topology_shards(reply, node->host,
                                             ngx_pimap_topology_conf->tls,
                                             &why);

    ngx_pimap_topology_slots = 0;

    if (topology == NULL) {
        ngx_pimap_topology_refused(node, NGX_PIMAP_TROUBLE_TOPOLOGY, why);
        ngx_pimap_topology_wait(ngx_pimap_topology_jitter(
                                                  NGX_PIMAP_TOPOLOGY_SOON));
        return;
    }

    ngx_pimap_topology_seeded = NULL;

    ngx_pimap_topology_apply(node, topology);

    pimap_redis_topology_free(topology);
}


/* Without any topology it is an outage, which the next probe would not end. */

static void
ngx_pimap_topology_refused(ngx_pimap_node_t *node,
    ngx_pimap_trouble_t trouble, const char *why)
{
    ngx_uint_t  level;

    if (ngx_pimap_node_unknown()) {
        ngx_pimap_redis_trouble(&node->commander, why, 0);
        return;
    }

    level = ngx_pimap_zone_trouble(trouble, NGX_LOG_ERR);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap can't ask %V for %s: %s; events of slots that move "
                  "may come late", &node->server.name,
                  trouble == NGX_PIMAP_TROUBLE_MOVES ? "slots on their way"
                                                     : "the masters of slots",
                  why);
}


static void
ngx_pimap_topology_apply(ngx_pimap_node_t *node,
    pimap_redis_topology_t *topology)
{
    ngx_int_t   rc;
    ngx_uint_t  wrong;

    rc = ngx_pimap_node_apply(topology);

    wrong = (rc != NGX_OK || topology->unassigned);

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        wrong |= ngx_pimap_topology_lacks(node);
    }

    ngx_pimap_topology_report(topology->unassigned);

    if (ngx_pimap_topology_again) {
        ngx_pimap_topology_stale();
        return;
    }

    ngx_pimap_topology_wait(ngx_pimap_topology_jitter(
                                           wrong ? NGX_PIMAP_TOPOLOGY_SOON
                                                 : NGX_PIMAP_TOPOLOGY_LATER));
}


/* A connection that others have, by what the topology says, comes soon. */

static ngx_uint_t
ngx_pimap_topology_lacks(ngx_pimap_node_t *node)
{
    if (node->slots == 0
        || ((!node->commanded || node->commander.failures == 0)
            && (!node->listened || node->subscriber.failures == 0)))
    {
        return 0;
    }

    if (node->online) {
        ngx_pimap_redis_hurry(&node->commander, NGX_PIMAP_TOPOLOGY_SOON);
        ngx_pimap_redis_hurry(&node->subscriber, NGX_PIMAP_TOPOLOGY_SOON);
    }

    return 1;
}


/* Such accounts are of no node, so no node is away. */

static void
ngx_pimap_topology_report(ngx_uint_t unassigned)
{
    ngx_uint_t  level;

    if (unassigned == 0) {
        ngx_pimap_zone_over(NGX_PIMAP_TROUBLE_SLOTS);
        return;
    }

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_SLOTS, NGX_LOG_ERR);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap: %ui of %d slots of the redis cluster have no "
                  "master, or one without a usable address; their accounts "
                  "get no events, see \"redis-cli --cluster check\"",
                  unassigned, PIMAP_REDIS_SLOTS);
}


static void
ngx_pimap_topology_watch_handler(ngx_event_t *ev)
{
    ngx_pimap_node_t  *node;

    ngx_pimap_node_sweep(ngx_pimap_topology_seeded);

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (node->listened && node->slots) {
            (void) ngx_pimap_command_send_node(node,
                                               ngx_pimap_topology_watched,
                                               node, "CLUSTER NODES");
        }
    }

    ngx_add_timer(ev, ngx_pimap_topology_jitter(NGX_PIMAP_TOPOLOGY_WATCH));
}


/* Also once after the slot has settled, at whichever node. */

static void
ngx_pimap_topology_watched(void *data, redisReply *reply)
{
    ngx_uint_t                i;
    pimap_redis_slot_set_t    leaving;
    pimap_redis_migration_t   migration;
    ngx_pimap_node_t         *node = data;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_STRING
        || pimap_redis_migration_parse(&migration, reply->str, reply->len)
           != 0)
    {
        ngx_pimap_topology_refused(node, NGX_PIMAP_TROUBLE_MOVES,
                                   reply->type == REDIS_REPLY_ERROR
                                   ? reply->str : "unexpected reply");
        return;
    }

    if (!migration.master) {
        ngx_pimap_topology_stale();
    }

    leaving = node->leaving;
    node->leaving = migration.leaving;

    for (i = 0; i < PIMAP_REDIS_SLOTS / 64; i++) {
        leaving.bits[i] |= migration.leaving.bits[i];
    }

    if (leaving.n || migration.leaving.n) {
        ngx_pimap_topology_leaving = &leaving;
        ngx_pimap_subscription_each(ngx_pimap_topology_unsure);
    }
}


static void
ngx_pimap_topology_unsure(ngx_pimap_account_t *account)
{
    ngx_pimap_subscription_t  *sub;

    sub = (ngx_pimap_subscription_t *) account;

    if (sub->subscribed
        && pimap_redis_slot_set_has(ngx_pimap_topology_leaving, sub->slot))
    {
        ngx_pimap_topology_handler(account);
    }
}


/* Three quarters of the time, up to all of it. */

static ngx_msec_t
ngx_pimap_topology_jitter(ngx_msec_t msec)
{
    return msec - (ngx_msec_t) ngx_random() % (msec / 4);
}
