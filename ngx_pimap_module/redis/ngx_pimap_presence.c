
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A listener may miss an announcement, so each account is announced again
 * every ten minutes, a part of the accounts in each tick.
 *
 * When many devices park at once, their announcements exceed the limit of a
 * tick.  Then all accounts are announced again, as fast as the limit allows.
 * The "-" of an account is not repeated: the subscription is gone, and a
 * listener has to look at that from time to time.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_PRESENCE_TICK    100      /* msec, after announcements */
#define NGX_PIMAP_PRESENCE_IDLE    1000     /* msec, if there were none */
#define NGX_PIMAP_PRESENCE_LIMIT   50       /* announcements in a tick */
#define NGX_PIMAP_PRESENCE_ROUND   600000   /* msec */


static void ngx_pimap_presence_handler(ngx_event_t *ev);
static void ngx_pimap_presence_repeat(ngx_pimap_account_t *account);
static void ngx_pimap_presence_wait(ngx_msec_t tick);
static ngx_int_t ngx_pimap_presence_publish(ngx_pimap_subscription_t *sub,
    const char *sign);


static ngx_event_t                    ngx_pimap_presence_timer;
static ngx_msec_t                     ngx_pimap_presence_tick;
static ngx_uint_t                     ngx_pimap_presence_on;
static ngx_uint_t                     ngx_pimap_presence_left;  /* in a tick */
static ngx_uint_t                     ngx_pimap_presence_missed; /* accounts */
static ngx_pimap_subscription_walk_t  ngx_pimap_presence_walk;


void
ngx_pimap_presence_init_process(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf)
{
    if (!pmcf->presence) {
        return;
    }

    ngx_pimap_presence_on = 1;
    ngx_pimap_presence_left = NGX_PIMAP_PRESENCE_LIMIT;

    ngx_pimap_timer_init(&ngx_pimap_presence_timer, ngx_pimap_presence_handler,
                         cycle->log, 1);
}


void
ngx_pimap_presence_attached(ngx_pimap_subscription_t *sub)
{
    if (ngx_pimap_presence_on
        && ngx_pimap_presence_publish(sub, "+") != NGX_OK)
    {
        ngx_pimap_presence_missed = ngx_pimap_counters->accounts;

        if (!ngx_pimap_presence_timer.timer_set) {
            ngx_pimap_presence_wait(NGX_PIMAP_PRESENCE_TICK);
        }
    }
}


void
ngx_pimap_presence_detached(ngx_pimap_subscription_t *sub)
{
    if (ngx_pimap_presence_on) {
        (void) ngx_pimap_presence_publish(sub, "-");
    }
}


/* A worker without accounts, and without announcements, has no timer. */

static void
ngx_pimap_presence_handler(ngx_event_t *ev)
{
    ngx_uint_t  n;

    n = ngx_pimap_subscription_part(&ngx_pimap_presence_walk,
                                    NGX_PIMAP_PRESENCE_ROUND
                                    / ngx_pimap_presence_tick);

    ngx_pimap_presence_left = ngx_max(n, NGX_PIMAP_PRESENCE_LIMIT);

    if (ngx_pimap_presence_missed
        && ngx_pimap_command_ready(ngx_pimap_own_channel_slot()))
    {
        n = ngx_max(n, ngx_min(ngx_pimap_presence_missed,
                               NGX_PIMAP_PRESENCE_LIMIT));
        ngx_pimap_presence_missed -= ngx_min(n, ngx_pimap_presence_missed);
    }

    ngx_pimap_subscription_walk(&ngx_pimap_presence_walk, n,
                                ngx_pimap_presence_repeat);

    if (ev->timer_set || ngx_pimap_presence_missed) {
        ngx_pimap_presence_wait(NGX_PIMAP_PRESENCE_TICK);

    } else if (ngx_pimap_counters->accounts) {
        ngx_pimap_presence_wait(NGX_PIMAP_PRESENCE_IDLE);
    }
}


static void
ngx_pimap_presence_wait(ngx_msec_t tick)
{
    ngx_pimap_presence_tick = tick;
    ngx_add_timer(&ngx_pimap_presence_timer, tick);
}


static void
ngx_pimap_presence_repeat(ngx_pimap_account_t *account)
{
    ngx_pimap_subscription_t  *sub;

    sub = (ngx_pimap_subscription_t *) account;

    if (sub->subscribed) {
        (void) ngx_pimap_presence_publish(sub, "+");
    }
}


static ngx_int_t
ngx_pimap_presence_publish(ngx_pimap_subscription_t *sub, const char *sign)
{
    u_char      buf[128];
    ngx_str_t   channel, *name;

    name = &sub->sn.str;

    channel.data = buf;
    channel.len = ngx_snprintf(buf, sizeof(buf), "%V" PIMAP_REDIS_PRESENCE,
                               ngx_pimap_command_prefix())
                  - buf;

    if (ngx_pimap_node_cluster()) {
        channel.len = ngx_sprintf(buf + channel.len, ":{%ui}",
                                  (ngx_uint_t) sub->slot
                                  % PIMAP_REDIS_PARTITIONS)
                      - buf;
    }

    if (ngx_pimap_presence_left == 0
        || ngx_pimap_command_send(ngx_pimap_node_slot_of_key(&channel),
                                  NULL, NULL, "%s %b %s%b%b",
                                  ngx_pimap_command_publishes(),
                                  channel.data, channel.len, sign,
                                  " ", (size_t) 1, name->data, name->len)
           == NULL)
    {
        return NGX_DECLINED;
    }

    ngx_pimap_presence_left--;

    if (!ngx_pimap_presence_timer.timer_set
        || ngx_pimap_presence_tick != NGX_PIMAP_PRESENCE_TICK)
    {
        ngx_pimap_presence_wait(NGX_PIMAP_PRESENCE_TICK);
    }

    return NGX_OK;
}
