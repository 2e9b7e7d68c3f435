
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * There are few incoming accounts at a time, so they are in a list.
 */


#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_handover.h"
#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_spare.h"


#define NGX_PIMAP_HANDOVER_INCOMING_HELD  65536     /* bytes of events */
#define NGX_PIMAP_HANDOVER_INCOMING_WAIT  5000      /* msec, for a marker */
#define NGX_PIMAP_HANDOVER_INCOMING_TICK  500
#define NGX_PIMAP_HANDOVER_INCOMING_QUIET 60        /* seconds, of the log */


typedef struct {
    ngx_queue_t           link;
    size_t                len;
    char                  json[1];
} ngx_pimap_held_event_t;


typedef struct {
    ngx_queue_t           link;
    ngx_socket_t          fd;
    ngx_str_t             record;
    u_char                bytes[1];
} ngx_pimap_pending_device_t;


static ngx_pimap_handover_incoming_t *ngx_pimap_handover_incoming_next(
    ngx_pimap_handover_incoming_t *in);
static void ngx_pimap_handover_incoming_publish(
    ngx_pimap_handover_incoming_t *in);
static void ngx_pimap_handover_incoming_published(void *data,
    redisReply *reply);
static void ngx_pimap_handover_incoming_refused(redisReply *reply);
static void ngx_pimap_handover_incoming_tick(void);
static void ngx_pimap_handover_incoming_hold(
    ngx_pimap_handover_incoming_t *in, pimap_event_t *ev);
static void ngx_pimap_handover_incoming_adopt(
    ngx_pimap_handover_incoming_t *in, ngx_str_t *data, ngx_socket_t fd);
static ngx_int_t ngx_pimap_handover_incoming_wait(
    ngx_pimap_handover_incoming_t *in, ngx_str_t *data, ngx_socket_t fd);
static void ngx_pimap_handover_incoming_pending(
    ngx_pimap_handover_incoming_t *in, ngx_uint_t adopt);
static void ngx_pimap_handover_incoming_catch_up(
    ngx_pimap_handover_incoming_t *in, ngx_pimap_device_t *d);
static void ngx_pimap_handover_incoming_tick_handler(ngx_event_t *ev);
static void ngx_pimap_handover_incoming_destroy(
    ngx_pimap_handover_incoming_t *in);


static ngx_queue_t  ngx_pimap_handover_incoming;
static ngx_event_t  ngx_pimap_handover_incoming_timer;


ngx_int_t
ngx_pimap_handover_incoming_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_handover_incoming);

    ngx_pimap_timer_init(&ngx_pimap_handover_incoming_timer,
                         ngx_pimap_handover_incoming_tick_handler, cycle->log,
                         1);

    return NGX_OK;
}


void
ngx_pimap_handover_incoming_exit_process(void)
{
    ngx_pimap_handover_incoming_t  *in;

    if (ngx_pimap_handover_incoming_timer.timer_set) {
        ngx_del_timer(&ngx_pimap_handover_incoming_timer);
    }

    for (in = ngx_pimap_handover_incoming_next(NULL); in;
         in = ngx_pimap_handover_incoming_next(in))
    {
        ngx_pimap_handover_incoming_pending(in, 0);
    }
}


/* The first one, or the one after "in"; or NULL. */

static ngx_pimap_handover_incoming_t *
ngx_pimap_handover_incoming_next(ngx_pimap_handover_incoming_t *in)
{
    ngx_queue_t  *q;

    q = ngx_queue_next(in ? &in->link : &ngx_pimap_handover_incoming);

    return q == ngx_queue_sentinel(&ngx_pimap_handover_incoming)
           ? NULL : ngx_queue_data(q, ngx_pimap_handover_incoming_t, link);
}


ngx_int_t
ngx_pimap_handover_incoming_create(void *sender, uint64_t token,
    ngx_str_t *name)
{
    ngx_pimap_handover_incoming_t  *in;

    if (name->len == 0 || name->len > NGX_PIMAP_ACCOUNT_MAX) {
        return NGX_ERROR;
    }

    in = ngx_calloc(sizeof(ngx_pimap_handover_incoming_t), ngx_cycle->log);
    if (in == NULL) {
        return NGX_ERROR;
    }

    in->account = ngx_pimap_account_get(name, ngx_cycle->log);
    if (in->account == NULL) {
        ngx_free(in);
        return NGX_ERROR;
    }

    in->account->incoming++;
    in->sender = sender;
    in->token = token;

    ngx_queue_init(&in->pending);
    ngx_queue_init(&in->held);
    ngx_queue_insert_tail(&ngx_pimap_handover_incoming, &in->link);

    ngx_pimap_handover_incoming_publish(in);

    return NGX_OK;
}


/*
 * Repeated after a tick, if it is refused.  The sender waits for some seconds;
 * then the devices come, and the account is not incoming any more.
 */

