
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A subscription whose slot has no node waits until the slot has one: then all
 * accounts of the slot are placed again.
 */


#include "ngx_pimap_subscription_line.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_SUBSCRIBER_PAUSE    100   /* msec, after an error */

/* The time in units of 64 msec, as much as a subscription has room for. */
#define NGX_PIMAP_SUBSCRIBER_UNIT     6     /* bits */
#define NGX_PIMAP_SUBSCRIBER_TIMES    0x7fffff
#define ngx_pimap_subscriber_time()                                           \
    ((ngx_current_msec >> NGX_PIMAP_SUBSCRIBER_UNIT)                          \
     & NGX_PIMAP_SUBSCRIBER_TIMES)


static void ngx_pimap_subscriber_later_handler(ngx_event_t *ev);


static ngx_queue_t  ngx_pimap_subscriber_paused;    /* after an error */
static ngx_queue_t  ngx_pimap_subscriber_homeless;  /* no node has the slot */
static ngx_event_t  ngx_pimap_subscriber_timer;


void
ngx_pimap_subscriber_place_init_process(void)
{
    ngx_queue_init(&ngx_pimap_subscriber_paused);
    ngx_queue_init(&ngx_pimap_subscriber_homeless);

    ngx_pimap_timer_init(&ngx_pimap_subscriber_timer,
                         ngx_pimap_subscriber_later_handler, ngx_cycle->log,
                         1);
}


void
ngx_pimap_subscriber_begin(ngx_pimap_subscription_t *sub)
{
    sub->since = ngx_pimap_subscriber_time();

    ngx_pimap_subscriber_place(sub);
}


/* To the end of the line of its node. */

void
ngx_pimap_subscriber_place(ngx_pimap_subscription_t *sub)
{
    ngx_pimap_node_t  *node;

    sub->sequence = 0;
    node = ngx_pimap_node_owner(sub->slot);

    if (node == NULL) {
        ngx_queue_insert_tail(&ngx_pimap_subscriber_homeless, &sub->link);
        return;
    }

    ngx_pimap_node_listen(node);
    ngx_queue_insert_tail(&node->subscriptions.waiting, &sub->link);
}


/* The same after a pause. */

void
ngx_pimap_subscriber_later(ngx_pimap_subscription_t *sub)
{
    sub->sequence = 0;

    ngx_queue_remove(&sub->link);
    ngx_queue_insert_tail(&ngx_pimap_subscriber_paused, &sub->link);

    ngx_pimap_subscriber_pause();
}


void
ngx_pimap_subscriber_pause(void)
{
    if (!ngx_pimap_subscriber_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_subscriber_timer, NGX_PIMAP_SUBSCRIBER_PAUSE);
    }
}


static void
ngx_pimap_subscriber_later_handler(ngx_event_t *ev)
{
    ngx_queue_t       *q;
    ngx_pimap_node_t  *node;

    while (!ngx_queue_empty(&ngx_pimap_subscriber_paused)) {
        q = ngx_queue_head(&ngx_pimap_subscriber_paused);

        ngx_queue_remove(q);
        ngx_pimap_subscriber_place(ngx_queue_data(q, ngx_pimap_subscription_t,
                                                  link));
    }

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (ngx_pimap_redis_ready(&node->subscriber)
            && ngx_pimap_subscriber_own(node) != NGX_OK)
        {
            ngx_pimap_redis_fail(&node->subscriber, "no memory");
            continue;
        }

        ngx_pimap_subscriber_pump(node);
    }
}


void
ngx_pimap_subscriber_lose(ngx_pimap_subscription_t *sub)
{
    if (sub->subscribed) {
        sub->subscribed = 0;
        sub->since = ngx_pimap_subscriber_time();

        ngx_pimap_uncount(redis_subscribed);
    }
}


ngx_msec_t
ngx_pimap_subscriber_waits(ngx_pimap_node_t *node)
{
    ngx_queue_t               *line;
    ngx_pimap_subscription_t  *sub;

    line = ngx_queue_empty(&node->subscriptions.sent)
           ? &node->subscriptions.waiting : &node->subscriptions.sent;

    if (ngx_queue_empty(line)) {
        return 0;
    }

    sub = ngx_queue_data(ngx_queue_head(line), ngx_pimap_subscription_t, link);

    return ((ngx_pimap_subscriber_time() - sub->since)
            & NGX_PIMAP_SUBSCRIBER_TIMES)
           << NGX_PIMAP_SUBSCRIBER_UNIT;
}
