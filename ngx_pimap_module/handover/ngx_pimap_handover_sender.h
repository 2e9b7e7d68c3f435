
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the accounts whose devices leave this worker for newer ones.  Called
 * by draining.  ngx_pimap_handover_incoming.h tells how sender and receiver
 * agree on the moment.
 */


#ifndef _NGX_PIMAP_HANDOVER_SENDER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_SENDER_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_handover_sender_init_process(ngx_cycle_t *cycle);

/* The worker quits: queues all accounts that have devices to hand over. */
void ngx_pimap_handover_sender_start(void);

/* One turn: NGX_AGAIN, or NGX_OK if no more devices can be handed over. */
ngx_int_t ngx_pimap_handover_sender_turn(void);

/* A marker has come: NGX_DECLINED if it is not one of ours. */
ngx_int_t ngx_pimap_handover_sender_marker(uint64_t token);


#endif /* _NGX_PIMAP_HANDOVER_SENDER_H_INCLUDED_ */
