
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One parked response per device: the newest request wins, on whatever worker
 * or host it is.  An account's channel carries the news, as control messages:
 *
 *     !supersede <token> <device>            a request has just been parked
 *     !present <since> <token> <device>      one is parked since then (usec)
 */


#ifndef _NGX_PIMAP_SUPERSEDE_H_INCLUDED_
#define _NGX_PIMAP_SUPERSEDE_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_supersede_init_process(ngx_cycle_t *cycle);

/* A device is about to be parked: gives it a token, ends older ones here. */
void ngx_pimap_supersede(ngx_pimap_device_t *d);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_supersede_subscribed(ngx_pimap_account_t *account);

/* The commander is up: what could not be said meanwhile is said now. */
void ngx_pimap_supersede_reachable(void);

/* A control message; NGX_DECLINED if it is not one of ours. */
ngx_int_t ngx_pimap_supersede_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);


#endif /* _NGX_PIMAP_SUPERSEDE_H_INCLUDED_ */
