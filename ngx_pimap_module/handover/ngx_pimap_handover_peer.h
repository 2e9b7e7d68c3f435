
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the peers of a worker that quits: the newer workers, with one
 * conversation each.  Called by the sender, to which it reports by "ops".
 */


#ifndef _NGX_PIMAP_HANDOVER_PEER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_PEER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_handover_ipc.h"


typedef struct {
    ngx_queue_t          link;
    ngx_queue_t          transfers;
    ngx_connection_t    *connection;
    ngx_uint_t           worker;            /* its number */
    ngx_uint_t           ntransfers;
    ngx_uint_t           sent;              /* devices */
    ngx_uint_t           room;              /* devices that it may be sent */
    ngx_msec_t           offered;

    unsigned             accepted:1;
    unsigned             late:1;            /* its markers do not come */
    unsigned             full:1;            /* until its socket has room */
    unsigned             closing:1;         /* it quits itself */
    unsigned             limited:1;         /* it has told its "room" */
} ngx_pimap_handover_peer_t;


typedef struct {
    /* Some peer may take more accounts. */
    void       (*room)(void);

    /* The peer's socket may have room.  NGX_ERROR: drop the peer. */
    ngx_int_t  (*writable)(ngx_pimap_handover_peer_t *peer);

    /* The peer has received all devices of a transfer. */
    void       (*done)(ngx_pimap_handover_peer_t *peer, uint64_t token);

    /* The peer takes no more accounts, only devices that are sent. */
    void       (*closing)(ngx_pimap_handover_peer_t *peer);

    /* The peer is lost, its transfers have to be taken off it. */
    void       (*gone)(ngx_pimap_handover_peer_t *peer);
} ngx_pimap_handover_peer_ops_t;


ngx_int_t ngx_pimap_handover_peer_init_process(ngx_cycle_t *cycle);
void ngx_pimap_handover_peer_exit_process(void);

/* Begins to look for peers; the next step of that; true while it goes on. */
void ngx_pimap_handover_peer_begin(const ngx_pimap_handover_peer_ops_t *ops);
void ngx_pimap_handover_peer_search(void);
ngx_uint_t ngx_pimap_handover_peer_searching(void);

/* The peer with the fewest devices that has room; NULL: none has. */
ngx_pimap_handover_peer_t *ngx_pimap_handover_peer_best(void);

/* True if it takes no more devices, or none before others have arrived. */
ngx_uint_t ngx_pimap_handover_peer_crowded(ngx_pimap_handover_peer_t *peer);

/* The first one, or the one after "peer"; or NULL. */
ngx_pimap_handover_peer_t *ngx_pimap_handover_peer_next(
    ngx_pimap_handover_peer_t *peer);

/*
 * Sends a message: NGX_OK; NGX_AGAIN: there is no room, writable() will be
 * called; NGX_DECLINED: it is too long; NGX_ERROR: drop the peer.
 */
ngx_int_t ngx_pimap_handover_peer_send(ngx_pimap_handover_peer_t *peer,
    ngx_uint_t kind, uint64_t token, ngx_str_t *data, ngx_socket_t fd);

/* Tries again to write.  NGX_DONE: the peer has been dropped. */
ngx_int_t ngx_pimap_handover_peer_retry(ngx_pimap_handover_peer_t *peer);

void ngx_pimap_handover_peer_drop(ngx_pimap_handover_peer_t *peer);


#endif /* _NGX_PIMAP_HANDOVER_PEER_H_INCLUDED_ */
