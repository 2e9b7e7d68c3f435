
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A worker accepts offers as soon as its Redis can be reached, and one
 * conversation with each older worker begins.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_socket.h"
#include "ngx_pimap_spare.h"
#include "ngx_pimap_redis_client.h"


#define NGX_PIMAP_HANDOVER_RECEIVER_READS  64     /* messages in a row */
#define NGX_PIMAP_HANDOVER_RECEIVER_TICK   5      /* msec */
#define NGX_PIMAP_HANDOVER_RECEIVER_WAIT   4000   /* msec, for Redis */
#define NGX_PIMAP_HANDOVER_RECEIVER_ROOM   256    /* devices under way */


/* A worker that quits. */
typedef struct {
    ngx_queue_t           link;
    ngx_connection_t     *connection;
    ngx_uint_t            worker;
    ngx_uint_t            room;         /* devices that it may still send */
} ngx_pimap_handover_from_t;


static void ngx_pimap_handover_receiver_open_handler(ngx_event_t *ev);
static ngx_uint_t ngx_pimap_handover_receiver_ready(void);
static void ngx_pimap_handover_receiver_offer_handler(ngx_event_t *rev);
static void ngx_pimap_handover_receiver_offer(
    ngx_pimap_handover_ipc_head_t *head, ngx_socket_t fd);
static ngx_uint_t ngx_pimap_handover_receiver_room(
    ngx_pimap_handover_from_t *from);
static void ngx_pimap_handover_receiver_read_handler(ngx_event_t *rev);
static void ngx_pimap_handover_receiver_write_handler(ngx_event_t *wev);
static ngx_int_t ngx_pimap_handover_receiver_message(
    ngx_pimap_handover_from_t *from, ngx_pimap_handover_ipc_head_t *head,
    ngx_str_t *data, ngx_socket_t fd);
static ngx_int_t ngx_pimap_handover_receiver_end(
    ngx_pimap_handover_from_t *from, ngx_pimap_handover_incoming_t *in);
static void ngx_pimap_handover_receiver_drop(ngx_pimap_handover_from_t *from);


static ngx_queue_t        ngx_pimap_handover_receiver_froms;
static ngx_connection_t  *ngx_pimap_handover_receiver_offers;
static ngx_event_t        ngx_pimap_handover_receiver_event;
static ngx_msec_t         ngx_pimap_handover_receiver_began;


ngx_int_t
ngx_pimap_handover_receiver_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_handover_receiver_froms);

    if (ngx_pimap_handover_socket_reader() == (ngx_socket_t) -1) {
        return NGX_OK;
    }

    ngx_pimap_timer_init(&ngx_pimap_handover_receiver_event,
                         ngx_pimap_handover_receiver_open_handler, cycle->log,
                         1);

    ngx_pimap_handover_receiver_began = ngx_current_msec;

    ngx_add_timer(&ngx_pimap_handover_receiver_event,
                  NGX_PIMAP_HANDOVER_RECEIVER_TICK);

    return NGX_OK;
}


/* Without Redis the worker could not tell which events are its own. */

static void
ngx_pimap_handover_receiver_open_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    if (!ngx_pimap_handover_receiver_ready()
        && ngx_current_msec - ngx_pimap_handover_receiver_began
           < NGX_PIMAP_HANDOVER_RECEIVER_WAIT)
    {
        ngx_add_timer(ev, NGX_PIMAP_HANDOVER_RECEIVER_TICK);
        return;
    }

    c = ngx_pimap_handover_ipc_open(ngx_pimap_handover_socket_reader(),
                                    ngx_pimap_handover_receiver_offer_handler,
                                    ngx_pimap_handover_receiver_write_handler,
                                    NULL);
    if (c == NULL) {
        ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                      "pimap cannot take over devices of old workers: no "
                      "free connection, see \"worker_connections\"");
    }

    ngx_pimap_handover_receiver_offers = c;

    if (c) {
        ngx_pimap_handover_socket_serve(1);
    }
}


static ngx_uint_t
ngx_pimap_handover_receiver_ready(void)
{
    return ngx_pimap_redis_client_ready();
}


