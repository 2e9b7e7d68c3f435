
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Guests are few: those that are under way, of all givers.
 */


#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_handover_adopt.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_fanout.h"
#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_device.h"


#define NGX_PIMAP_HANDOVER_INCOMING_KEPT   65536    /* bytes of events for one account */
#define NGX_PIMAP_HANDOVER_INCOMING_WAIT   5000     /* msec, for a marker, without giver */
#define NGX_PIMAP_HANDOVER_INCOMING_TICK   500


typedef struct {
    ngx_queue_t           link;
    size_t                len;
    char                  json[1];
} ngx_pimap_kept_t;


/* A device that has to wait: its record, and its connection. */
typedef struct {
    ngx_queue_t           link;
    ngx_socket_t          fd;
    size_t                len;
    uint64_t              record[1];
} ngx_pimap_early_t;


static void ngx_pimap_handover_incoming_ask(ngx_pimap_handover_incoming_t *guest);
static ngx_int_t ngx_pimap_handover_incoming_publish(
    ngx_pimap_account_t *account, uint64_t token);
static ngx_int_t ngx_pimap_handover_incoming_wait(ngx_pimap_handover_incoming_t *guest, ngx_str_t *data, ngx_socket_t fd);
static void ngx_pimap_handover_incoming_admit_early(ngx_pimap_handover_incoming_t *guest);
static ngx_pimap_early_t *ngx_pimap_handover_incoming_next_early(
    ngx_pimap_handover_incoming_t *guest);
static void ngx_pimap_handover_incoming_free_early(ngx_pimap_early_t *early);
static void ngx_pimap_handover_incoming_keep(ngx_pimap_handover_incoming_t *guest, pimap_event_t *ev);
static void ngx_pimap_handover_incoming_orphan(ngx_pimap_handover_incoming_t *guest);
static void ngx_pimap_handover_incoming_late_handler(ngx_event_t *ev);
static void ngx_pimap_handover_incoming_destroy(ngx_pimap_handover_incoming_t *guest);


static ngx_queue_t       ngx_pimap_guests;
static ngx_event_t       ngx_pimap_handover_incoming_late;


ngx_int_t
ngx_pimap_handover_incoming_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_guests);

    ngx_pimap_timer_init(&ngx_pimap_handover_incoming_late,
                         ngx_pimap_handover_incoming_late_handler,
                         cycle->log, 1);

    return NGX_OK;
}


void
ngx_pimap_handover_incoming_exit_process(void)
{
    ngx_queue_t        *q;
    ngx_pimap_early_t  *early;
    ngx_pimap_handover_incoming_t  *guest;

    if (ngx_pimap_handover_incoming_late.timer_set) {
        ngx_del_timer(&ngx_pimap_handover_incoming_late);
    }

    for (q = ngx_queue_head(&ngx_pimap_guests);
         q != ngx_queue_sentinel(&ngx_pimap_guests);
         q = ngx_queue_next(q))
    {
        guest = ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);

        while ((early = ngx_pimap_handover_incoming_next_early(guest))) {
            (void) ngx_close_socket(early->fd);
            ngx_pimap_handover_incoming_free_early(early);
        }
    }
}


ngx_int_t
ngx_pimap_handover_incoming_create(void *giver, uint64_t token,
    ngx_str_t *name)
{
    ngx_pimap_handover_incoming_t  *guest;

    if (name->len == 0 || name->len > NGX_PIMAP_ACCOUNT_MAX) {
        return NGX_ERROR;
    }

    guest = ngx_calloc(sizeof(ngx_pimap_handover_incoming_t), ngx_cycle->log);
    if (guest == NULL) {
        return NGX_ERROR;
    }

    guest->account = ngx_pimap_account_get(name, ngx_cycle->log);
    if (guest->account == NULL) {
        ngx_free(guest);
        return NGX_ERROR;
    }

    guest->account->incoming++;
    guest->giver = giver;
    guest->token = token;

    ngx_queue_init(&guest->early);
    ngx_queue_init(&guest->kept);
    ngx_queue_insert_tail(&ngx_pimap_guests, &guest->link);

    ngx_pimap_handover_incoming_ask(guest);

    return NGX_OK;
}


/* If it can't be published, the other side stops waiting after a while. */

static void
ngx_pimap_handover_incoming_ask(ngx_pimap_handover_incoming_t *guest)
{
    if (!guest->asked && guest->account->subscribed) {
        guest->asked = (ngx_pimap_handover_incoming_publish(guest->account,
                                                   guest->token)
                        == NGX_OK);
    }
}


