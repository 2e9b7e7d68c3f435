
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the start and the end of all that this room does.  Called by the
 * program.  Invariant: other settings make all connections anew.
 */


#ifndef _BRIDGE_REDIS_SERVICE_H_INCLUDED_
#define _BRIDGE_REDIS_SERVICE_H_INCLUDED_


#include "bridge_subscriber.h"


/* The room reports by this table, which the program gives. */

typedef struct {
    void  (*functions_ready)(void);     /* also after each reconnection */
    void  (*listening)(void);           /* also after each reconnection */
    void  (*changed)(void);             /* the settings are others */

    const bridge_redis_message_t  *channels;
    const bridge_redis_message_t  *inbox;
} bridge_redis_handlers_t;


void bridge_redis_service_start(bridge_redis_conf_t *conf,
    const bridge_redis_handlers_t *handlers);

/* No handler is called any more. */
void bridge_redis_service_stop(void);

/* New settings.  If they differ, all connections are made anew. */
void bridge_redis_service_reload(bridge_redis_conf_t *conf);


#endif /* _BRIDGE_REDIS_SERVICE_H_INCLUDED_ */
