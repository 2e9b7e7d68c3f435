
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns how many devices may be parked, over all workers.
 */


#ifndef _NGX_PIMAP_LIMIT_H_INCLUDED_
#define _NGX_PIMAP_LIMIT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/*
 * Counts a device.  NGX_BUSY: "pimap_max_devices" is reached.  NGX_DECLINED
 * with "problem" set: the limit of the account or the address is reached.  The
 * caller of each NGX_OK has to call ngx_pimap_limit_release() once.
 */
ngx_int_t ngx_pimap_limit_admit(ngx_pimap_park_request_t *request,
    const char **problem);

/* Counts a device that was admitted by another worker. */
void ngx_pimap_limit_take(ngx_pimap_park_request_t *request);

void ngx_pimap_limit_release(ngx_str_t *account, ngx_str_t *device,
    u_char *address);

/* 16 bytes, IPv4 as ::ffff:a.b.c.d; all zero if there is no address. */
void ngx_pimap_limit_address(struct sockaddr *sockaddr, u_char *address);

/* Writes up to NGX_INET6_ADDRSTRLEN bytes; the length. */
size_t ngx_pimap_limit_address_text(u_char *address, u_char *text);


#endif /* _NGX_PIMAP_LIMIT_H_INCLUDED_ */
