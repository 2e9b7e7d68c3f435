
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Compressed messages of WebSockets (RFC 7692), which refer to no message
 * before them.
 */


#ifndef _NGX_PIMAP_INFLATE_H_INCLUDED_
#define _NGX_PIMAP_INFLATE_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * A whole message, without the last four bytes, which are always the same.
 * "to" is valid until the next call.  NGX_DECLINED: invalid; NGX_BUSY: more
 * than "limit" bytes; NGX_ERROR: memory is out.
 */
ngx_int_t ngx_pimap_inflate(ngx_str_t *to, ngx_str_t *data, size_t limit);

void ngx_pimap_inflate_exit_process(void);


#endif /* _NGX_PIMAP_INFLATE_H_INCLUDED_ */
