
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Conversations with workers that leave.
 */


#include "ngx_pimap_handover_receiver.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_handover_incoming.h"
#include "ngx_pimap_handover_socket.h"
#include "ngx_pimap_socket.h"
#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_handover_ipc.h"


#define NGX_PIMAP_HANDOVER_RECEIVER_TURN      64     /* messages, then others' turn */
#define NGX_PIMAP_HANDOVER_RECEIVER_TICK      5      /* msec */
#define NGX_PIMAP_HANDOVER_RECEIVER_PATIENCE  2000   /* msec, until Redis is there */


/* A worker that leaves. */
typedef struct {
    ngx_queue_t           link;
    ngx_connection_t     *connection;
} ngx_pimap_giver_t;


static void ngx_pimap_handover_receiver_open_handler(ngx_event_t *ev);
static ngx_uint_t ngx_pimap_handover_receiver_ready(void);
static void ngx_pimap_handover_receiver_hello_handler(ngx_event_t *rev);
static void ngx_pimap_handover_receiver_hello(ngx_pimap_handover_ipc_head_t *head, ngx_socket_t fd);
static void ngx_pimap_handover_receiver_read_handler(ngx_event_t *rev);
static void ngx_pimap_handover_receiver_nothing(ngx_event_t *wev);
static ngx_int_t ngx_pimap_handover_receiver_message(ngx_pimap_giver_t *giver,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t fd);
static void ngx_pimap_handover_receiver_drop(ngx_pimap_giver_t *giver);


static ngx_queue_t        ngx_pimap_handover_receiver_givers;
static ngx_connection_t  *ngx_pimap_handover_receiver_door;
static ngx_event_t        ngx_pimap_handover_receiver_event;
static ngx_msec_t         ngx_pimap_handover_receiver_began;


ngx_int_t
ngx_pimap_handover_receiver_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_handover_receiver_givers);

    if (ngx_pimap_handover_socket_reader() == (ngx_socket_t) -1) {
        return NGX_OK;
    }

    ngx_pimap_timer_init(&ngx_pimap_handover_receiver_event,
                         ngx_pimap_handover_receiver_open_handler,
                         cycle->log, 1);

    ngx_pimap_handover_receiver_began = ngx_current_msec;

    ngx_add_timer(&ngx_pimap_handover_receiver_event,
                  NGX_PIMAP_HANDOVER_RECEIVER_TICK);

    return NGX_OK;
}


/* Before Redis is there we could not tell when events begin to be ours. */

static void
ngx_pimap_handover_receiver_open_handler(ngx_event_t *ev)
{
    if (!ngx_pimap_handover_receiver_ready()
        && ngx_current_msec - ngx_pimap_handover_receiver_began < NGX_PIMAP_HANDOVER_RECEIVER_PATIENCE)
    {
        ngx_add_timer(ev, NGX_PIMAP_HANDOVER_RECEIVER_TICK);
        return;
    }

    ngx_pimap_handover_receiver_door = ngx_pimap_handover_ipc_open(ngx_pimap_handover_socket_reader(),
                                              ngx_pimap_handover_receiver_hello_handler,
                                              ngx_pimap_handover_receiver_nothing, NULL);

    if (ngx_pimap_handover_receiver_door == NULL) {
        ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                      "pimap can't take over devices");
    }
}


static ngx_uint_t
ngx_pimap_handover_receiver_ready(void)
{
    return ngx_pimap_command_ready() && ngx_pimap_subscriber_listening();
}


void
ngx_pimap_handover_receiver_exit_process(void)
{
    ngx_queue_t  *q;

    ngx_pimap_handover_receiver_stop();

    while (!ngx_queue_empty(&ngx_pimap_handover_receiver_givers)) {
        q = ngx_queue_head(&ngx_pimap_handover_receiver_givers);
        ngx_pimap_handover_receiver_drop(ngx_queue_data(q, ngx_pimap_giver_t,
                                                        link));
    }
}


void
ngx_pimap_handover_receiver_stop(void)
{
    ngx_queue_t            *q;
    ngx_pimap_giver_t      *giver;
    ngx_pimap_handover_ipc_head_t   head;

    if (ngx_pimap_handover_receiver_event.timer_set) {
        ngx_del_timer(&ngx_pimap_handover_receiver_event);
    }

    if (ngx_pimap_handover_receiver_door == NULL) {
        return;
    }

    ngx_pimap_socket_close(ngx_pimap_handover_receiver_door);
    ngx_pimap_handover_receiver_door = NULL;

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_CLOSE;

    for (q = ngx_queue_head(&ngx_pimap_handover_receiver_givers);
         q != ngx_queue_sentinel(&ngx_pimap_handover_receiver_givers);
         q = ngx_queue_next(q))
    {
        giver = ngx_queue_data(q, ngx_pimap_giver_t, link);

        (void) ngx_pimap_handover_ipc_send(giver->connection->fd, &head, NULL,
                                           0, -1);
    }
}


ngx_uint_t
ngx_pimap_handover_receiver_busy(void)
{
    return !ngx_queue_empty(&ngx_pimap_handover_receiver_givers) || ngx_pimap_handover_incoming_busy();
}


