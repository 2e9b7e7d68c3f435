
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * On a quiet account no next event shows that one was lost: "pimap_gap_check"
 * looks.
 */


#ifndef _NGX_PIMAP_CHECK_H_INCLUDED_
#define _NGX_PIMAP_CHECK_H_INCLUDED_


#include "ngx_pimap.h"


/* The interval is in msec, 0: never. */
ngx_int_t ngx_pimap_check_init_process(ngx_cycle_t *cycle,
    ngx_msec_t interval);


#endif /* _NGX_PIMAP_CHECK_H_INCLUDED_ */
