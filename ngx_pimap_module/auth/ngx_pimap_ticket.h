
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Tickets: short-lived tokens of our own, for pages that can't send a header.
 */


#ifndef _NGX_PIMAP_TICKET_H_INCLUDED_
#define _NGX_PIMAP_TICKET_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_key.h"
#include "ngx_pimap_login.h"

#include <jansson.h>


/* Keeps tickets and tokens apart. */
#define NGX_PIMAP_TICKET_AUDIENCE  "pimap-ticket"


/* A new ticket for this login, and its end; else not NGX_OK. */
ngx_int_t ngx_pimap_ticket_create(ngx_http_request_t *r,
    ngx_pimap_login_t *login, ngx_str_t *ticket, uint32_t *expires);

/* The keys of the location; "key" is room for the shared zone's. */
void ngx_pimap_ticket_keys(ngx_pimap_loc_conf_t *plcf, ngx_array_t *keys,
    ngx_pimap_key_t *key);

/* The login of the ticket; NGX_DECLINED if its claims are invalid. */
ngx_int_t ngx_pimap_ticket_claims(ngx_http_request_t *r,
    ngx_pimap_login_t *login, json_t *claims);


#endif /* _NGX_PIMAP_TICKET_H_INCLUDED_ */