static void
ngx_pimap_handover_receiver_hello_handler(ngx_event_t *rev)
{
    ngx_int_t               rc;
    ngx_str_t               data;
    ngx_socket_t            fd;
    ngx_connection_t       *c;
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
                          "pimap can't take over devices");
            return;
        }

        if (fd != (ngx_socket_t) -1) {
            ngx_pimap_handover_receiver_hello(&head, fd);
        }
    }

    (void) ngx_handle_read_event(rev, 0);
}


/* Who is of our own generation, or a later one, has to ask somebody else. */

static void
ngx_pimap_handover_receiver_hello(ngx_pimap_handover_ipc_head_t *head,
    ngx_socket_t fd)
{
    ngx_core_conf_t    *ccf;
    ngx_pimap_giver_t  *giver;

    if (head->kind != NGX_PIMAP_HANDOVER_IPC_OFFER || ngx_exiting
        || head->number >= ngx_pimap_handover_socket_generation())
    {
        (void) ngx_close_socket(fd);
        return;
    }

    giver = ngx_calloc(sizeof(ngx_pimap_giver_t), ngx_cycle->log);
    if (giver == NULL) {
        (void) ngx_close_socket(fd);
        return;
    }

    giver->connection = ngx_pimap_handover_ipc_open(fd,
                                                    ngx_pimap_handover_receiver_read_handler,
                                            ngx_pimap_handover_receiver_nothing, giver);
    if (giver->connection == NULL) {
        ngx_free(giver);
        return;
    }

    ngx_queue_insert_tail(&ngx_pimap_handover_receiver_givers, &giver->link);

    ccf = (ngx_core_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                           ngx_core_module);

    ngx_memzero(head, sizeof(ngx_pimap_handover_ipc_head_t));

    head->kind = NGX_PIMAP_HANDOVER_IPC_ACCEPT;
    head->workers = (uint32_t) ccf->worker_processes;
    head->worker = (uint32_t) ngx_worker;
    head->up = (uint16_t) ngx_pimap_handover_receiver_ready();

    if (ngx_pimap_handover_ipc_send(fd, head, NULL, 0, -1) != NGX_OK) {
        ngx_pimap_handover_receiver_drop(giver);
    }
}


static void
ngx_pimap_handover_receiver_read_handler(ngx_event_t *rev)
{
    ngx_int_t               rc;
    ngx_str_t               data;
    ngx_uint_t              n;
    ngx_socket_t            fd;
    ngx_connection_t       *c;
    ngx_pimap_giver_t      *giver;
    ngx_pimap_handover_ipc_head_t   head;

    c = rev->data;
    giver = c->data;

    if (c->close) {
        ngx_pimap_handover_receiver_drop(giver);
        return;
    }

    for (n = 0; n < NGX_PIMAP_HANDOVER_RECEIVER_TURN; n++) {
        rc = ngx_pimap_handover_ipc_receive(c->fd, &head, &data, &fd);

        if (rc == NGX_AGAIN) {
            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_pimap_handover_receiver_drop(giver);
            }

            return;
        }

        if (rc == NGX_OK) {
            rc = ngx_pimap_handover_receiver_message(giver, &head, &data, fd);
        }

        if (rc != NGX_OK) {
            ngx_pimap_handover_receiver_drop(giver);
            return;
        }
    }

    ngx_post_event(rev, &ngx_posted_events);
}


/* We say little, and only where there is room. */

static void
ngx_pimap_handover_receiver_nothing(ngx_event_t *wev)
{
}


static ngx_int_t
ngx_pimap_handover_receiver_message(ngx_pimap_giver_t *giver,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t fd)
{
    ngx_pimap_handover_incoming_t  *guest;

    guest = ngx_pimap_handover_incoming_find(head->number);

    if (head->version == NGX_PIMAP_HANDOVER_IPC_VERSION
        && (guest == NULL || guest->giver == giver))
    {

        if (head->kind == NGX_PIMAP_HANDOVER_IPC_DEVICE && guest
            && fd != (ngx_socket_t) -1)
        {
            ngx_pimap_handover_incoming_device(guest, data, fd);
            return NGX_OK;
        }

        if (head->kind == NGX_PIMAP_HANDOVER_IPC_END && guest
            && fd == (ngx_socket_t) -1)
        {
            ngx_pimap_handover_incoming_end(guest);
            return NGX_OK;
        }

        if (head->kind == NGX_PIMAP_HANDOVER_IPC_ACCOUNT && guest == NULL
            && fd == (ngx_socket_t) -1)
        {
            return ngx_pimap_handover_incoming_create(giver, head->number,
                                                      data);
        }
    }

    if (fd != (ngx_socket_t) -1) {
        (void) ngx_close_socket(fd);
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "pimap got a message that it does not understand from a "
                  "worker that leaves");

    return NGX_ERROR;
}


static void
ngx_pimap_handover_receiver_drop(ngx_pimap_giver_t *giver)
{
    ngx_pimap_handover_incoming_forget(giver);

    ngx_queue_remove(&giver->link);
    ngx_pimap_socket_close(giver->connection);
    ngx_free(giver);
}
