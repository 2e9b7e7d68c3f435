
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a transfer: one account on its way to a peer, and the sockets of its
 * devices until the peer has acknowledged them.  Called by the sender.
 */


#ifndef _NGX_PIMAP_HANDOVER_TRANSFER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_TRANSFER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_handover_unacknowledged.h"


/*
 *   state    what happens                          next state
 *
 *   QUEUED   ACCOUNT is sent to a peer             ASKED
 *   ASKED    the marker comes, or does not in time
 *            or Redis is away: devices are sent    SENT
 *   SENT     END is sent                           ENDED
 *   ENDED    DONE comes: sockets are closed        (freed)
 *
 *   ASKED    the peer is lost, or quits            QUEUED
 *   SENT, ENDED   the peer is lost: sockets are
 *            shut down                             (freed)
 */
typedef enum {
    NGX_PIMAP_TRANSFER_QUEUED = 0,
    NGX_PIMAP_TRANSFER_ASKED,
    NGX_PIMAP_TRANSFER_SENT,
    NGX_PIMAP_TRANSFER_ENDED
} ngx_pimap_transfer_state_t;


/* An account may be gone in this worker before its transfer is complete. */
typedef struct {
    ngx_queue_t                 link;
    uint64_t                    token;
    ngx_uint_t                  turns;      /* since it was asked for */
    ngx_pimap_transfer_state_t  state;
    ngx_pimap_unacknowledged_t  sockets;
    ngx_str_t                   account;
    u_char                      name[1];
} ngx_pimap_transfer_t;


/*
 * Adds a new transfer to a queue.  Without memory the account stays, and its
 * devices are drained.
 */
void ngx_pimap_transfer_queue(ngx_queue_t *queue, ngx_str_t *account);

/* NULL if there is none with this token. */
ngx_pimap_transfer_t *ngx_pimap_transfer_find(ngx_queue_t *queue,
    uint64_t token);

/*
 * Called in each turn of the sender: whether the marker has not come in time.
 * Turns are counted, because the clock goes on while a machine is halted.
 */
ngx_uint_t ngx_pimap_transfer_late(ngx_pimap_transfer_t *transfer);

/*
 * Whether the devices wait for the marker of the worker "peer": not if it is
 * "late", which the log tells, nor if this worker is not subscribed.  A worker
 * that is not subscribed gets no events that the next one could miss.
 */
ngx_uint_t ngx_pimap_transfer_waits(ngx_pimap_transfer_t *transfer,
    ngx_uint_t late, ngx_uint_t peer);

/*
 * The devices go on in the worker "peer"; or whether they do is not known,
 * and their connections are ended.  Both free the transfer.
 */
void ngx_pimap_transfer_done(ngx_pimap_transfer_t *transfer, ngx_uint_t peer);
void ngx_pimap_transfer_lost(ngx_pimap_transfer_t *transfer, ngx_uint_t peer);


#endif /* _NGX_PIMAP_HANDOVER_TRANSFER_H_INCLUDED_ */
