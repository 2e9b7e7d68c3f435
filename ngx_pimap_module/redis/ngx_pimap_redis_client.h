
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room.
 */


#ifndef _NGX_PIMAP_REDIS_CLIENT_H_INCLUDED_
#define _NGX_PIMAP_REDIS_CLIENT_H_INCLUDED_


#include "ngx_pimap_subscriber.h"


/*
 * ngx_pimap_topology.c: Owns the questions for the topology of a cluster: at
 * the start, after a sign that it has changed, and now and then.  Called by
 * the room's client.
 */

/* The handler is for each account of a slot that is on its way. */
void ngx_pimap_topology_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf, ngx_pimap_account_pt unsure);
void ngx_pimap_topology_exit_process(void);

/* A node's commands can be sent. */
void ngx_pimap_topology_up(ngx_pimap_node_t *node);

/* The topology that the worker has is wrong, most likely. */
void ngx_pimap_topology_stale(void);


/*
 * ngx_pimap_redis_client.c: Owns the wiring of the room's files, and reports
 * their events to the rooms above.  Called by ngx_pimap_module.c.
 * Invariant: no other file of the room knows a handler.
 */

typedef struct {
    /* a message on the channel of an account */
    ngx_pimap_subscriber_message_pt      message;

    /* an account is subscribed, first or again; ends with a NULL */
    const ngx_pimap_subscriber_row_t    *subscribed;

    /* an answer of another worker: "<request> <text>" */
    void  (*answer)(u_char *data, size_t len);

    /* an account is subscribed no more */
    ngx_pimap_account_pt                 gone;

    /* commands for an account can be sent */
    ngx_pimap_account_pt                 reachable;

    /* ... and for some accounts no longer */
    void  (*unreachable)(void);

    /* an account's messages may go elsewhere for now */
    ngx_pimap_account_pt                 unsure;
} ngx_pimap_redis_handlers_t;

ngx_int_t ngx_pimap_redis_client_open(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf, const ngx_pimap_redis_handlers_t *handlers);
void ngx_pimap_redis_client_close(void);

/* True if the worker can take devices. */
ngx_uint_t ngx_pimap_redis_client_ready(void);


#endif /* _NGX_PIMAP_REDIS_CLIENT_H_INCLUDED_ */
