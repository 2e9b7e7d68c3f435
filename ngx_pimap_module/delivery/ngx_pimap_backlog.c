
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An account may have more devices than the worker can send to at once.  Then
 * the event is kept, and the worker goes on with these devices after it has
 * looked at other events.  Later events of the account are kept behind it.
 *
 * Items have numbers, and so has each device: the one of its last item.  So
 * devices may come and go meanwhile, and one device can get all of its items
 * before the others.  A pass goes over all devices, and gives each of them all
 * that it lacks.  Items that were there when a pass began are freed after it.
 *
 * Without a backlog no number is looked at: all devices have the same one.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_device_backlog.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_histogram.h"

#include "pimap_kind.h"


#define NGX_PIMAP_BACKLOG_TURN    128           /* devices */
#define NGX_PIMAP_BACKLOG_ITEMS   256           /* of an account */
#define NGX_PIMAP_BACKLOG_BYTES   1048576
#define NGX_PIMAP_BACKLOG_ALL     16777216      /* of all accounts */


typedef enum {
    NGX_PIMAP_BACKLOG_EVENT = 0,
    NGX_PIMAP_BACKLOG_RESYNC,           /* of live devices */
    NGX_PIMAP_BACKLOG_RESYNC_ALL
} ngx_pimap_backlog_kind_t;


typedef struct {
    ngx_queue_t                link;
    uint16_t                   number;
    ngx_pimap_backlog_kind_t   kind;
    pimap_event_id_t           last;    /* of the account, with this item */

    pimap_event_t              event;
    ngx_pimap_encoded_t        encoded;
    ngx_str_t                  reason;

    size_t                     size;
    char                       text[1];
} ngx_pimap_backlog_item_t;


static void ngx_pimap_backlog_all(ngx_pimap_account_t *account,
    ngx_pimap_backlog_item_t *item);
static ngx_int_t ngx_pimap_backlog_begin(ngx_pimap_account_t *account,
    ngx_pimap_backlog_item_t *item, ngx_pimap_device_t *next);
static ngx_int_t ngx_pimap_backlog_add(ngx_pimap_account_t *account,
    ngx_pimap_backlog_item_t *from);
static void ngx_pimap_backlog_serve(ngx_pimap_device_t *d,
    ngx_pimap_backlog_item_t *item);
static void ngx_pimap_backlog_over(ngx_pimap_backlog_item_t *item);
static void ngx_pimap_backlog_handler(ngx_event_t *ev);
static void ngx_pimap_backlog_turn(ngx_pimap_backlog_t *b, ngx_uint_t n);
static ngx_uint_t ngx_pimap_backlog_device(ngx_pimap_backlog_t *b,
    ngx_pimap_device_t *d);
static void ngx_pimap_backlog_pass(ngx_pimap_backlog_t *b);
static void ngx_pimap_backlog_free(ngx_pimap_backlog_t *b);
static void ngx_pimap_backlog_drop(ngx_pimap_backlog_t *b);
static void ngx_pimap_backlog_remove(ngx_pimap_backlog_t *b,
    ngx_pimap_backlog_item_t *item);


static ngx_queue_t  ngx_pimap_backlogs;
static ngx_event_t  ngx_pimap_backlog_next;
static size_t       ngx_pimap_backlog_bytes;

static void  (*ngx_pimap_backlog_done)(ngx_pimap_account_t *account);


void
ngx_pimap_backlog_init_process(ngx_cycle_t *cycle,
    void (*done)(ngx_pimap_account_t *account))
{
    ngx_queue_init(&ngx_pimap_backlogs);

    ngx_pimap_backlog_done = done;

    ngx_pimap_timer_init(&ngx_pimap_backlog_next, ngx_pimap_backlog_handler,
                         cycle->log, 1);
}


void
ngx_pimap_backlog_event(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    ngx_pimap_backlog_item_t  item;

    item.kind = NGX_PIMAP_BACKLOG_EVENT;
    item.event = *ev;
    item.size = pimap_kind_size(ev);

    ngx_pimap_backlog_all(account, &item);
}


/*
 * Of a full backlog nothing is left: the resync is also for the events that
 * devices lack.
 */

void
ngx_pimap_backlog_resync(ngx_pimap_account_t *account, ngx_str_t *reason,
    pimap_event_id_t *last, ngx_uint_t all)
{
    ngx_pimap_backlog_item_t  item;

    if (ngx_pimap_backlog_full(account)) {
        ngx_pimap_backlog_drop(account->backlog);
        all = 1;
    }

    ngx_memzero(&item.event, sizeof(pimap_event_t));

    item.kind = all ? NGX_PIMAP_BACKLOG_RESYNC_ALL : NGX_PIMAP_BACKLOG_RESYNC;
    item.last = *last;
    item.reason = *reason;
    item.size = reason->len;

    ngx_pimap_backlog_all(account, &item);
}


