
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Questions at the rendezvous are answered by whoever comes first.  So one is
 * asked after the other, until each worker of the new generation has answered
 * once.
 */


#include "ngx_pimap_handover_peer.h"
#include "ngx_pimap_handover_sender.h"
#include "ngx_pimap_handover_socket.h"
#include "ngx_pimap_socket.h"


#define NGX_PIMAP_HANDOVER_PEER_SEARCH    5000      /* msec */
#define NGX_PIMAP_HANDOVER_PEER_TOGETHER  1500      /* msec, to have all of them */
#define NGX_PIMAP_HANDOVER_PEER_WINDOW    64        /* gifts under way to one */
#define NGX_PIMAP_HANDOVER_PEER_AHEAD     128       /* of the one that has least */


static ngx_int_t ngx_pimap_handover_peer_hello(void);
static void ngx_pimap_handover_peer_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_pimap_handover_peer_here(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_handover_ipc_head_t *head);
static void ngx_pimap_handover_peer_write_handler(ngx_event_t *wev);


static ngx_queue_t   ngx_pimap_takers;
static ngx_uint_t    ngx_pimap_handover_peer_workers;   /* to be found; 0: unknown */
static ngx_uint_t    ngx_pimap_handover_peer_found;
static ngx_msec_t    ngx_pimap_handover_peer_began;
static ngx_msec_t    ngx_pimap_handover_peer_until;


ngx_int_t
ngx_pimap_handover_peer_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_takers);

    return NGX_OK;
}


void
ngx_pimap_handover_peer_exit_process(void)
{
    ngx_pimap_handover_peer_t  *taker;

    while ((taker = ngx_pimap_handover_peer_first())) {
        ngx_pimap_handover_peer_drop(taker);
    }
}


void
ngx_pimap_handover_peer_begin(void)
{
    ngx_pimap_handover_peer_began = ngx_current_msec;
    ngx_pimap_handover_peer_until = ngx_current_msec + NGX_PIMAP_HANDOVER_PEER_SEARCH;
}


ngx_uint_t
ngx_pimap_handover_peer_searching(void)
{
    return (ngx_msec_int_t) (ngx_pimap_handover_peer_until - ngx_current_msec) > 0
           && (ngx_pimap_handover_peer_workers == 0
               || ngx_pimap_handover_peer_found < ngx_pimap_handover_peer_workers);
}


void
ngx_pimap_handover_peer_search(void)
{
    ngx_pimap_handover_peer_t  *taker, *next;

    for (taker = ngx_pimap_handover_peer_first(); taker; taker = next) {
        next = ngx_pimap_handover_peer_next(taker);

        if (taker->here) {
            continue;
        }

        if (ngx_current_msec - taker->asked <= NGX_PIMAP_HANDOVER_PEER_SEARCH) {
            return;
        }

        ngx_pimap_handover_peer_drop(taker);
    }

    if (ngx_pimap_handover_peer_searching()) {
        (void) ngx_pimap_handover_peer_hello();
    }
}


static ngx_int_t
ngx_pimap_handover_peer_hello(void)
{
    ngx_int_t               rc;
    ngx_socket_t            s[2];
    ngx_pimap_handover_peer_t      *taker;
    ngx_pimap_handover_ipc_head_t   head;

    if (ngx_pimap_handover_ipc_pair(s, 0, ngx_cycle->log) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_OFFER;
    head.number = ngx_pimap_handover_socket_generation();

    rc = ngx_pimap_handover_ipc_send(ngx_pimap_handover_socket_writer(), &head,
                                     NULL, 0,
                             s[1]);

    (void) ngx_close_socket(s[1]);

    taker = (rc == NGX_OK) ? ngx_calloc(sizeof(ngx_pimap_handover_peer_t),
                                        ngx_cycle->log)
                           : NULL;

    if (taker == NULL) {
        (void) ngx_close_socket(s[0]);
        return NGX_ERROR;
    }

    taker->connection = ngx_pimap_handover_ipc_open(s[0],
                                                    ngx_pimap_handover_peer_read_handler,
                                            ngx_pimap_handover_peer_write_handler,
                                            taker);
    if (taker->connection == NULL) {
        ngx_free(taker);
        return NGX_ERROR;
    }

    taker->asked = ngx_current_msec;

    ngx_queue_init(&taker->gifts);
    ngx_queue_insert_tail(&ngx_pimap_takers, &taker->link);

    return NGX_OK;
}


static void
ngx_pimap_handover_peer_read_handler(ngx_event_t *rev)
{
    ngx_int_t               rc;
    ngx_str_t               data;
    ngx_socket_t            fd;
    ngx_connection_t       *c;
    ngx_pimap_handover_peer_t      *taker;
    ngx_pimap_handover_ipc_head_t   head;

    c = rev->data;
    taker = c->data;

    rc = c->close ? NGX_ERROR : NGX_OK;

    while (rc == NGX_OK) {
        rc = ngx_pimap_handover_ipc_receive(c->fd, &head, &data, &fd);

        if (rc != NGX_OK) {
            break;
        }

        if (fd != (ngx_socket_t) -1) {
            (void) ngx_close_socket(fd);
        }

        /* or NGX_PIMAP_HANDOVER_IPC_CLOSE: it leaves itself */

        rc = head.kind == NGX_PIMAP_HANDOVER_IPC_ACCEPT
             ? ngx_pimap_handover_peer_here(taker, &head) : NGX_DONE;
    }

    if (rc != NGX_AGAIN || ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_pimap_handover_peer_drop(taker);
        return;
    }

    ngx_pimap_handover_peer_search();
    ngx_pimap_handover_sender_pump();
}


/* NGX_DONE: we speak with this one already. */

static ngx_int_t
ngx_pimap_handover_peer_here(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_handover_ipc_head_t *head)
{
    ngx_pimap_handover_peer_t  *other;

    if (head->version != NGX_PIMAP_HANDOVER_IPC_VERSION) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "pimap of another version runs in the new workers: "
                      "devices are not handed over to them");

        ngx_pimap_handover_peer_until = ngx_current_msec;
        return NGX_ERROR;
    }

    ngx_pimap_handover_peer_workers = head->workers;

    for (other = ngx_pimap_handover_peer_first(); other;
         other = ngx_pimap_handover_peer_next(other))
    {
        if (other->here && other->worker == head->worker) {
            return NGX_DONE;
        }
    }

    taker->here = 1;
    taker->worker = head->worker;
    taker->up = (head->up != 0);

    ngx_pimap_handover_peer_found++;

    return NGX_OK;
}


