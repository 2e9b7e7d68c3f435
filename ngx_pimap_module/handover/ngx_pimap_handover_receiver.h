
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Taking over devices from workers that leave: who those are.  What they bring
 * is in ngx_pimap_handover_incoming.h.
 */


#ifndef _NGX_PIMAP_TAKE_H_INCLUDED_
#define _NGX_PIMAP_TAKE_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_handover_receiver_init_process(ngx_cycle_t *cycle);
void ngx_pimap_handover_receiver_exit_process(void);

/* The worker leaves itself, and takes only what is under way. */
void ngx_pimap_handover_receiver_stop(void);

/* Devices may still come. */
ngx_uint_t ngx_pimap_handover_receiver_busy(void);


#endif /* _NGX_PIMAP_TAKE_H_INCLUDED_ */
