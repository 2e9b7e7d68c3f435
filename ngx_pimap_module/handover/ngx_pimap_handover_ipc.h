
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How workers of two generations speak: messages with a head of fixed size,
 * maybe some bytes, maybe a file descriptor, over pairs of SEQPACKET sockets
 * that nobody else can open.
 */


#ifndef _NGX_PIMAP_TALK_H_INCLUDED_
#define _NGX_PIMAP_TALK_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * Rises with every change of what is said, the device's record included.  A
 * test builds a module with another one.
 */
#ifndef NGX_PIMAP_HANDOVER_IPC_VERSION
#define NGX_PIMAP_HANDOVER_IPC_VERSION   4
#endif

#define NGX_PIMAP_HANDOVER_IPC_MAX       131072     /* bytes of a message */

/* "!handover <token>" in the account's channel, 16 hexadecimal digits */
#define NGX_PIMAP_HANDOVER_MARKER       "!handover "
#define NGX_PIMAP_HANDOVER_TOKEN_LEN    16
#define NGX_PIMAP_HANDOVER_MARKER_SIZE                                        \
    (sizeof(NGX_PIMAP_HANDOVER_MARKER) - 1 + NGX_PIMAP_HANDOVER_TOKEN_LEN)


typedef enum {
    NGX_PIMAP_HANDOVER_IPC_OFFER = 1,   /* old: who takes?  With a socket to talk */
    NGX_PIMAP_HANDOVER_IPC_ACCEPT,        /* new: I do */
    NGX_PIMAP_HANDOVER_IPC_ACCOUNT,     /* old: subscribe to this one */
    NGX_PIMAP_HANDOVER_IPC_DEVICE,      /* old: a record, with its connection */
    NGX_PIMAP_HANDOVER_IPC_END,         /* old: no more devices of that account */
    NGX_PIMAP_HANDOVER_IPC_CLOSE         /* new: I have to leave myself */
} ngx_pimap_handover_ipc_kind_t;


/* Native byte order: both are on one host. */
typedef struct {
    uint32_t    version;
    uint16_t    kind;
    uint16_t    up;             /* HERE: Redis is there */
    uint32_t    workers;        /* HERE: how many there are to be found */
    uint32_t    worker;         /* HERE: which one of them this is */
    uint64_t    number;         /* HELLO: the generation; ACCOUNT, DEVICE,
                                   END: the token of what is given */
} ngx_pimap_handover_ipc_head_t;


/* A pair of sockets, non-blocking; kept over exec() if asked for. */
ngx_int_t ngx_pimap_handover_ipc_pair(ngx_socket_t s[2], ngx_uint_t keep,
    ngx_log_t *log);

/*
 * Sends a message whole: NGX_OK; NGX_AGAIN if there is no room now (which the
 * socket does not tell if it is for too many descriptors on their way, so try
 * again after a while, too); NGX_DECLINED if it is too long for the socket;
 * NGX_ERROR.  "fd" is copied into it, or -1.
 */
ngx_int_t ngx_pimap_handover_ipc_send(ngx_socket_t s,
    ngx_pimap_handover_ipc_head_t *head, u_char *data, size_t len, ngx_socket_t fd);

/*
 * Receives one: NGX_OK, NGX_AGAIN, NGX_DONE if the other side has closed, or
 * NGX_ERROR, also for what is no message of ours.  "data" points into a buffer
 * that is aligned and good until the next call; "fd" is -1 if there was none.
 */
ngx_int_t ngx_pimap_handover_ipc_receive(ngx_socket_t s,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t *fd);

/* A socket in the event loop; it is closed if that fails. */
ngx_connection_t *ngx_pimap_handover_ipc_open(ngx_socket_t s,
    ngx_event_handler_pt read, ngx_event_handler_pt write, void *data);

#endif /* _NGX_PIMAP_TALK_H_INCLUDED_ */
