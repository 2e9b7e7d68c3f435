
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Who listens may miss an announcement, so every ten minutes each account is
 * announced again: the accounts are walked over by the hashes of their names,
 * one slice after the other.
 *
 * When many devices come at once not all can be announced: there are so many
 * announcements in a tick, and for what is left out the walk goes as fast as
 * it may until it has come around.  One that leaves is not made up for: the
 * subscription is gone, and that is what has to be looked at now and then.
 */


#include "ngx_pimap_presence.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_command.h"


#define NGX_PIMAP_PRESENCE_TICK    100      /* msec */
#define NGX_PIMAP_PRESENCE_BATCH   50       /* announcements in a tick */
#define NGX_PIMAP_PRESENCE_ROUND   600000   /* msec */
#define NGX_PIMAP_PRESENCE_BITS    13       /* of a hash, for the slices */
#define NGX_PIMAP_PRESENCE_SLICES  (1 << NGX_PIMAP_PRESENCE_BITS)


static void ngx_pimap_presence_handler(ngx_event_t *ev);
static void ngx_pimap_presence_slice(void);
static void ngx_pimap_presence_again(ngx_pimap_account_t *account);
static ngx_int_t ngx_pimap_presence_say(ngx_pimap_account_t *account,
    u_char sign);


static ngx_event_t              ngx_pimap_presence_timer;
static ngx_pimap_conf_redis_t  *ngx_pimap_presence_conf;    /* NULL: off */
static ngx_int_t                ngx_pimap_presence_budget;
static ngx_uint_t               ngx_pimap_presence_next;    /* slice */
static ngx_uint_t               ngx_pimap_presence_missed;  /* slices to go */
static ngx_msec_t               ngx_pimap_presence_walked;


ngx_int_t
ngx_pimap_presence_init_process(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf)
{
    if (!pmcf->presence) {
        return NGX_OK;
    }

    ngx_pimap_presence_conf = &pmcf->redis;
    ngx_pimap_presence_budget = NGX_PIMAP_PRESENCE_BATCH;
    ngx_pimap_presence_walked = ngx_current_msec;

    ngx_pimap_timer_init(&ngx_pimap_presence_timer, ngx_pimap_presence_handler,
                         cycle->log, 1);

    ngx_add_timer(&ngx_pimap_presence_timer, NGX_PIMAP_PRESENCE_TICK);

    return NGX_OK;
}


void
ngx_pimap_presence_attached(ngx_pimap_account_t *account)
{
    if (ngx_pimap_presence_conf
        && ngx_pimap_presence_say(account, '+') != NGX_OK)
    {
        ngx_pimap_presence_missed = NGX_PIMAP_PRESENCE_SLICES;
    }
}


void
ngx_pimap_presence_detached(ngx_pimap_account_t *account)
{
    if (ngx_pimap_presence_conf) {
        (void) ngx_pimap_presence_say(account, '-');
    }
}


static void
ngx_pimap_presence_handler(ngx_event_t *ev)
{
    ngx_msec_t  slice;

    ngx_pimap_presence_budget = NGX_PIMAP_PRESENCE_BATCH;

    slice = NGX_PIMAP_PRESENCE_ROUND / NGX_PIMAP_PRESENCE_SLICES;

    while (ngx_current_msec - ngx_pimap_presence_walked >= slice
           && ngx_pimap_presence_budget > 0)
    {
        ngx_pimap_presence_walked += slice;
        ngx_pimap_presence_slice();
    }

    while (ngx_pimap_presence_missed && ngx_pimap_presence_budget > 0
           && ngx_pimap_command_ready())
    {
        ngx_pimap_presence_slice();
    }

    ngx_add_timer(ev, NGX_PIMAP_PRESENCE_TICK);
}


static void
ngx_pimap_presence_slice(void)
{
    uint32_t  from;

    from = (uint32_t) ngx_pimap_presence_next
           << (32 - NGX_PIMAP_PRESENCE_BITS);

    ngx_pimap_account_each_of(from, NGX_PIMAP_PRESENCE_BITS,
                              ngx_pimap_presence_again);

    ngx_pimap_presence_next++;
    ngx_pimap_presence_next %= NGX_PIMAP_PRESENCE_SLICES;

    if (ngx_pimap_presence_missed) {
        ngx_pimap_presence_missed--;
    }
}


/* A slice is said as a whole, even if that is more than a tick may have. */

static void
ngx_pimap_presence_again(ngx_pimap_account_t *account)
{
    if (account->subscribed) {
        ngx_pimap_presence_budget = ngx_max(ngx_pimap_presence_budget, 1);
        (void) ngx_pimap_presence_say(account, '+');
    }
}


static ngx_int_t
ngx_pimap_presence_say(ngx_pimap_account_t *account, u_char sign)
{
    u_char     *p;
    ngx_str_t   channel, payload;
    u_char      name[NGX_PIMAP_CHANNEL_MAX];
    u_char      text[NGX_PIMAP_ACCOUNT_MAX + 2];

    if (ngx_pimap_presence_budget <= 0) {
        return NGX_DECLINED;
    }

    p = ngx_cpymem(name, ngx_pimap_presence_conf->prefix.data,
                   ngx_pimap_presence_conf->prefix.len);
    p = ngx_cpymem(p, ":presence", sizeof(":presence") - 1);

    channel.data = name;
    channel.len = p - name;

    text[0] = sign;
    text[1] = ' ';
    p = ngx_cpymem(text + 2, account->sn.str.data, account->sn.str.len);

    payload.data = text;
    payload.len = p - text;

    if (ngx_pimap_command_publish(&channel, &payload, NULL, NULL) == NULL) {
        return NGX_DECLINED;
    }

    ngx_pimap_presence_budget--;

    return NGX_OK;
}