static ngx_int_t
ngx_pimap_handover_incoming_publish(ngx_pimap_account_t *account, uint64_t token)
{
    u_char     buf[NGX_PIMAP_HANDOVER_MARKER_SIZE];
    ngx_str_t  payload;

    payload.data = buf;
    payload.len = ngx_snprintf(buf, sizeof(buf), NGX_PIMAP_HANDOVER_MARKER
                               "%016xL", token)
                  - buf;

    if (ngx_pimap_command_publish_account(&account->sn.str, &payload, NULL,
                                            NULL)
        == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_pimap_handover_incoming_subscribed(ngx_pimap_account_t *account)
{
    ngx_queue_t        *q;
    ngx_pimap_handover_incoming_t  *guest;

    if (account->incoming == 0) {
        return;
    }

    for (q = ngx_queue_head(&ngx_pimap_guests);
         q != ngx_queue_sentinel(&ngx_pimap_guests);
         q = ngx_queue_next(q))
    {
        guest = ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);

        if (guest->account == account) {
            ngx_pimap_handover_incoming_ask(guest);
        }
    }
}


ngx_int_t
ngx_pimap_handover_incoming_marker(ngx_pimap_account_t *account,
    uint64_t token)
{
    ngx_pimap_handover_incoming_t  *guest;

    guest = ngx_pimap_handover_incoming_find(token);

    if (guest == NULL || guest->account != account) {
        return NGX_DECLINED;
    }

    guest->ordered = 1;
    ngx_pimap_handover_incoming_admit_early(guest);

    if (guest->ended) {
        ngx_pimap_handover_incoming_destroy(guest);
    }

    return NGX_OK;
}


ngx_pimap_handover_incoming_t *
ngx_pimap_handover_incoming_find(uint64_t token)
{
    ngx_queue_t        *q;
    ngx_pimap_handover_incoming_t  *guest;

    for (q = ngx_queue_head(&ngx_pimap_guests);
         q != ngx_queue_sentinel(&ngx_pimap_guests);
         q = ngx_queue_next(q))
    {
        guest = ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);

        if (guest->token == token) {
            return guest;
        }
    }

    return NULL;
}


void
ngx_pimap_handover_incoming_event(ngx_pimap_account_t *account,
    pimap_event_t *ev)
{
    ngx_queue_t        *q;
    ngx_pimap_handover_incoming_t  *guest;

    for (q = ngx_queue_head(&ngx_pimap_guests);
         q != ngx_queue_sentinel(&ngx_pimap_guests);
         q = ngx_queue_next(q))
    {
        guest = ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);

        if (guest->account == account && guest->ordered && !guest->lost) {
            ngx_pimap_handover_incoming_keep(guest, ev);
        }
    }
}


static void
ngx_pimap_handover_incoming_keep(ngx_pimap_handover_incoming_t *guest,
    pimap_event_t *ev)
{
    ngx_pimap_kept_t  *kept;

    guest->size += ev->json.len;

    kept = guest->size > NGX_PIMAP_HANDOVER_INCOMING_KEPT ? NULL
           : ngx_alloc(offsetof(ngx_pimap_kept_t, json) + ev->json.len,
                       ngx_cycle->log);

    if (kept == NULL) {
        guest->lost = 1;
        return;
    }

    kept->len = ev->json.len;
    ngx_memcpy(kept->json, ev->json.data, ev->json.len);

    ngx_queue_insert_tail(&guest->kept, &kept->link);
}


void
ngx_pimap_handover_incoming_device(ngx_pimap_handover_incoming_t *guest,
    ngx_str_t *data, ngx_socket_t fd)
{
    if (!guest->asked || guest->ordered
        || ngx_pimap_handover_incoming_wait(guest, data, fd) != NGX_OK)
    {
        ngx_pimap_handover_adopt(guest, data, fd);
    }
}


/* What comes before the marker has been delivered to it already. */

static ngx_int_t
ngx_pimap_handover_incoming_wait(ngx_pimap_handover_incoming_t *guest,
    ngx_str_t *data, ngx_socket_t fd)
{
    ngx_pimap_early_t  *early;

    early = ngx_alloc(offsetof(ngx_pimap_early_t, record) + data->len,
                      ngx_cycle->log);
    if (early == NULL) {
        return NGX_ERROR;
    }

    early->fd = fd;
    early->len = data->len;
    ngx_memcpy(early->record, data->data, data->len);

    ngx_queue_insert_tail(&guest->early, &early->link);

    return NGX_OK;
}


