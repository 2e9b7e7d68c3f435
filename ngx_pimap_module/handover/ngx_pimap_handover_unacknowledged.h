
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the sockets of devices that were sent to another worker, until that
 * worker has acknowledged them.  Pure.
 */


#ifndef _NGX_PIMAP_HANDOVER_UNACKNOWLEDGED_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_UNACKNOWLEDGED_H_INCLUDED_


#include <stddef.h>


/* Zeroed: empty. */
typedef struct {
    int      *sockets;
    size_t    n;
    size_t    size;
} ngx_pimap_unacknowledged_t;


/* Memory for one more socket: 0 or -1. */
int ngx_pimap_unacknowledged_reserve(ngx_pimap_unacknowledged_t *u);

/* Takes a socket, after reserve(). */
void ngx_pimap_unacknowledged_add(ngx_pimap_unacknowledged_t *u, int socket);

/* Closes all; the connections go on in the other worker. */
void ngx_pimap_unacknowledged_close(ngx_pimap_unacknowledged_t *u);

/*
 * Ends all connections, even if the other worker has copies of the sockets:
 * no client waits at a connection that no worker serves.
 */
void ngx_pimap_unacknowledged_shutdown(ngx_pimap_unacknowledged_t *u);


#endif /* _NGX_PIMAP_HANDOVER_UNACKNOWLEDGED_H_INCLUDED_ */
