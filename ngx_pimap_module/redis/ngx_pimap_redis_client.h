
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the room's two connections, and reports their events to the rooms
 * above.  Called by ngx_pimap_module.c.  Invariant: no other file of the room
 * knows a handler.
 */


#ifndef _NGX_PIMAP_REDIS_CLIENT_H_INCLUDED_
#define _NGX_PIMAP_REDIS_CLIENT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_subscriber.h"


typedef struct {
    /* a message on the channel of an account */
    ngx_pimap_subscriber_message_pt      message;

    /* an account is subscribed, first or again; ends with a NULL */
    const ngx_pimap_subscriber_row_t    *subscribed;

    void  (*commands_ready)(void);
    void  (*functions_ready)(void);
    void  (*functions_gone)(void);
} ngx_pimap_redis_handlers_t;


ngx_int_t ngx_pimap_redis_client_open(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf, const ngx_pimap_redis_handlers_t *handlers);
void ngx_pimap_redis_client_close(void);


#endif /* _NGX_PIMAP_REDIS_CLIENT_H_INCLUDED_ */