static void
ngx_pimap_handover_incoming_publish(ngx_pimap_handover_incoming_t *in)
{
    u_char     buf[NGX_PIMAP_HANDOVER_MARKER_SIZE];
    ngx_str_t  payload;

    if (in->published || in->marked || !in->account->sub.subscribed) {
        return;
    }

    payload.data = buf;
    payload.len = ngx_snprintf(buf, sizeof(buf),
                               NGX_PIMAP_HANDOVER_MARKER "%016xL", in->token)
                  - buf;

    in->command = ngx_pimap_command_publish(&in->account->sub.sn.str, &payload,
                                        ngx_pimap_handover_incoming_published,
                                            in);
    in->published = in->command != NULL;

    if (!in->published) {
        ngx_pimap_handover_incoming_tick();
    }
}


/* Devices that have come do not wait for the next marker. */

static void
ngx_pimap_handover_incoming_published(void *data, redisReply *reply)
{
    ngx_pimap_handover_incoming_t  *in = data;

    in->command = NULL;

    if (in->marked || (reply && reply->type != REDIS_REPLY_ERROR)) {
        return;
    }

    ngx_pimap_handover_incoming_refused(reply);

    in->published = 0;
    ngx_pimap_handover_incoming_pending(in, 1);

    if (in->ended) {
        ngx_pimap_handover_incoming_destroy(in);
        return;
    }

    ngx_pimap_handover_incoming_tick();
}


static void
ngx_pimap_handover_incoming_refused(redisReply *reply)
{
    static time_t  logged;

    if (reply && ngx_time() - logged >= NGX_PIMAP_HANDOVER_INCOMING_QUIET) {
        logged = ngx_time();

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "pimap can't order the events of a hand-over: Redis "
                      "answers PUBLISH with \"%s\"; it is repeated, then the "
                      "devices come without it and may miss events that have "
                      "no id", reply->str);
    }
}


static void
ngx_pimap_handover_incoming_tick(void)
{
    if (!ngx_pimap_handover_incoming_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_handover_incoming_timer,
                      NGX_PIMAP_HANDOVER_INCOMING_TICK);
    }
}


void
ngx_pimap_handover_incoming_subscribed(ngx_pimap_account_t *account)
{
    ngx_pimap_handover_incoming_t  *in;

    if (account->incoming == 0) {
        return;
    }

    for (in = ngx_pimap_handover_incoming_next(NULL); in;
         in = ngx_pimap_handover_incoming_next(in))
    {
        if (in->account == account) {
            ngx_pimap_handover_incoming_publish(in);
        }
    }
}


ngx_int_t
ngx_pimap_handover_incoming_marker(ngx_pimap_account_t *account,
    uint64_t token)
{
    ngx_pimap_handover_incoming_t  *in;

    in = ngx_pimap_handover_incoming_find(token);

    if (in == NULL || in->account != account) {
        return NGX_DECLINED;
    }

    in->marked = 1;

    ngx_pimap_handover_dbg("marked", 0, &account->sub.sn.str, in->devices);

    ngx_pimap_handover_incoming_pending(in, 1);

    if (in->ended) {
        ngx_pimap_handover_incoming_destroy(in);
    }

    return NGX_OK;
}


ngx_pimap_handover_incoming_t *
ngx_pimap_handover_incoming_find(uint64_t token)
{
    ngx_pimap_handover_incoming_t  *in;

    for (in = ngx_pimap_handover_incoming_next(NULL); in;
         in = ngx_pimap_handover_incoming_next(in))
    {
        if (in->token == token) {
            break;
        }
    }

    return in;
}


void
ngx_pimap_handover_incoming_event(ngx_pimap_account_t *account,
    pimap_event_t *ev)
{
    ngx_pimap_handover_incoming_t  *in;

    for (in = ngx_pimap_handover_incoming_next(NULL); in;
         in = ngx_pimap_handover_incoming_next(in))
    {
        if (in->account == account && in->marked && !in->overflow) {
            ngx_pimap_handover_incoming_hold(in, ev);
        }
    }
}


static void
ngx_pimap_handover_incoming_hold(ngx_pimap_handover_incoming_t *in,
    pimap_event_t *ev)
{
    ngx_pimap_held_event_t  *held;

    if (ev == NULL) {
        in->overflow = 1;
        return;
    }

    in->size += ev->json.len;

    held = in->size > NGX_PIMAP_HANDOVER_INCOMING_HELD ? NULL
           : ngx_alloc(offsetof(ngx_pimap_held_event_t, json) + ev->json.len,
                       ngx_cycle->log);

    if (held == NULL) {
        in->overflow = 1;
        return;
    }

    held->len = ev->json.len;
    ngx_memcpy(held->json, ev->json.data, ev->json.len);

    ngx_queue_insert_tail(&in->held, &held->link);
}


void
ngx_pimap_handover_incoming_device(ngx_pimap_handover_incoming_t *in,
    ngx_str_t *data, ngx_socket_t fd)
{
    in->devices++;

    if (in->published && !in->marked) {

        if (ngx_pimap_handover_incoming_wait(in, data, fd) == NGX_OK) {
            return;
        }

        in->overflow = 1;
    }

    ngx_pimap_handover_incoming_adopt(in, data, fd);
}


/* The device must not get events again that came before the marker. */

