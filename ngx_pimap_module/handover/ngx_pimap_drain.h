
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A worker that is told to quit disconnects its devices, spread over the time
 * of "pimap_drain".  Each is told when to connect again.
 */


#ifndef _NGX_PIMAP_DRAIN_H_INCLUDED_
#define _NGX_PIMAP_DRAIN_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_drain_init_process(ngx_cycle_t *cycle);


#endif /* _NGX_PIMAP_DRAIN_H_INCLUDED_ */
