
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Compressed messages of WebSockets (RFC 7692), with one decompressor for all
 * devices of the worker: a message refers to none before it.
 */


#ifndef _NGX_PIMAP_INFLATE_H_INCLUDED_
#define _NGX_PIMAP_INFLATE_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * A whole message, without the four bytes that its end has in common with all
 * others.  "to" is good until the next call.  NGX_DECLINED: it is none;
 * NGX_BUSY: it has more than "limit" bytes; NGX_ERROR: memory is out.
 */
ngx_int_t ngx_pimap_inflate(ngx_str_t *to, ngx_str_t *data, size_t limit);

void ngx_pimap_inflate_exit_process(void);


#endif /* _NGX_PIMAP_INFLATE_H_INCLUDED_ */
