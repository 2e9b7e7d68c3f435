
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each message is one packet, so it comes whole or not at all.
 */


#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_socket.h"

#include <sys/socket.h>


typedef union {
    struct cmsghdr  align;
    u_char          space[CMSG_SPACE(sizeof(int))];
} ngx_pimap_handover_ipc_control_t;


static ngx_int_t ngx_pimap_handover_ipc_write(ngx_socket_t s,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t fd);
static ngx_socket_t ngx_pimap_handover_ipc_fd(struct msghdr *msg);


ngx_int_t
ngx_pimap_handover_ipc_pair(ngx_socket_t s[2], ngx_uint_t keep, ngx_log_t *log)
{
    int  type;

    type = SOCK_SEQPACKET|SOCK_NONBLOCK|(keep ? 0 : SOCK_CLOEXEC);

    if (socketpair(AF_UNIX, type, 0, s) == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_socket_errno,
                      "socketpair() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_handover_ipc_send(ngx_socket_t s, ngx_uint_t kind, uint64_t number,
    ngx_str_t *data, ngx_socket_t fd)
{
    ngx_pimap_handover_ipc_head_t  head;

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = (uint16_t) kind;
    head.number = number;

    return ngx_pimap_handover_ipc_write(s, &head, data, fd);
}


ngx_int_t
ngx_pimap_handover_ipc_accept(ngx_socket_t s, ngx_uint_t workers,
    ngx_uint_t redis, ngx_uint_t room)
{
    ngx_pimap_handover_ipc_head_t  head;

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_ACCEPT;
    head.workers = (uint32_t) workers;
    head.redis = (uint16_t) redis;
    head.number = room + 1;

    return ngx_pimap_handover_ipc_write(s, &head, NULL, (ngx_socket_t) -1);
}


ngx_int_t
ngx_pimap_handover_ipc_done(ngx_socket_t s, uint64_t token, ngx_uint_t room)
{
    ngx_pimap_handover_ipc_head_t  head;

    ngx_memzero(&head, sizeof(ngx_pimap_handover_ipc_head_t));

    head.kind = NGX_PIMAP_HANDOVER_IPC_DONE;
    head.number = token;
    head.workers = (uint32_t) room;

    return ngx_pimap_handover_ipc_write(s, &head, NULL, (ngx_socket_t) -1);
}


static ngx_int_t
ngx_pimap_handover_ipc_write(ngx_socket_t s,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t fd)
{
    ssize_t                           n;
    ngx_err_t                         err;
    struct iovec                      iov[2];
    struct msghdr                     msg;
    ngx_pimap_handover_ipc_control_t  control;

    head->version = NGX_PIMAP_HANDOVER_IPC_VERSION;
    head->worker = (uint32_t) ngx_worker;

    iov[0].iov_base = head;
    iov[0].iov_len = sizeof(ngx_pimap_handover_ipc_head_t);

    if (data) {
        iov[1].iov_base = data->data;
        iov[1].iov_len = data->len;
    }

    ngx_memzero(&msg, sizeof(struct msghdr));

    msg.msg_iov = iov;
    msg.msg_iovlen = data ? 2 : 1;

    if (fd != (ngx_socket_t) -1) {
        ngx_memzero(&control, sizeof(control));

        msg.msg_control = &control;
        msg.msg_controllen = sizeof(control.space);

        control.align.cmsg_len = CMSG_LEN(sizeof(int));
        control.align.cmsg_level = SOL_SOCKET;
        control.align.cmsg_type = SCM_RIGHTS;

        ngx_memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
    }

    do {
        n = sendmsg(s, &msg, MSG_NOSIGNAL);
    } while (n == -1 && ngx_socket_errno == NGX_EINTR);

    if (n != -1) {
        return NGX_OK;
    }

    err = ngx_socket_errno;

    if (err == NGX_EAGAIN || err == ENOBUFS || err == ETOOMANYREFS) {
        return NGX_AGAIN;
    }

    return err == EMSGSIZE ? NGX_DECLINED : NGX_ERROR;
}


ngx_int_t
ngx_pimap_handover_ipc_receive(ngx_socket_t s,
    ngx_pimap_handover_ipc_head_t *head, ngx_str_t *data, ngx_socket_t *fd)
{
    ssize_t                           n;
    struct iovec                      iov[2];
    struct msghdr                     msg;
    ngx_pimap_handover_ipc_control_t  control;
    static u_char                     buf[NGX_PIMAP_HANDOVER_IPC_MAX];

    iov[0].iov_base = head;
    iov[0].iov_len = sizeof(ngx_pimap_handover_ipc_head_t);
    iov[1].iov_base = buf;
    iov[1].iov_len = sizeof(buf);

    ngx_memzero(&msg, sizeof(struct msghdr));

    msg.msg_iov = iov;
    msg.msg_iovlen = 2;
    msg.msg_control = &control;
    msg.msg_controllen = sizeof(control.space);

    /* ECONNRESET: it has closed with unread messages; its own still come */

    do {
        n = recvmsg(s, &msg, MSG_CMSG_CLOEXEC);
    } while (n == -1 && (ngx_socket_errno == NGX_EINTR
                         || ngx_socket_errno == NGX_ECONNRESET));

    if (n == -1) {
        return ngx_socket_errno == NGX_EAGAIN ? NGX_AGAIN : NGX_ERROR;
    }

    if (n == 0) {
        return NGX_DONE;
    }

    *fd = ngx_pimap_handover_ipc_fd(&msg);

    if (n < (ssize_t) sizeof(ngx_pimap_handover_ipc_head_t)
        || (msg.msg_flags & (MSG_TRUNC|MSG_CTRUNC)))
    {
        if (*fd != (ngx_socket_t) -1) {
            (void) ngx_close_socket(*fd);
        }

        return NGX_ERROR;
    }

    data->data = buf;
    data->len = n - sizeof(ngx_pimap_handover_ipc_head_t);

    return NGX_OK;
}


static ngx_socket_t
ngx_pimap_handover_ipc_fd(struct msghdr *msg)
{
    ngx_socket_t     fd;
    struct cmsghdr  *cmsg;

    cmsg = CMSG_FIRSTHDR(msg);

    if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET
        || cmsg->cmsg_type != SCM_RIGHTS
        || cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
    {
        return (ngx_socket_t) -1;
    }

    ngx_memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));

    return fd;
}


ngx_connection_t *
ngx_pimap_handover_ipc_open(ngx_socket_t s, ngx_event_handler_pt read,
    ngx_event_handler_pt write, void *data)
{
    ngx_connection_t  *c;

    c = ngx_pimap_socket_open(s);

    if (c == NULL) {
        (void) ngx_close_socket(s);
        return NULL;
    }

    c->data = data;
    c->read->handler = read;
    c->write->handler = write;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_pimap_socket_close(c);
        return NULL;
    }

    return c;
}
