
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keeps tokens and tickets of the query out of the logs.
 */


#ifndef _NGX_PIMAP_REDACT_H_INCLUDED_
#define _NGX_PIMAP_REDACT_H_INCLUDED_


#include "ngx_pimap.h"


/* Redacts the request line of each request. */
ngx_int_t ngx_pimap_redact_init(ngx_conf_t *cf);

/* Redacts $args and $request_uri, after the query has been read. */
void ngx_pimap_redact(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_REDACT_H_INCLUDED_ */
