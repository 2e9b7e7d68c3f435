
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An offer at the hand-over socket is read by whichever worker comes first.
 * So offers are made one after the other, until each newer worker has
 * accepted one.
 */


#include "ngx_pimap_handover_peer.h"
#include "ngx_pimap_handover.h"
#include "ngx_pimap_socket.h"


#define NGX_PIMAP_HANDOVER_PEER_SEARCH    5000      /* msec */
#define NGX_PIMAP_HANDOVER_PEER_TOGETHER  1500      /* msec, to have all */
#define NGX_PIMAP_HANDOVER_PEER_WINDOW    64        /* transfers to one peer */
#define NGX_PIMAP_HANDOVER_PEER_AHEAD     16        /* of the last, and this */
#define NGX_PIMAP_HANDOVER_PEER_PART      8         /* part of what it has */


static void ngx_pimap_handover_peer_offer(void);
static void ngx_pimap_handover_peer_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_pimap_handover_peer_message(
    ngx_pimap_handover_peer_t *peer, ngx_pimap_handover_ipc_head_t *head);
static ngx_int_t ngx_pimap_handover_peer_accepted(
    ngx_pimap_handover_peer_t *peer, ngx_pimap_handover_ipc_head_t *head);
static void ngx_pimap_handover_peer_write_handler(ngx_event_t *wev);


static ngx_queue_t   ngx_pimap_handover_peers;
static ngx_uint_t    ngx_pimap_handover_peer_workers;   /* 0: unknown */
static ngx_uint_t    ngx_pimap_handover_peer_found;
static ngx_msec_t    ngx_pimap_handover_peer_began;
static ngx_msec_t    ngx_pimap_handover_peer_until;

static const ngx_pimap_handover_peer_ops_t  *ngx_pimap_handover_peer_ops;


ngx_int_t
ngx_pimap_handover_peer_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_handover_peers);

    return NGX_OK;
}


void
ngx_pimap_handover_peer_exit_process(void)
{
    ngx_pimap_handover_peer_t  *peer;

    while ((peer = ngx_pimap_handover_peer_next(NULL))) {
        ngx_pimap_handover_peer_drop(peer);
    }
}


void
ngx_pimap_handover_peer_begin(const ngx_pimap_handover_peer_ops_t *ops)
{
    ngx_pimap_handover_peer_ops = ops;
    ngx_pimap_handover_peer_began = ngx_current_msec;
    ngx_pimap_handover_peer_until = ngx_current_msec
                                    + NGX_PIMAP_HANDOVER_PEER_SEARCH;
}


ngx_uint_t
ngx_pimap_handover_peer_searching(void)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (ngx_pimap_handover_peer_until - ngx_current_msec);

    return left > 0
           && ngx_pimap_handover_socket_takers()
           && (ngx_pimap_handover_peer_workers == 0
               || ngx_pimap_handover_peer_found
                  < ngx_pimap_handover_peer_workers);
}


void
ngx_pimap_handover_peer_search(void)
{
    ngx_pimap_handover_peer_t  *peer, *next;

    for (peer = ngx_pimap_handover_peer_next(NULL); peer; peer = next) {
        next = ngx_pimap_handover_peer_next(peer);

        if (peer->accepted) {
            continue;
        }

        if (ngx_current_msec - peer->offered
            <= NGX_PIMAP_HANDOVER_PEER_SEARCH)
        {
            return;
        }

        ngx_pimap_handover_peer_drop(peer);
    }

    if (ngx_pimap_handover_peer_searching()) {
        ngx_pimap_handover_peer_offer();
    }
}


