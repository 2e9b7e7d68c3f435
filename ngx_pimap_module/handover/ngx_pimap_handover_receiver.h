
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the conversations with workers that quit.  The accounts and devices
 * that they send are in ngx_pimap_handover_incoming.h.
 */


#ifndef _NGX_PIMAP_HANDOVER_RECEIVER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_RECEIVER_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_handover_receiver_init_process(ngx_cycle_t *cycle);
void ngx_pimap_handover_receiver_exit_process(void);

/* The worker quits itself, and takes only devices that are sent already. */
void ngx_pimap_handover_receiver_stop(void);

/* True while devices may still come. */
ngx_uint_t ngx_pimap_handover_receiver_busy(void);


#endif /* _NGX_PIMAP_HANDOVER_RECEIVER_H_INCLUDED_ */
