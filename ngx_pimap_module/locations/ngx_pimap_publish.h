
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The "pimap_publish" location: events to publish.
 */


#ifndef _NGX_PIMAP_PUBLISH_H_INCLUDED_
#define _NGX_PIMAP_PUBLISH_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_publish_handler(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_PUBLISH_H_INCLUDED_ */
