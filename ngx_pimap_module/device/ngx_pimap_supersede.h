
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the rule that a device has one parked response: the newest request
 * wins, on any worker and host.  The channel of the account carries messages:
 *
 *     !supersede <token> <device>            a request has just been parked
 *     !present <since> <token> <device>      one is parked since then (usec)
 */


#ifndef _NGX_PIMAP_SUPERSEDE_H_INCLUDED_
#define _NGX_PIMAP_SUPERSEDE_H_INCLUDED_


#include "ngx_pimap.h"


ngx_int_t ngx_pimap_supersede_init_process(ngx_cycle_t *cycle);

/* Gives a token to a device that is parked now, and ends older ones here. */
void ngx_pimap_supersede(ngx_pimap_device_t *d);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_supersede_subscribed(ngx_pimap_account_t *account);

/* Redis takes commands: announces the devices that it does not know. */
void ngx_pimap_supersede_reachable(void);

/* What follows "!supersede " and "!present "; NGX_DECLINED: it is invalid. */
ngx_int_t ngx_pimap_supersede_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);
ngx_int_t ngx_pimap_supersede_present(ngx_pimap_account_t *account,
    u_char *data, size_t len);


#endif /* _NGX_PIMAP_SUPERSEDE_H_INCLUDED_ */
