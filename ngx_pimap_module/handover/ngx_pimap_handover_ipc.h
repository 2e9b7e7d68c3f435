
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the messages between workers of two generations: a head of fixed size,
 * some bytes, and a file descriptor, over pairs of SEQPACKET sockets that no
 * other process can open.
 */


#ifndef _NGX_PIMAP_HANDOVER_IPC_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_IPC_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * Rises with every change of the messages; not with new fields of a device's
 * record.  A test builds a module with another one.
 */
#ifndef NGX_PIMAP_HANDOVER_IPC_VERSION
#define NGX_PIMAP_HANDOVER_IPC_VERSION   5
#endif

#define NGX_PIMAP_HANDOVER_IPC_MAX       131072     /* bytes of a message */

/* "!handover <token>" in the account's channel, 16 hexadecimal digits */
#define NGX_PIMAP_HANDOVER_MARKER        "!handover "
#define NGX_PIMAP_HANDOVER_MARKER_SIZE                                        \
    (sizeof(NGX_PIMAP_HANDOVER_MARKER) - 1 + NGX_PIMAP_HEX_LEN)


/*
 *   sender      receiver
 *   OFFER   ->               with a socket for all the rest
 *           <-  ACCEPT
 *   ACCOUNT ->               the receiver subscribes and publishes a marker
 *   DEVICE  ->               a record, with the device's socket
 *   END     ->               of the account's devices
 *           <-  DONE         they have been received: the sender may forget
 *           <-  CLOSE        no more accounts: the receiver quits itself
 */
typedef enum {
    NGX_PIMAP_HANDOVER_IPC_OFFER = 1,
    NGX_PIMAP_HANDOVER_IPC_ACCEPT,
    NGX_PIMAP_HANDOVER_IPC_ACCOUNT,
    NGX_PIMAP_HANDOVER_IPC_DEVICE,
    NGX_PIMAP_HANDOVER_IPC_END,
    NGX_PIMAP_HANDOVER_IPC_CLOSE,
    NGX_PIMAP_HANDOVER_IPC_DONE
} ngx_pimap_handover_ipc_kind_t;


/* Native byte order: both are on one host. */
typedef struct {
    uint32_t    version;
    uint16_t    kind;
    uint16_t    redis;          /* ACCEPT: Redis can be reached */
    uint32_t    workers;        /* ACCEPT: the number of workers;
                                   DONE: devices that may come besides */
    uint32_t    worker;         /* the number of the one that sends this */
    uint64_t    number;         /* OFFER: the generation; ACCEPT: devices that
                                   may come, plus one; 0: as many as there
                                   are; else the token */
} ngx_pimap_handover_ipc_head_t;


/* A change of state, for the debug log. */
#define ngx_pimap_handover_dbg(state, peer, account, devices)                 \
    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,                     \
                   "pimap handover: %s peer:%ui account:\"%V\" devices:%ui",  \
                   state, (ngx_uint_t) (peer), account,                       \
                   (ngx_uint_t) (devices))


/* A pair of sockets, non-blocking; kept over exec() if "keep". */
ngx_int_t ngx_pimap_handover_ipc_pair(ngx_socket_t s[2], ngx_uint_t keep,
    ngx_log_t *log);

/*
 * Sends a whole message: NGX_OK; NGX_AGAIN if there is no room (if that is
 * because of too many descriptors in flight, no event tells when there is, so
 * try again after a while); NGX_DECLINED if it is too long for the socket;
 * NGX_ERROR.  "data" may be NULL; "fd" is copied into it, or -1.
 */
ngx_int_t ngx_pimap_handover_ipc_send(ngx_socket_t s, ngx_uint_t kind,
    uint64_t number, ngx_str_t *data, ngx_socket_t fd);

/* The answers of a receiver, with the devices that it has room for. */
ngx_int_t ngx_pimap_handover_ipc_accept(ngx_socket_t s, ngx_uint_t workers,
    ngx_uint_t redis, ngx_uint_t room);
ngx_int_t ngx_pimap_handover_ipc_done(ngx_socket_t s, uint64_t token,
    ngx_uint_t room);

/*
 * Receives a message: NGX_OK; NGX_AGAIN; NGX_DONE if the other side has
 * closed; NGX_ERROR, also for an invalid message.  "data" is good until the
 * next call; "fd" is -1 if there was none.
 */
ngx_int_t ngx_pimap_handover_ipc_receive(ngx_socket_t s,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t *fd);

/* A socket in the event loop; it is closed if that fails. */
ngx_connection_t *ngx_pimap_handover_ipc_open(ngx_socket_t s,
    ngx_event_handler_pt read, ngx_event_handler_pt write, void *data);


#endif /* _NGX_PIMAP_HANDOVER_IPC_H_INCLUDED_ */
