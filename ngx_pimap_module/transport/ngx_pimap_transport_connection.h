
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The detached transport: of HTTP/1.1, only the socket is kept, and of TLS
 * 1.3, if it hibernates, two secrets.
 */


#ifndef _NGX_PIMAP_DETACHED_H_INCLUDED_
#define _NGX_PIMAP_DETACHED_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_buffer.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_device_record.h"
#include "ngx_pimap_tls13.h"


/* RFC 8446, 5.2: bytes of a record with its head */
#define NGX_PIMAP_TRANSPORT_CONNECTION_RECORD  (5 + 16384 + 256)


/* This room's own. */
typedef struct {
    ngx_connection_t      *connection;
    ngx_pimap_device_t    *device;      /* NULL: it has left */
    ngx_pimap_buffer_t   *unsent;      /* NULL: nothing */
    ngx_pimap_buffer_t   *unread;      /* of a hibernated connection */

    uint32_t               limit;       /* bytes of "unsent" */
    uint32_t               timeout;     /* msec without progress */
    uint16_t               padding;     /* of records, if hibernated */

    unsigned               chunked:1;
    unsigned               hibernated:1;
    unsigned               lingers:1;   /* the client may be talking */

    ngx_pimap_tls13_t      tls;         /* must be last: only if hibernated */
} ngx_pimap_transport_connection_t;


/* All that adopting a connection needs; NULL if memory is out. */
ngx_pimap_transport_connection_t *ngx_pimap_transport_connection_create(ngx_uint_t hibernated, ngx_log_t *log);
void ngx_pimap_transport_connection_free(ngx_pimap_transport_connection_t *dt);

/*
 * Serves a device over a connection that nginx has no request for.  The
 * connection is bare: no pool but the one of its "ssl", no log of its own.
 * "tls" is NULL, or the state of a hibernated connection, which is copied and
 * wiped: "dt" must have been created for it.
 */
void ngx_pimap_adopt(ngx_pimap_transport_connection_t *dt, ngx_connection_t *c,
    ngx_pimap_device_t *d, ngx_uint_t chunked, ngx_pimap_tls13_t *tls);


/*
 * What a device that is served here, and not doomed, needs to go on elsewhere;
 * strings point to where they are.  NGX_DECLINED if it can't.
 */
ngx_int_t ngx_pimap_transport_connection_save(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record, ngx_socket_t *fd);

/* The connection goes on elsewhere: here, only memory is freed. */
void ngx_pimap_transport_connection_release(void *connection);

/*
 * Adopts a connection that has come from elsewhere, with what was saved.  The
 * device has been parked with this transport.  NGX_ERROR if memory is out,
 * then the connection is to be ended.
 */
ngx_int_t ngx_pimap_transport_connection_restore(ngx_pimap_transport_connection_t *dt, ngx_connection_t *c, ngx_pimap_device_t *d, ngx_pimap_device_record_t *record);

extern const ngx_pimap_transport_t  ngx_pimap_transport_connection_transport;


/*
 * Within this room.  read() takes what has come in: NGX_OK; NGX_DONE: the
 * client has closed; NGX_ERROR: it does what it may not.  linger() closes in
 * the end.
 */
ngx_int_t ngx_pimap_transport_connection_read(ngx_pimap_transport_connection_t *dt);
void ngx_pimap_transport_connection_say_goodbye(ngx_pimap_transport_connection_t *dt, uint8_t alert);
void ngx_pimap_transport_connection_linger(ngx_pimap_transport_connection_t *dt);
void ngx_pimap_transport_connection_shutdown(ngx_connection_t *c);
void ngx_pimap_transport_connection_close(ngx_pimap_transport_connection_t *dt);


#endif /* _NGX_PIMAP_DETACHED_H_INCLUDED_ */