static void
ngx_pimap_handover_peer_offer(void)
{
    ngx_int_t                   rc;
    ngx_socket_t                s[2];
    ngx_pimap_handover_peer_t  *peer;

    if (ngx_pimap_handover_ipc_pair(s, 0, ngx_cycle->log) != NGX_OK) {
        return;
    }

    rc = ngx_pimap_handover_ipc_send(ngx_pimap_handover_socket_writer(),
                                     NGX_PIMAP_HANDOVER_IPC_OFFER,
                                     ngx_pimap_handover_socket_generation(),
                                     NULL, s[1]);
    (void) ngx_close_socket(s[1]);

    peer = (rc == NGX_OK) ? ngx_calloc(sizeof(ngx_pimap_handover_peer_t),
                                       ngx_cycle->log)
                          : NULL;

    if (peer == NULL) {
        (void) ngx_close_socket(s[0]);
        return;
    }

    peer->connection = ngx_pimap_handover_ipc_open(s[0],
                                       ngx_pimap_handover_peer_read_handler,
                                       ngx_pimap_handover_peer_write_handler,
                                       peer);
    if (peer->connection == NULL) {
        ngx_free(peer);
        return;
    }

    peer->offered = ngx_current_msec;

    ngx_queue_init(&peer->transfers);
    ngx_queue_insert_tail(&ngx_pimap_handover_peers, &peer->link);
}


static void
ngx_pimap_handover_peer_read_handler(ngx_event_t *rev)
{
    ngx_int_t                       rc;
    ngx_str_t                       data;
    ngx_socket_t                    fd;
    ngx_connection_t               *c;
    ngx_pimap_handover_peer_t      *peer;
    ngx_pimap_handover_ipc_head_t   head;

    c = rev->data;
    peer = c->data;

    rc = c->close ? NGX_ERROR : NGX_OK;

    while (rc == NGX_OK) {
        rc = ngx_pimap_handover_ipc_receive(c->fd, &head, &data, &fd);

        if (rc != NGX_OK) {
            break;
        }

        if (fd != (ngx_socket_t) -1) {
            (void) ngx_close_socket(fd);
        }

        rc = ngx_pimap_handover_peer_message(peer, &head);
    }

    if (rc != NGX_AGAIN || ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_pimap_handover_peer_drop(peer);
        return;
    }

    ngx_pimap_handover_peer_search();
    ngx_pimap_handover_peer_ops->room();
}


/* NGX_OK, or any other result if the peer is to be dropped. */

static ngx_int_t
ngx_pimap_handover_peer_message(ngx_pimap_handover_peer_t *peer,
    ngx_pimap_handover_ipc_head_t *head)
{
    switch (head->kind) {

    case NGX_PIMAP_HANDOVER_IPC_ACCEPT:
        return ngx_pimap_handover_peer_accepted(peer, head);

    case NGX_PIMAP_HANDOVER_IPC_DONE:
        peer->room += head->workers;
        ngx_pimap_handover_peer_ops->done(peer, head->number);
        break;

    case NGX_PIMAP_HANDOVER_IPC_CLOSE:
        peer->closing = 1;
        ngx_pimap_handover_peer_ops->closing(peer);
        break;

    default:
        return NGX_ERROR;
    }

    return peer->closing && peer->ntransfers == 0 ? NGX_DONE : NGX_OK;
}


/* NGX_DONE: there is a conversation with this worker already. */

static ngx_int_t
ngx_pimap_handover_peer_accepted(ngx_pimap_handover_peer_t *peer,
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

    for (other = ngx_pimap_handover_peer_next(NULL); other;
         other = ngx_pimap_handover_peer_next(other))
    {
        if (other->accepted && other->worker == head->worker) {
            return NGX_DONE;
        }
    }

    peer->accepted = 1;
    peer->worker = head->worker;
    peer->late = (head->redis == 0);
    peer->limited = (head->number != 0);
    peer->room = head->number ? head->number - 1 : 0;

    ngx_pimap_handover_peer_found++;

    return NGX_OK;
}


