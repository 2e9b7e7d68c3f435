
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns detached devices' connections: of HTTP/1.1 only the socket is kept,
 * of hibernated TLS 1.3 two secrets besides.  Called by detaching and by the
 * hand-over.
 */


#ifndef _NGX_PIMAP_TRANSPORT_CONNECTION_H_INCLUDED_
#define _NGX_PIMAP_TRANSPORT_CONNECTION_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_tls13.h"


typedef struct ngx_pimap_connection_s  ngx_pimap_connection_t;


/* What another worker needs to go on with a connection, beside its socket. */
typedef struct {
    ngx_str_t              out;         /* bytes that wait for the socket */
    ngx_str_t              in;          /* of a TLS record */
    ngx_pimap_tls13_t     *tls;         /* NULL: not hibernated */
    ngx_uint_t             chunked;
} ngx_pimap_connection_state_t;


extern const ngx_pimap_transport_t  ngx_pimap_transport_connection;


/* All memory that adopting a connection takes; NULL if there is none. */
ngx_pimap_connection_t *ngx_pimap_connection_create(ngx_uint_t hibernated,
    ngx_log_t *log);
void ngx_pimap_connection_free(ngx_pimap_connection_t *pc);

/*
 * Serves a device by a bare connection, which may have a pool for its "ssl".
 * The state "tls" is copied and wiped; "pc" must have been created for it.
 */
void ngx_pimap_connection_adopt(ngx_pimap_connection_t *pc,
    ngx_connection_t *c, ngx_pimap_device_t *d, ngx_uint_t chunked,
    ngx_pimap_tls13_t *tls);

/*
 * The state of a device's connection, as pointers into it.  NGX_DECLINED if
 * no other process can go on with the connection.
 */
ngx_int_t ngx_pimap_connection_save(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, ngx_socket_t *fd);

/* Frees the connection, which goes on elsewhere; returns the open socket. */
ngx_socket_t ngx_pimap_connection_release(ngx_pimap_connection_t *pc);

/*
 * Adopts a connection that comes from another worker.  NGX_ERROR: the device
 * is served, but has to be ended.
 */
ngx_int_t ngx_pimap_connection_restore(ngx_pimap_connection_t *pc,
    ngx_connection_t *c, ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state);


#endif /* _NGX_PIMAP_TRANSPORT_CONNECTION_H_INCLUDED_ */
