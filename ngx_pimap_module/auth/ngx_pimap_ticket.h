
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Tickets: short tokens of our own, with which a page that can send no header
 * parks a device.
 */


#ifndef _NGX_PIMAP_TICKET_H_INCLUDED_
#define _NGX_PIMAP_TICKET_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_key.h"
#include "ngx_pimap_login.h"

#include <jansson.h>


/* Whom a ticket is for, so that it is no token, and a token no ticket. */
#define NGX_PIMAP_TICKET_AUDIENCE  "pimap-ticket"


/* A new ticket for this login, and its end; NGX_OK or an error. */
ngx_int_t ngx_pimap_ticket_create(ngx_http_request_t *r,
    ngx_pimap_login_t *login, ngx_str_t *ticket, uint32_t *expires);

/* The keys of a location; "key" is for that of the shared zone. */
void ngx_pimap_ticket_keys(ngx_pimap_loc_conf_t *plcf, ngx_array_t *keys,
    ngx_pimap_key_t *key);

/* The login that a ticket was got with; NGX_DECLINED if it is none. */
ngx_int_t ngx_pimap_ticket_claims(ngx_http_request_t *r,
    ngx_pimap_login_t *login, json_t *claims);


#endif /* _NGX_PIMAP_TICKET_H_INCLUDED_ */