void
ngx_pimap_handover_receiver_exit_process(void)
{
    ngx_queue_t  *q;

    ngx_pimap_handover_receiver_stop();

    while (!ngx_queue_empty(&ngx_pimap_handover_receiver_froms)) {
        q = ngx_queue_head(&ngx_pimap_handover_receiver_froms);
        ngx_pimap_handover_receiver_drop(ngx_queue_data(q,
                                                  ngx_pimap_handover_from_t,
                                                  link));
    }
}


void
ngx_pimap_handover_receiver_stop(void)
{
    ngx_queue_t                *q;
    ngx_pimap_handover_from_t  *from;

    if (ngx_pimap_handover_receiver_event.timer_set) {
        ngx_del_timer(&ngx_pimap_handover_receiver_event);
    }

    if (ngx_pimap_handover_receiver_offers == NULL) {
        return;
    }

    ngx_pimap_handover_socket_serve(0);

    ngx_pimap_socket_close(ngx_pimap_handover_receiver_offers);
    ngx_pimap_handover_receiver_offers = NULL;

    for (q = ngx_queue_head(&ngx_pimap_handover_receiver_froms);
         q != ngx_queue_sentinel(&ngx_pimap_handover_receiver_froms);
         q = ngx_queue_next(q))
    {
        from = ngx_queue_data(q, ngx_pimap_handover_from_t, link);

        (void) ngx_pimap_handover_ipc_send(from->connection->fd,
                                           NGX_PIMAP_HANDOVER_IPC_CLOSE, 0,
                                           NULL, -1);
    }
}


ngx_uint_t
ngx_pimap_handover_receiver_busy(void)
{
    return !ngx_queue_empty(&ngx_pimap_handover_receiver_froms)
           || ngx_pimap_handover_incoming_busy();
}


static void
ngx_pimap_handover_receiver_offer_handler(ngx_event_t *rev)
{
    ngx_int_t                       rc;
    ngx_str_t                       data;
    ngx_socket_t                    fd;
    ngx_connection_t               *c;
    ngx_pimap_handover_ipc_head_t   head;

    c = rev->data;

    if (c->close) {
        ngx_pimap_handover_receiver_stop();
        return;
    }

    for ( ;; ) {
        rc = ngx_pimap_handover_ipc_receive(c->fd, &head, &data, &fd);

        if (rc == NGX_AGAIN) {
            break;
        }

        if (rc != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, c->log, 0,
                          "pimap cannot take over devices of old workers: "
                          "invalid message at the hand-over socket");
            return;
        }

        if (fd != (ngx_socket_t) -1) {
            ngx_pimap_handover_receiver_offer(&head, fd);
        }
    }

    (void) ngx_handle_read_event(rev, 0);
}


/* Other offers are for other workers. */

static void
ngx_pimap_handover_receiver_offer(ngx_pimap_handover_ipc_head_t *head,
    ngx_socket_t fd)
{
    ngx_core_conf_t            *ccf;
    ngx_pimap_handover_from_t  *from;

    from = NULL;

    if (head->kind == NGX_PIMAP_HANDOVER_IPC_OFFER && !ngx_exiting
        && ngx_pimap_handover_socket_takes(head->number))
    {
        from = ngx_calloc(sizeof(ngx_pimap_handover_from_t), ngx_cycle->log);
    }

    if (from == NULL) {
        (void) ngx_close_socket(fd);
        return;
    }

    from->worker = head->worker;
    from->connection = ngx_pimap_handover_ipc_open(fd,
                                    ngx_pimap_handover_receiver_read_handler,
                                    ngx_pimap_handover_receiver_write_handler,
                                    from);
    if (from->connection == NULL) {
        ngx_free(from);
        return;
    }

    ngx_queue_insert_tail(&ngx_pimap_handover_receiver_froms, &from->link);

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    if (ngx_pimap_handover_ipc_accept(fd, ccf->worker_processes,
                                      ngx_pimap_handover_receiver_ready(),
                                      ngx_pimap_handover_receiver_room(from))
        != NGX_OK)
    {
        ngx_pimap_handover_receiver_drop(from);
    }
}


/*
 * Devices that this worker may send besides.  When there is little room, each
 * one gets a half of it, so that others get some, too.
 */

