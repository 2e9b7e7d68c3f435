
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A place in an account's log: the id "<epoch>-<n>" of an event, or "0" for
 * the place before the first one.
 */


#ifndef _NGX_PIMAP_POSITION_H_INCLUDED_
#define _NGX_PIMAP_POSITION_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_POSITION_LEN   (2 * NGX_INT64_LEN + 1)


typedef struct {
    uint64_t    epoch;
    uint64_t    n;
} ngx_pimap_position_t;


/* NGX_DECLINED if it is no id; "0", "earliest" and "" are the first place. */
ngx_int_t ngx_pimap_position_parse(ngx_pimap_position_t *position,
    u_char *data, size_t len);

/* Writes up to NGX_PIMAP_POSITION_LEN bytes; the length. */
size_t ngx_pimap_position_text(ngx_pimap_position_t *position, u_char *text);


#endif /* _NGX_PIMAP_POSITION_H_INCLUDED_ */
