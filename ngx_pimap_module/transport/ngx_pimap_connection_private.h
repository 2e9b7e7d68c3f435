
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What the files of a detached connection share.
 */


#ifndef _NGX_PIMAP_CONNECTION_PRIVATE_H_INCLUDED_
#define _NGX_PIMAP_CONNECTION_PRIVATE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_buffer.h"
#include "ngx_pimap_socket.h"
#include "ngx_pimap_transport_connection.h"


struct ngx_pimap_connection_s {
    ngx_connection_t      *connection;
    ngx_pimap_device_t    *device;      /* NULL: it has left */
    ngx_pimap_buffer_t    *out;         /* NULL: all is sent */
    ngx_pimap_buffer_t    *in;          /* a part of a TLS record */

    uint32_t               limit;       /* bytes of "out" */
    uint32_t               timeout;     /* msec without progress */
    uint16_t               padding;     /* of TLS records */

    unsigned               chunked:1;
    unsigned               hibernated:1;
    unsigned               lingers:1;   /* the client may be sending */
    unsigned               counted:1;   /* as lingering */

    ngx_socket_t           fd;          /* -1: OpenSSL writes to it */

    /* only if hibernated */

    ngx_pimap_tls13_t        tls;
    ngx_pimap_tls13_keys_t  *keys;      /* NULL: derived for each message */
};


/* ngx_pimap_connection_output.c: bytes are sent, or kept in "out" */

ngx_int_t ngx_pimap_connection_write(ngx_pimap_connection_t *pc, u_char *data,
    size_t len);
ngx_int_t ngx_pimap_connection_write_raw(ngx_pimap_connection_t *pc,
    u_char *data, size_t len);
ngx_int_t ngx_pimap_connection_flush(ngx_pimap_connection_t *pc);

/*
 * ngx_pimap_connection_keys.c: before each message of a hibernated device,
 * which keeps its sending keys from an event to the next ping
 */

void ngx_pimap_connection_keys(ngx_pimap_connection_t *pc);
void ngx_pimap_connection_keys_free(ngx_pimap_connection_t *pc);

/* The last TLS record of a hibernated connection.  OpenSSL sends its own. */
void ngx_pimap_connection_alert(ngx_pimap_connection_t *pc, uint8_t alert);

/*
 * ngx_pimap_connection_linger.c: a connection whose device has left is freed,
 * after its last bytes are sent, and after the client has closed if it may
 * still be sending
 */

void ngx_pimap_connection_linger(ngx_pimap_connection_t *pc);

/* ngx_pimap_connection_output.c: frees "pc" at once */

void ngx_pimap_connection_shutdown(ngx_connection_t *c);
void ngx_pimap_connection_close(ngx_pimap_connection_t *pc);
void ngx_pimap_connection_done(ngx_pimap_connection_t *pc);


/*
 * ngx_pimap_transport_connection_read.c: NGX_OK; NGX_DONE: the client has
 * closed; NGX_ERROR: it has broken a protocol
 */

ngx_int_t ngx_pimap_connection_read(ngx_pimap_connection_t *pc);


#define ngx_pimap_connection_dbg(pc, state)                                   \
    ngx_pimap_socket_dbg((pc)->connection, state, "connection",               \
                         (pc)->hibernated ? "hibernated"                      \
                         : (pc)->connection->ssl ? "openssl" : "none",        \
                         (pc)->out ? ngx_pimap_buffer_size((pc)->out) : 0)


#endif /* _NGX_PIMAP_CONNECTION_PRIVATE_H_INCLUDED_ */
