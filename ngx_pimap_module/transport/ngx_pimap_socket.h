
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns nothing.  A bare connection: an nginx connection without a pool, a
 * request or a log of its own.
 */


#ifndef _NGX_PIMAP_SOCKET_H_INCLUDED_
#define _NGX_PIMAP_SOCKET_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_SOCKET_READ   4096    /* bytes of one read */
#define NGX_PIMAP_SOCKET_READS  16      /* then other connections' turn */


/* A change of state, for the debug log; "log" names the request if any. */
#define ngx_pimap_socket_dbg(c, state, transport, tls, unsent)                \
    ngx_log_debug5(NGX_LOG_DEBUG_HTTP, (c)->log, 0,                           \
                   "pimap connection: %s fd:%d transport:%s tls:%s "          \
                   "unsent:%uz", state, (c)->fd, transport, tls,              \
                   (size_t) (unsent))


/* Takes bytes, which it may change.  Any other result ends the reading. */
typedef ngx_int_t (*ngx_pimap_socket_read_pt)(void *data, u_char *buf,
    size_t len);


/* NULL if there is no free connection; then "fd" is still open. */
ngx_connection_t *ngx_pimap_socket_open(ngx_socket_t fd);

/* The connection reads and writes its socket, without TLS of OpenSSL. */
void ngx_pimap_socket_plain(ngx_connection_t *c);

/* Frees the connection.  The descriptor stays open and is returned. */
ngx_socket_t ngx_pimap_socket_release(ngx_connection_t *c);

/* A connection whose descriptor other processes may have as well. */
void ngx_pimap_socket_close(ngx_connection_t *c);

/*
 * Gives all that has come in to "handler", or drops it if that is NULL.
 * NGX_OK: more will be announced.  NGX_DONE: the peer has closed.  Any other
 * result is NGX_ERROR or the handler's.
 */
ngx_int_t ngx_pimap_socket_read(ngx_connection_t *c,
    ngx_pimap_socket_read_pt handler, void *data);


#endif /* _NGX_PIMAP_SOCKET_H_INCLUDED_ */