/* Without memory the devices get all of it now. */

static void
ngx_pimap_backlog_all(ngx_pimap_account_t *account,
    ngx_pimap_backlog_item_t *item)
{
    ngx_uint_t           n;
    ngx_pimap_device_t  *d;

    if (item->kind == NGX_PIMAP_BACKLOG_EVENT) {
        item->last = account->last_id;
    }

    ngx_memzero(&item->encoded, sizeof(ngx_pimap_encoded_t));

    if (account->backlog && ngx_pimap_backlog_add(account, item) == NGX_OK) {
        return;
    }

    while (account->backlog) {
        ngx_pimap_backlog_turn(account->backlog, NGX_PIMAP_BACKLOG_TURN);
    }

    n = 0;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {

        if (n++ == NGX_PIMAP_BACKLOG_TURN
            && ngx_pimap_backlog_begin(account, item, d) == NGX_OK)
        {
            return;
        }

        ngx_pimap_backlog_serve(d, item);
    }

    ngx_pimap_backlog_over(item);
}


/* The item is for "next" and the devices after it; the others have it. */

static ngx_int_t
ngx_pimap_backlog_begin(ngx_pimap_account_t *account,
    ngx_pimap_backlog_item_t *item, ngx_pimap_device_t *next)
{
    ngx_queue_t          *q;
    ngx_pimap_device_t   *d;
    ngx_pimap_backlog_t  *b;

    b = ngx_calloc(sizeof(ngx_pimap_backlog_t), ngx_cycle->log);
    if (b == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&b->items);

    b->account = account;
    b->next = &next->link;
    b->before = account->last_id;

    if (item->event.epoch && b->before.n) {
        b->before.n--;
    }

    account->backlog = b;

    if (ngx_pimap_backlog_add(account, item) != NGX_OK) {
        account->backlog = NULL;
        ngx_free(b);
        return NGX_ERROR;
    }

    b->pass = account->number;

    for (q = ngx_queue_head(&account->devices); q != &next->link;
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);
        d->number = account->number;
    }

    ngx_queue_insert_tail(&ngx_pimap_backlogs, &b->link);
    ngx_post_event(&ngx_pimap_backlog_next, &ngx_posted_next_events);

    ngx_pimap_account_dbg(account, "behind");

    return NGX_OK;
}


/* The texts are copied.  The encoded messages are the copy's then. */

static ngx_int_t
ngx_pimap_backlog_add(ngx_pimap_account_t *account,
    ngx_pimap_backlog_item_t *from)
{
    ngx_pimap_backlog_t       *b;
    ngx_pimap_backlog_item_t  *item;

    item = ngx_alloc(sizeof(ngx_pimap_backlog_item_t) + from->size,
                     ngx_cycle->log);
    if (item == NULL) {
        return NGX_ERROR;
    }

    *item = *from;

    if (item->kind == NGX_PIMAP_BACKLOG_EVENT) {
        pimap_kind_copy(&item->event, &from->event, item->text);

    } else {
        item->reason.data = (u_char *) item->text;
        ngx_memcpy(item->text, from->reason.data, from->size);
    }

    item->number = ++account->number;

    b = account->backlog;

    ngx_queue_insert_tail(&b->items, &item->link);
    b->count++;
    b->bytes += item->size;
    ngx_pimap_backlog_bytes += item->size;

    return NGX_OK;
}


static void
ngx_pimap_backlog_serve(ngx_pimap_device_t *d, ngx_pimap_backlog_item_t *item)
{
    switch (item->kind) {

    case NGX_PIMAP_BACKLOG_EVENT:

        if (item->event.epoch == 0
            || ngx_pimap_cursor_passes(d, &item->event))
        {
            (void) ngx_pimap_fanout_device(d, &item->event, &item->encoded);
        }

        return;

    case NGX_PIMAP_BACKLOG_RESYNC:

        if (d->reader == NULL) {
            ngx_pimap_fanout_resync(d, &item->reason, &item->last);
        }

        return;

    default: /* NGX_PIMAP_BACKLOG_RESYNC_ALL */

        if (d->reader && d->reader->ask == NGX_PIMAP_LOG_READER_LAST) {
            ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
            return;
        }

        ngx_pimap_fanout_resync(d, &item->reason,
                                d->reader ? &d->reader->id : &item->last);
    }
}


/* All devices have it.  An event from the log has no time. */

static void
ngx_pimap_backlog_over(ngx_pimap_backlog_item_t *item)
{
    ngx_pimap_encoded_free(&item->encoded);

    if (item->event.time) {
        ngx_pimap_fanout_latency(item->event.time);
    }
}


ngx_uint_t
ngx_pimap_backlog_full(ngx_pimap_account_t *account)
{
    ngx_pimap_backlog_t  *b;

    b = account->backlog;

    return b && (b->count >= NGX_PIMAP_BACKLOG_ITEMS
                 || b->bytes >= NGX_PIMAP_BACKLOG_BYTES
                 || ngx_pimap_backlog_bytes >= NGX_PIMAP_BACKLOG_ALL);
}