static ngx_int_t
ngx_pimap_handover_incoming_wait(ngx_pimap_handover_incoming_t *in,
    ngx_str_t *data, ngx_socket_t fd)
{
    ngx_pimap_pending_device_t  *pending;

    pending = ngx_alloc(offsetof(ngx_pimap_pending_device_t, bytes)
                        + data->len, ngx_cycle->log);
    if (pending == NULL) {
        return NGX_ERROR;
    }

    pending->fd = fd;
    pending->record.data = pending->bytes;
    pending->record.len = data->len;
    ngx_memcpy(pending->bytes, data->data, data->len);

    ngx_queue_insert_tail(&in->pending, &pending->link);
    ngx_pimap_spare_promise(1);

    return NGX_OK;
}


/* Devices that have waited are adopted, or their connections are closed. */

static void
ngx_pimap_handover_incoming_pending(ngx_pimap_handover_incoming_t *in,
    ngx_uint_t adopt)
{
    ngx_queue_t                 *q;
    ngx_pimap_pending_device_t  *pending;

    while (!ngx_queue_empty(&in->pending)) {
        q = ngx_queue_head(&in->pending);
        ngx_queue_remove(q);
        ngx_pimap_spare_promise(-1);

        pending = ngx_queue_data(q, ngx_pimap_pending_device_t, link);

        if (adopt) {
            ngx_pimap_handover_incoming_adopt(in, &pending->record,
                                              pending->fd);
        } else {
            (void) ngx_close_socket(pending->fd);
        }

        ngx_explicit_memzero(pending->bytes, pending->record.len);
        ngx_free(pending);
    }
}


static void
ngx_pimap_handover_incoming_adopt(ngx_pimap_handover_incoming_t *in,
    ngx_str_t *data, ngx_socket_t fd)
{
    ngx_pimap_device_t  *d;

    d = ngx_pimap_handover_adopt(in->account, data, fd, in->marked);

    if (d == NULL) {
        return;
    }

    if (in->overflow) {
        ngx_pimap_unpark(d);

    } else {
        ngx_pimap_handover_incoming_catch_up(in, d);
    }
}


static void
ngx_pimap_handover_incoming_catch_up(ngx_pimap_handover_incoming_t *in,
    ngx_pimap_device_t *d)
{
    ngx_queue_t             *q;
    pimap_event_t            ev;
    pimap_event_status_t     status;
    ngx_pimap_held_event_t  *held;

    for (q = ngx_queue_head(&in->held);
         q != ngx_queue_sentinel(&in->held) && !d->closing;
         q = ngx_queue_next(q))
    {
        held = ngx_queue_data(q, ngx_pimap_held_event_t, link);

        status = pimap_event_parse_json(&ev, held->json, held->len, held->len,
                                        NULL, 0);

        if (status == PIMAP_EVENT_NO_MEMORY) {
            ngx_pimap_unpark(d);
            return;
        }

        if (status != PIMAP_EVENT_OK) {
            continue;
        }

        (void) ngx_pimap_fanout_one(d, &ev);

        pimap_event_free(&ev);
    }
}


void
ngx_pimap_handover_incoming_end(ngx_pimap_handover_incoming_t *in)
{
    in->ended = 1;

    if (ngx_queue_empty(&in->pending)) {
        ngx_pimap_handover_incoming_destroy(in);
    }
}


static void
ngx_pimap_handover_incoming_destroy(ngx_pimap_handover_incoming_t *in)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&in->held)) {
        q = ngx_queue_head(&in->held);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_pimap_held_event_t, link));
    }

    if (in->command) {
        ngx_pimap_command_forget(in->command);
    }

    ngx_queue_remove(&in->link);

    in->account->incoming--;
    ngx_pimap_account_put(in->account);

    ngx_free(in);
}


void
ngx_pimap_handover_incoming_forget(void *sender)
{
    ngx_pimap_handover_incoming_t  *in, *next;

    for (in = ngx_pimap_handover_incoming_next(NULL); in; in = next) {
        next = ngx_pimap_handover_incoming_next(in);

        if (in->sender != sender) {
            continue;
        }

        /* the marker, if it still comes, orders events of devices here */

        in->sender = NULL;
        in->gone = ngx_current_msec;

        ngx_pimap_handover_incoming_end(in);

        ngx_pimap_handover_incoming_tick();
    }
}


/* A marker may be lost while Redis is in trouble. */

static void
ngx_pimap_handover_incoming_tick_handler(ngx_event_t *ev)
{
    ngx_pimap_handover_incoming_t  *in, *next;

    for (in = ngx_pimap_handover_incoming_next(NULL); in; in = next) {
        next = ngx_pimap_handover_incoming_next(in);

        if (in->sender) {
            ngx_pimap_handover_incoming_publish(in);
            continue;
        }

        if (ngx_current_msec - in->gone < NGX_PIMAP_HANDOVER_INCOMING_WAIT) {
            ngx_pimap_handover_incoming_tick();
            continue;
        }

        ngx_pimap_handover_incoming_pending(in, 1);
        ngx_pimap_handover_incoming_destroy(in);
    }
}


ngx_uint_t
ngx_pimap_handover_incoming_busy(void)
{
    return ngx_pimap_handover_incoming_next(NULL) != NULL;
}
