
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The workers that stay, as one that leaves sees them: found at the
 * rendezvous, one conversation with each.
 */


#ifndef _NGX_PIMAP_TAKER_H_INCLUDED_
#define _NGX_PIMAP_TAKER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_handover_ipc.h"


typedef struct {
    ngx_queue_t          link;
    ngx_queue_t          gifts;             /* under way to it */
    ngx_connection_t    *connection;
    ngx_uint_t           worker;
    ngx_uint_t           ngifts;
    ngx_uint_t           given;             /* devices */
    ngx_msec_t           asked;

    unsigned             here:1;            /* has answered */
    unsigned             up:1;              /* its Redis is there */
    unsigned             full:1;            /* until its socket has room */
} ngx_pimap_handover_peer_t;


ngx_int_t ngx_pimap_handover_peer_init_process(ngx_cycle_t *cycle);
void ngx_pimap_handover_peer_exit_process(void);

/* From now on, and for a while, they are looked for; one more step of that. */
void ngx_pimap_handover_peer_begin(void);
void ngx_pimap_handover_peer_search(void);

/* True while one more may be found. */
ngx_uint_t ngx_pimap_handover_peer_searching(void);

/* Whoever has got least so far, and can get more; NULL: nobody for now. */
ngx_pimap_handover_peer_t *ngx_pimap_handover_peer_best(void);

/* The first one; the next one, or NULL. */
ngx_pimap_handover_peer_t *ngx_pimap_handover_peer_first(void);
ngx_pimap_handover_peer_t *ngx_pimap_handover_peer_next(ngx_pimap_handover_peer_t *taker);

/*
 * Says something: NGX_OK; NGX_AGAIN: nothing more until there is room;
 * NGX_ERROR: it has to be dropped.
 */
ngx_int_t ngx_pimap_handover_peer_say(ngx_pimap_handover_peer_t *taker,
    ngx_pimap_handover_ipc_head_t *head, u_char *data, size_t len, ngx_socket_t fd);

/* Its socket may have room again.  NGX_DONE: it has been dropped. */
ngx_int_t ngx_pimap_handover_peer_retry(ngx_pimap_handover_peer_t *taker);

/* What is under way to it goes back to the giver. */
void ngx_pimap_handover_peer_drop(ngx_pimap_handover_peer_t *taker);


#endif /* _NGX_PIMAP_TAKER_H_INCLUDED_ */
