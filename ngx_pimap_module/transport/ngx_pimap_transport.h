
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: the functions that other files call.
 */


#ifndef _NGX_PIMAP_TRANSPORT_H_INCLUDED_
#define _NGX_PIMAP_TRANSPORT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/*
 * ngx_pimap_detach.c: How a connection is taken from nginx's HTTP.
 */

/*
 * True if the response of this request, whose head has been made, can go on
 * without it: HTTP/1, no other filter changes the body, no more of the
 * client's bytes wait.
 */
ngx_uint_t ngx_pimap_detach_possible(ngx_http_request_t *r,
    ngx_uint_t coded);

/*
 * Ends the request (its access log line is written) and lets the device go on
 * without it.  Everything must have been sent, and it must not be called from
 * inside the request's handlers, which use it afterwards.
 *
 * NGX_DECLINED if that is not so now, NGX_ERROR if memory is out: nothing has
 * been changed.
 */
ngx_int_t ngx_pimap_detach(ngx_http_request_t *r, ngx_pimap_device_t *d);


/*
 * ngx_pimap_park.c: Owns admission: how a request becomes a device, and how
 * a worker that leaves sends a device away. Called by the transports and
 * the hand-over.
 */

/*
 * Registers a device.  Of devices with one name the older ones end, this one
 * perhaps: it may be closing.  Its place under the limits was taken before by
 * ngx_pimap_limit_admit().  NULL: no memory.
 */
ngx_pimap_device_t *ngx_pimap_park(ngx_pimap_park_request_t *request,
    const ngx_pimap_transport_t *transport, void *connection, ngx_log_t *log);

/* Tells a device to come back, and ends it. */
void ngx_pimap_unpark(ngx_pimap_device_t *d);


/*
 * ngx_pimap_tls_padding.c: Owns the padding of TLS 1.3 records that OpenSSL
 * writes.
 */

/* Makes padding possible on the connections of locations that have it. */
ngx_int_t ngx_pimap_tls_padding_init(ngx_conf_t *cf);

/* Pads all later records of the connection; 0: none. */
void ngx_pimap_tls_padding_start(ngx_connection_t *c, size_t block);


/*
 * ngx_pimap_tls_default.c: Owns the search for the servers that a connection
 * with TLS begins in.
 */

/* The TLS settings (ngx_http_ssl_srv_conf_t *) of the default servers. */
ngx_int_t ngx_pimap_tls_default(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *server, ngx_array_t *found);

/* True if a server of them has TLS 1.3. */
ngx_uint_t ngx_pimap_tls_default_13(ngx_array_t *found);

/* True if the server has a socket of QUIC. */
ngx_uint_t ngx_pimap_tls_default_quic(ngx_conf_t *cf,
    ngx_http_core_srv_conf_t *server);


/*
 * ngx_pimap_request_body.c: Reads the body of a park request, which stays
 * open: one update in each line. Called while the request is parked, and by
 * the transport.
 */

/* NGX_OK: the request has such a body; or a status and the problem. */
ngx_int_t ngx_pimap_request_body_check(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem);

/*
 * Before the response's head: lets the client send its body.  NGX_OK, or the
 * result of a content handler.
 */
ngx_int_t ngx_pimap_request_body_begin(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/*
 * Reads the next part of the body through nginx: NGX_OK; NGX_DONE: the client
 * has closed; NGX_AGAIN: as ngx_pimap_input().  The device may be closing
 * afterwards.
 */
ngx_int_t ngx_pimap_request_body_read(ngx_http_request_t *r,
    ngx_pimap_device_t *d);


/*
 * ngx_pimap_transport_poll.c: The transport of a request that waits for one
 * answer, with all events that came meanwhile. Called by the location
 * "pimap_events".
 */

ngx_int_t ngx_pimap_poll_init_process(ngx_cycle_t *cycle);

/* The wait of a poll that asks for so many seconds, if for any. */
ngx_msec_t ngx_pimap_poll_wait(ngx_pimap_loc_conf_t *plcf, ngx_int_t asked);

/* Parks the request, whose head is still to be sent: NGX_DONE. */
ngx_int_t ngx_pimap_poll_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/* The worker quits: polls that wait are answered, and come again at once. */
void ngx_pimap_poll_drain(void);

/* The same for a poll that comes then, as a content handler. */
ngx_int_t ngx_pimap_poll_retry(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);


/*
 * ngx_pimap_transport_request.c: The transport that keeps the nginx request
 * as long as the device is parked. Called by the location "pimap_events".
 */

/*
 * Parks the request, whose head has been sent, with "hello" as the first
 * bytes of its body.  NGX_DONE: parked, the request will be finalized.
 */
ngx_int_t ngx_pimap_request_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_pimap_message_t *hello);

/* HTTP/1 or HTTP/2, TLS or not. */
void ngx_pimap_request_kind(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);


/*
 * ngx_pimap_transport_request_read.c: Reads what a device sends while its
 * request is kept.
 */

/* Before parking: takes the bytes that nginx has read after the head. */
void ngx_pimap_request_read_ahead(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_str_t *ahead);

/*
 * Reads what has come in: NGX_OK; NGX_DONE: the client has closed.  The
 * device may be closing afterwards.
 */
ngx_int_t ngx_pimap_request_read(ngx_http_request_t *r, ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_TRANSPORT_H_INCLUDED_ */