static void
ngx_pimap_handover_incoming_admit_early(ngx_pimap_handover_incoming_t *guest)
{
    ngx_str_t           data;
    ngx_pimap_early_t  *early;

    while ((early = ngx_pimap_handover_incoming_next_early(guest))) {
        data.data = (u_char *) early->record;
        data.len = early->len;

        ngx_pimap_handover_adopt(guest, &data, early->fd);
        ngx_pimap_handover_incoming_free_early(early);
    }
}


static ngx_pimap_early_t *
ngx_pimap_handover_incoming_next_early(ngx_pimap_handover_incoming_t *guest)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&guest->early)) {
        return NULL;
    }

    q = ngx_queue_head(&guest->early);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_pimap_early_t, link);
}


static void
ngx_pimap_handover_incoming_free_early(ngx_pimap_early_t *early)
{
    ngx_explicit_memzero(early->record, early->len);
    ngx_free(early);
}


void
ngx_pimap_handover_incoming_catch_up(ngx_pimap_handover_incoming_t *guest,
    ngx_pimap_device_t *d)
{
    ngx_queue_t       *q;
    pimap_event_t      ev;
    ngx_pimap_kept_t  *kept;

    for (q = ngx_queue_head(&guest->kept);
         q != ngx_queue_sentinel(&guest->kept) && !d->closing;
         q = ngx_queue_next(q))
    {
        kept = ngx_queue_data(q, ngx_pimap_kept_t, link);

        if (pimap_event_parse_json(&ev, kept->json, kept->len, kept->len, NULL,
                                   0)
            != PIMAP_EVENT_OK)
        {
            continue;
        }

        (void) ngx_pimap_fanout_one(d, &ev);

        pimap_event_free(&ev);
    }
}


void
ngx_pimap_handover_incoming_end(ngx_pimap_handover_incoming_t *guest)
{
    guest->ended = 1;

    if (ngx_queue_empty(&guest->early)) {
        ngx_pimap_handover_incoming_destroy(guest);
    }
}


static void
ngx_pimap_handover_incoming_destroy(ngx_pimap_handover_incoming_t *guest)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&guest->kept)) {
        q = ngx_queue_head(&guest->kept);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_pimap_kept_t, link));
    }

    ngx_queue_remove(&guest->link);

    guest->account->incoming--;
    ngx_pimap_account_put(guest->account);

    ngx_free(guest);
}


void
ngx_pimap_handover_incoming_forget(void *giver)
{
    ngx_queue_t        *q, *next;
    ngx_pimap_handover_incoming_t  *guest;

    for (q = ngx_queue_head(&ngx_pimap_guests);
         q != ngx_queue_sentinel(&ngx_pimap_guests);
         q = next)
    {
        next = ngx_queue_next(q);
        guest = ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);

        if (guest->giver != giver) {
            continue;
        }

        if (ngx_queue_empty(&guest->early)) {
            ngx_pimap_handover_incoming_destroy(guest);

        } else {
            ngx_pimap_handover_incoming_orphan(guest);
        }
    }
}


/*
 * The giver was faster than Redis: what comes before the marker has been
 * delivered there.
 */

static void
ngx_pimap_handover_incoming_orphan(ngx_pimap_handover_incoming_t *guest)
{
    guest->giver = NULL;
    guest->ended = 1;
    guest->orphaned = ngx_current_msec;

    if (!ngx_pimap_handover_incoming_late.timer_set) {
        ngx_add_timer(&ngx_pimap_handover_incoming_late,
                      NGX_PIMAP_HANDOVER_INCOMING_TICK);
    }
}


/* The marker was lost, with Redis, maybe: nobody waits for it any longer. */

static void
ngx_pimap_handover_incoming_late_handler(ngx_event_t *ev)
{
    ngx_uint_t          others;
    ngx_queue_t        *q, *next;
    ngx_pimap_handover_incoming_t  *guest;

    others = 0;

    for (q = ngx_queue_head(&ngx_pimap_guests);
         q != ngx_queue_sentinel(&ngx_pimap_guests);
         q = next)
    {
        next = ngx_queue_next(q);
        guest = ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);

        if (guest->giver) {
            continue;
        }

        if (ngx_current_msec - guest->orphaned < NGX_PIMAP_HANDOVER_INCOMING_WAIT) {
            others = 1;
            continue;
        }

        ngx_pimap_handover_incoming_admit_early(guest);
        ngx_pimap_handover_incoming_destroy(guest);
    }

    if (others) {
        ngx_add_timer(ev, NGX_PIMAP_HANDOVER_INCOMING_TICK);
    }
}


ngx_uint_t
ngx_pimap_handover_incoming_busy(void)
{
    return !ngx_queue_empty(&ngx_pimap_guests);
}