static void
ngx_pimap_handover_peer_write_handler(ngx_event_t *wev)
{
    ngx_connection_t   *c;
    ngx_pimap_handover_peer_t  *taker;

    c = wev->data;
    taker = c->data;

    if (taker->full && ngx_pimap_handover_peer_retry(taker) == NGX_OK) {
        ngx_pimap_handover_sender_pump();
    }
}


ngx_int_t
ngx_pimap_handover_peer_retry(ngx_pimap_handover_peer_t *taker)
{
    taker->full = 0;

    if (ngx_pimap_handover_sender_ends(taker) == NGX_ERROR) {
        ngx_pimap_handover_peer_drop(taker);
        return NGX_DONE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_handover_peer_say(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_handover_ipc_head_t *head, u_char *data, size_t len, ngx_socket_t fd)
{
    ngx_int_t     rc;
    ngx_event_t  *wev;

    rc = ngx_pimap_handover_ipc_send(taker->connection->fd, head, data, len,
                                     fd);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    wev = taker->connection->write;

    taker->full = 1;
    wev->ready = 0;

    return ngx_handle_write_event(wev, 0) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


ngx_pimap_handover_peer_t *
ngx_pimap_handover_peer_best(void)
{
    ngx_uint_t          n, least;
    ngx_pimap_handover_peer_t  *taker, *best;

    best = NULL;
    least = NGX_MAX_UINT32_VALUE;

    /* the first one that is found does not get everything */

    if (ngx_pimap_handover_peer_searching()
        && ngx_current_msec - ngx_pimap_handover_peer_began < NGX_PIMAP_HANDOVER_PEER_TOGETHER)
    {
        return NULL;
    }

    for (taker = ngx_pimap_handover_peer_first(); taker;
         taker = ngx_pimap_handover_peer_next(taker))
    {
        if (!taker->here) {
            continue;
        }

        n = taker->given + taker->ngifts;
        least = ngx_min(least, n);

        if (!taker->full && taker->ngifts < NGX_PIMAP_HANDOVER_PEER_WINDOW
            && (best == NULL || n < best->given + best->ngifts))
        {
            best = taker;
        }
    }

    /* a slow one is waited for, so that all get their share */

    if (best
        && best->given + best->ngifts > least + NGX_PIMAP_HANDOVER_PEER_AHEAD) {
        return NULL;
    }

    return best;
}


ngx_pimap_handover_peer_t *
ngx_pimap_handover_peer_first(void)
{
    return ngx_queue_empty(&ngx_pimap_takers)
           ? NULL : ngx_queue_data(ngx_queue_head(&ngx_pimap_takers),
                                   ngx_pimap_handover_peer_t, link);
}


ngx_pimap_handover_peer_t *
ngx_pimap_handover_peer_next(ngx_pimap_handover_peer_t *taker)
{
    ngx_queue_t  *q;

    q = ngx_queue_next(&taker->link);

    return q == ngx_queue_sentinel(&ngx_pimap_takers)
           ? NULL : ngx_queue_data(q, ngx_pimap_handover_peer_t, link);
}


/* What has been said to it will be heard before the end is. */

void
ngx_pimap_handover_peer_drop(ngx_pimap_handover_peer_t *taker)
{
    ngx_pimap_handover_sender_back(taker);

    /* another one is looked for in its place */

    if (taker->here) {
        ngx_pimap_handover_peer_found--;
        ngx_pimap_handover_peer_until = ngx_current_msec + NGX_PIMAP_HANDOVER_PEER_SEARCH;
    }

    ngx_queue_remove(&taker->link);
    ngx_pimap_socket_close(taker->connection);
    ngx_free(taker);
}
