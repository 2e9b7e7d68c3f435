
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a connection is taken from nginx's HTTP.
 */


#ifndef _NGX_PIMAP_DETACH_H_INCLUDED_
#define _NGX_PIMAP_DETACH_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * True if the response of this request, whose head has been made, can go on
 * without it: HTTP/1, no other filter changes the body, no more of the
 * client's bytes wait.
 */
ngx_uint_t ngx_pimap_detach_possible(ngx_http_request_t *r,
    ngx_uint_t coded);

/*
 * Ends the request (its access log line is written) and lets the device go on
 * without it.  Everything must have been sent, and it must not be called from
 * inside the request's handlers, which use it afterwards.
 *
 * NGX_DECLINED if that is not so now, NGX_ERROR if memory is out: nothing has
 * been changed.
 */
ngx_int_t ngx_pimap_detach(ngx_http_request_t *r, ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_DETACH_H_INCLUDED_ */
