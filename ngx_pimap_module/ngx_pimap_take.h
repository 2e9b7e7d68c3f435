
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Taking over devices from workers that leave: who those are.  What they bring
 * is in ngx_pimap_guest.h.
 */


#ifndef _NGX_PIMAP_TAKE_H_INCLUDED_
#define _NGX_PIMAP_TAKE_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_take_init_process(ngx_cycle_t *cycle);
void ngx_pimap_take_exit_process(void);

/* The worker leaves itself, and takes only what is under way. */
void ngx_pimap_take_stop(void);

/* Devices may still come. */
ngx_uint_t ngx_pimap_take_busy(void);


#endif /* _NGX_PIMAP_TAKE_H_INCLUDED_ */