void
ngx_pimap_backlog_later(ngx_pimap_account_t *account)
{
    account->backlog->unread = 1;
}


/* A turn of one account, then other events, then that of the next account. */

static void
ngx_pimap_backlog_handler(ngx_event_t *ev)
{
    ngx_queue_t          *q;
    ngx_pimap_backlog_t  *b;

    if (ngx_queue_empty(&ngx_pimap_backlogs)) {
        return;
    }

    q = ngx_queue_head(&ngx_pimap_backlogs);
    b = ngx_queue_data(q, ngx_pimap_backlog_t, link);

    ngx_queue_remove(q);
    ngx_queue_insert_tail(&ngx_pimap_backlogs, q);

    ngx_pimap_backlog_turn(b, NGX_PIMAP_BACKLOG_TURN);

    if (!ngx_queue_empty(&ngx_pimap_backlogs)) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


/* The backlog may be gone afterwards. */

static void
ngx_pimap_backlog_turn(ngx_pimap_backlog_t *b, ngx_uint_t n)
{
    ngx_uint_t            done;
    ngx_queue_t          *q;
    ngx_pimap_account_t  *account;

    account = b->account;

    for (done = 0; done < n; /* void */ ) {

        q = b->next;

        if (q == ngx_queue_sentinel(&account->devices)) {
            ngx_pimap_backlog_pass(b);

            if (ngx_queue_empty(&b->items)) {
                ngx_pimap_backlog_free(b);
                return;
            }

            continue;
        }

        b->next = ngx_queue_next(q);

        done += 1 + ngx_pimap_backlog_device(b,
                              ngx_queue_data(q, ngx_pimap_device_t, link));
    }
}


void
ngx_pimap_backlog_catch_up(ngx_pimap_device_t *d)
{
    if (d->account->backlog) {
        (void) ngx_pimap_backlog_device(d->account->backlog, d);
    }
}


/* The number of items after the first that it lacked. */

static ngx_uint_t
ngx_pimap_backlog_device(ngx_pimap_backlog_t *b, ngx_pimap_device_t *d)
{
    ngx_uint_t                 n;
    ngx_queue_t               *q;
    ngx_pimap_backlog_item_t  *item;

    n = 0;

    for (q = ngx_queue_head(&b->items);
         q != ngx_queue_sentinel(&b->items) && !d->closing;
         q = ngx_queue_next(q))
    {
        item = ngx_queue_data(q, ngx_pimap_backlog_item_t, link);

        if ((int16_t) (item->number - d->number) > 0) {
            d->number = item->number;
            ngx_pimap_backlog_serve(d, item);
            n++;
        }
    }

    return n ? n - 1 : 0;
}


/* A pass is over, and the next one begins. */

static void
ngx_pimap_backlog_pass(ngx_pimap_backlog_t *b)
{
    ngx_queue_t               *q;
    ngx_pimap_backlog_item_t  *item;

    while (!ngx_queue_empty(&b->items)) {
        q = ngx_queue_head(&b->items);
        item = ngx_queue_data(q, ngx_pimap_backlog_item_t, link);

        if ((int16_t) (item->number - b->pass) > 0) {
            break;
        }

        b->before = item->last;
        ngx_pimap_backlog_remove(b, item);
    }

    b->pass = b->account->number;
    b->next = ngx_queue_head(&b->account->devices);
}


static void
ngx_pimap_backlog_free(ngx_pimap_backlog_t *b)
{
    ngx_uint_t            unread;
    ngx_pimap_account_t  *account;

    account = b->account;
    unread = b->unread;

    account->backlog = NULL;
    ngx_queue_remove(&b->link);
    ngx_free(b);

    if (unread) {
        ngx_pimap_backlog_done(account);
    }
}


static void
ngx_pimap_backlog_drop(ngx_pimap_backlog_t *b)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&b->items)) {
        q = ngx_queue_head(&b->items);
        ngx_pimap_backlog_remove(b, ngx_queue_data(q, ngx_pimap_backlog_item_t,
                                                   link));
    }
}


static void
ngx_pimap_backlog_remove(ngx_pimap_backlog_t *b,
    ngx_pimap_backlog_item_t *item)
{
    ngx_pimap_backlog_over(item);

    ngx_queue_remove(&item->link);
    b->count--;
    b->bytes -= item->size;
    ngx_pimap_backlog_bytes -= item->size;

    ngx_free(item);
}


void
ngx_pimap_backlog_forget(ngx_pimap_account_t *account)
{
    ngx_pimap_backlog_t  *b;

    b = account->backlog;

    if (b) {
        ngx_pimap_backlog_drop(b);
        b->unread = 0;
        ngx_pimap_backlog_free(b);
    }
}
