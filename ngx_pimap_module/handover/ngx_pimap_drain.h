
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A worker that is told to quit sends its devices away: each is told when to
 * come back, and they are spread over "pimap_drain".
 */


#ifndef _NGX_PIMAP_DRAIN_H_INCLUDED_
#define _NGX_PIMAP_DRAIN_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_drain_init_process(ngx_cycle_t *cycle);


#endif /* _NGX_PIMAP_DRAIN_H_INCLUDED_ */