static ngx_uint_t
ngx_pimap_handover_receiver_room(ngx_pimap_handover_from_t *from)
{
    ngx_int_t  n;

    n = (ngx_pimap_spare_room() + 1) / 2;
    n = ngx_min(n, NGX_PIMAP_HANDOVER_RECEIVER_ROOM - (ngx_int_t) from->room);

    if (n <= 0) {
        return 0;
    }

    from->room += n;
    ngx_pimap_spare_promise(n);

    return n;
}


static void
ngx_pimap_handover_receiver_read_handler(ngx_event_t *rev)
{
    ngx_int_t                       rc;
    ngx_str_t                       data;
    ngx_uint_t                      n;
    ngx_socket_t                    fd;
    ngx_connection_t               *c;
    ngx_pimap_handover_from_t      *from;
    ngx_pimap_handover_ipc_head_t   head;

    c = rev->data;
    from = c->data;

    rc = c->close ? NGX_ERROR : NGX_OK;

    for (n = 0; rc == NGX_OK && n < NGX_PIMAP_HANDOVER_RECEIVER_READS; n++) {
        rc = ngx_pimap_handover_ipc_receive(c->fd, &head, &data, &fd);

        if (rc == NGX_OK) {
            rc = ngx_pimap_handover_receiver_message(from, &head, &data, fd);
        }
    }

    if (rc == NGX_OK) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (rc != NGX_AGAIN || ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_pimap_handover_receiver_drop(from);
    }
}


/* Answers are short, and fewer than the socket has room for. */

static void
ngx_pimap_handover_receiver_write_handler(ngx_event_t *wev)
{
}


static ngx_int_t
ngx_pimap_handover_receiver_message(ngx_pimap_handover_from_t *from,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t fd)
{
    ngx_pimap_handover_incoming_t  *in;

    in = ngx_pimap_handover_incoming_find(head->number);

    if (head->version == NGX_PIMAP_HANDOVER_IPC_VERSION
        && (in == NULL || in->sender == from))
    {
        if (head->kind == NGX_PIMAP_HANDOVER_IPC_DEVICE && in
            && fd != (ngx_socket_t) -1)
        {
            if (from->room) {
                from->room--;
                ngx_pimap_spare_promise(-1);
            }

            ngx_pimap_handover_incoming_device(in, data, fd);
            return NGX_OK;
        }

        if (head->kind == NGX_PIMAP_HANDOVER_IPC_END && in
            && fd == (ngx_socket_t) -1)
        {
            return ngx_pimap_handover_receiver_end(from, in);
        }

        if (head->kind == NGX_PIMAP_HANDOVER_IPC_ACCOUNT && in == NULL
            && fd == (ngx_socket_t) -1)
        {
            ngx_pimap_handover_dbg("incoming", from->worker, data, 0);

            return ngx_pimap_handover_incoming_create(from, head->number,
                                                      data);
        }
    }

    if (fd != (ngx_socket_t) -1) {
        (void) ngx_close_socket(fd);
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "pimap takes no more devices of old worker %ui: its message "
                  "%ui is invalid", from->worker, (ngx_uint_t) head->kind);

    return NGX_ERROR;
}


/* From here on a device that is lost would be lost in this worker. */

static ngx_int_t
ngx_pimap_handover_receiver_end(ngx_pimap_handover_from_t *from,
    ngx_pimap_handover_incoming_t *in)
{
    uint64_t  token;

    ngx_pimap_handover_dbg("received", from->worker, &in->account->sub.sn.str,
                           in->devices);

    token = in->token;

    ngx_pimap_handover_incoming_end(in);

    return ngx_pimap_handover_ipc_done(from->connection->fd, token,
                                       ngx_pimap_handover_receiver_room(from))
           == NGX_OK ? NGX_OK : NGX_ERROR;
}


static void
ngx_pimap_handover_receiver_drop(ngx_pimap_handover_from_t *from)
{
    ngx_pimap_handover_incoming_forget(from);
    ngx_pimap_spare_promise(- (ngx_int_t) from->room);

    ngx_queue_remove(&from->link);
    ngx_pimap_socket_close(from->connection);
    ngx_free(from);
}
