
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Handing devices over to workers that stay; ngx_pimap_handover_receiver.h has the other
 * side, and how both agree on the moment.
 */


#ifndef _NGX_PIMAP_GIVE_H_INCLUDED_
#define _NGX_PIMAP_GIVE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_handover_peer.h"


#define NGX_PIMAP_HANDOVER_SENDER_TICK   10        /* msec from turn to turn */


ngx_int_t ngx_pimap_handover_sender_init_process(ngx_cycle_t *cycle);

/* The worker leaves: all that can be given is to be given. */
void ngx_pimap_handover_sender_start(void);

/* NGX_AGAIN: it goes on; NGX_OK: who is still here has to be sent away. */
ngx_int_t ngx_pimap_handover_sender_turn(void);

/* The marker has come: NGX_DECLINED if it is not one of ours. */
ngx_int_t ngx_pimap_handover_sender_marker(ngx_pimap_account_t *account,
    uint64_t token);


/*
 * From ngx_pimap_handover_peer.c: it can be given more; its socket has room for what
 * is to be said yet (NGX_ERROR: drop it); it is gone, with all under way.
 */
void ngx_pimap_handover_sender_pump(void);
ngx_int_t ngx_pimap_handover_sender_ends(ngx_pimap_handover_peer_t *taker);
void ngx_pimap_handover_sender_back(ngx_pimap_handover_peer_t *taker);


#endif /* _NGX_PIMAP_GIVE_H_INCLUDED_ */
