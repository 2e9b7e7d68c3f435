
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The "pimap_ticket" location: a ticket for the login of the request.
 */


#ifndef _NGX_PIMAP_TICKET_LOCATION_H_INCLUDED_
#define _NGX_PIMAP_TICKET_LOCATION_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_ticket_location_handler(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_TICKET_LOCATION_H_INCLUDED_ */
