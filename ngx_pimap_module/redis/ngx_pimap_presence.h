
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the announcements on the channel P:presence: "+ <account>" when the
 * first device of an account parks in this worker, "- <account>" when the last
 * one leaves.  Called by the subscriber.
 */


#ifndef _NGX_PIMAP_PRESENCE_H_INCLUDED_
#define _NGX_PIMAP_PRESENCE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_subscription.h"


void ngx_pimap_presence_init_process(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf);

/* The account is subscribed, and will be so no longer. */
void ngx_pimap_presence_attached(ngx_pimap_subscription_t *sub);
void ngx_pimap_presence_detached(ngx_pimap_subscription_t *sub);


#endif /* _NGX_PIMAP_PRESENCE_H_INCLUDED_ */