static void
ngx_pimap_handover_peer_write_handler(ngx_event_t *wev)
{
    ngx_connection_t           *c;
    ngx_pimap_handover_peer_t  *peer;

    c = wev->data;
    peer = c->data;

    if (peer->full && ngx_pimap_handover_peer_retry(peer) == NGX_OK) {
        ngx_pimap_handover_peer_ops->room();
    }
}


ngx_int_t
ngx_pimap_handover_peer_retry(ngx_pimap_handover_peer_t *peer)
{
    peer->full = 0;

    if (ngx_pimap_handover_peer_ops->writable(peer) == NGX_ERROR) {
        ngx_pimap_handover_peer_drop(peer);
        return NGX_DONE;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_handover_peer_send(ngx_pimap_handover_peer_t *peer, ngx_uint_t kind,
    uint64_t token, ngx_str_t *data, ngx_socket_t fd)
{
    ngx_int_t     rc;
    ngx_event_t  *wev;

    rc = ngx_pimap_handover_ipc_send(peer->connection->fd, kind, token, data,
                                     fd);

    if (rc != NGX_AGAIN) {
        return rc;
    }

    wev = peer->connection->write;

    peer->full = 1;
    wev->ready = 0;

    return ngx_handle_write_event(wev, 0) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


ngx_pimap_handover_peer_t *
ngx_pimap_handover_peer_best(void)
{
    ngx_uint_t                  n, least, most;
    ngx_pimap_handover_peer_t  *peer, *best;

    best = NULL;
    least = NGX_MAX_UINT32_VALUE;
    most = NGX_MAX_UINT32_VALUE;

    /* the first one that is found must not get everything */

    if (ngx_pimap_handover_peer_searching()
        && ngx_current_msec - ngx_pimap_handover_peer_began
           < NGX_PIMAP_HANDOVER_PEER_TOGETHER)
    {
        return NULL;
    }

    for (peer = ngx_pimap_handover_peer_next(NULL); peer;
         peer = ngx_pimap_handover_peer_next(peer))
    {
        if (!peer->accepted || peer->closing) {
            continue;
        }

        if (peer->ntransfers == 0 && ngx_pimap_handover_peer_crowded(peer)) {
            continue;
        }

        n = peer->sent + peer->ntransfers;
        least = ngx_min(least, n);

        if (!peer->full && !ngx_pimap_handover_peer_crowded(peer) && n < most
            && peer->ntransfers < NGX_PIMAP_HANDOVER_PEER_WINDOW)
        {
            best = peer;
            most = n;
        }
    }

    /* a slow one is waited for, so that all get their share */

    most -= ngx_min(most, NGX_PIMAP_HANDOVER_PEER_AHEAD);

    return most <= least + least / NGX_PIMAP_HANDOVER_PEER_PART ? best : NULL;
}


ngx_uint_t
ngx_pimap_handover_peer_crowded(ngx_pimap_handover_peer_t *peer)
{
    return peer->limited && peer->room <= peer->ntransfers;
}


ngx_pimap_handover_peer_t *
ngx_pimap_handover_peer_next(ngx_pimap_handover_peer_t *peer)
{
    ngx_queue_t  *q;

    q = ngx_queue_next(peer ? &peer->link : &ngx_pimap_handover_peers);

    return q == ngx_queue_sentinel(&ngx_pimap_handover_peers)
           ? NULL : ngx_queue_data(q, ngx_pimap_handover_peer_t, link);
}


/* The peer reads what it was sent before it sees the end. */

void
ngx_pimap_handover_peer_drop(ngx_pimap_handover_peer_t *peer)
{
    ngx_pimap_handover_peer_ops->gone(peer);

    /* another one is looked for in its place */

    if (peer->accepted) {
        ngx_pimap_handover_peer_found--;
        ngx_pimap_handover_peer_until = ngx_current_msec
                                        + NGX_PIMAP_HANDOVER_PEER_SEARCH;
    }

    ngx_queue_remove(&peer->link);
    ngx_pimap_socket_close(peer->connection);
    ngx_free(peer);
}
