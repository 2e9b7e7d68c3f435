
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keeps tokens and tickets of a query out of the logs.
 */


#ifndef _NGX_PIMAP_HIDE_H_INCLUDED_
#define _NGX_PIMAP_HIDE_H_INCLUDED_


#include "ngx_pimap.h"


/* From then on the request line that nginx logs has none. */
ngx_int_t ngx_pimap_redact_init(ngx_conf_t *cf);

/* The query has been read: $args and $request_uri have none, either. */
void ngx_pimap_redact(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_HIDE_H_INCLUDED_ */
