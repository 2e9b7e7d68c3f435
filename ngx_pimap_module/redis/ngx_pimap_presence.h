
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Presence: accounts whose first device parks in this worker, or whose last
 * one leaves, are announced on the channel P:presence.
 */


#ifndef _NGX_PIMAP_PRESENCE_H_INCLUDED_
#define _NGX_PIMAP_PRESENCE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"


ngx_int_t ngx_pimap_presence_init_process(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf);

/* The account is subscribed, and will be so no longer. */
void ngx_pimap_presence_attached(ngx_pimap_account_t *account);
void ngx_pimap_presence_detached(ngx_pimap_account_t *account);


#endif /* _NGX_PIMAP_PRESENCE_H_INCLUDED_ */
