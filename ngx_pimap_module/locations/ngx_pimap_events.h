
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The "pimap_events" location: its requests are parked.
 */


#ifndef _NGX_PIMAP_EVENTS_H_INCLUDED_
#define _NGX_PIMAP_EVENTS_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_events_handler(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_EVENTS_H_INCLUDED_ */
