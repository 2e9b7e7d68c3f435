
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The numbers of the descriptors are in the environment, for the binary that
 * an upgrade executes, and for a copy of this module that is loaded again.
 * They are checked, because another program may have set the variable.
 *
 * The third descriptor is memory with the number of the newest generation.  A
 * worker that takes devices has a lock on it: the byte at the number of its
 * generation, which may be after the end.  So a worker that quits sees whether
 * there is another generation, also an older one, as after a rollback.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_handover_ipc.h"

#include <sys/mman.h>


#define NGX_PIMAP_HANDOVER_SOCKET_VAR   "NGX_PIMAP_HANDOVER_SOCKET"


static ngx_int_t ngx_pimap_handover_socket_inherit(void);
static ngx_uint_t ngx_pimap_handover_socket_valid(ngx_socket_t s);
static ngx_int_t ngx_pimap_handover_socket_create(ngx_log_t *log);
static ngx_int_t ngx_pimap_handover_socket_map(ngx_fd_t fd);
static ngx_int_t ngx_pimap_handover_socket_export(ngx_cycle_t *cycle);
static ngx_int_t ngx_pimap_handover_socket_lock(int command,
    struct flock *lock, int type, off_t start, off_t len);
static ngx_uint_t ngx_pimap_handover_socket_locked(off_t start, off_t len);


static ngx_socket_t  ngx_pimap_handover_socket[2] = { -1, -1 };
static ngx_fd_t      ngx_pimap_handover_socket_memory = -1;
static uint64_t     *ngx_pimap_handover_socket_newest;
static uint64_t      ngx_pimap_handover_socket_number;


ngx_int_t
ngx_pimap_handover_socket_init_module(ngx_cycle_t *cycle)
{
    struct timespec   now;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ngx_test_config || !ccf->master) {
        return NGX_OK;
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    ngx_pimap_handover_socket_number = (uint64_t) now.tv_sec * 1000000000
                                  + now.tv_nsec;

    if (ngx_pimap_handover_socket[0] == -1
        && ngx_pimap_handover_socket_inherit() != NGX_OK
        && ngx_pimap_handover_socket_create(cycle->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* no later step can fail, which would leave the old workers at work */

    *ngx_pimap_handover_socket_newest = ngx_pimap_handover_socket_number;

    return ngx_pimap_handover_socket_export(cycle);
}


void
ngx_pimap_handover_socket_init_process(void)
{
    if (ngx_pimap_handover_socket[0] == -1) {
        return;
    }

    (void) fcntl(ngx_pimap_handover_socket[0], F_SETFD, FD_CLOEXEC);
    (void) fcntl(ngx_pimap_handover_socket[1], F_SETFD, FD_CLOEXEC);
    (void) fcntl(ngx_pimap_handover_socket_memory, F_SETFD, FD_CLOEXEC);
}


static ngx_int_t
ngx_pimap_handover_socket_inherit(void)
{
    int   s[3];
    char  end, *value;

    value = getenv(NGX_PIMAP_HANDOVER_SOCKET_VAR);

    if (value == NULL
        || sscanf(value, "%d:%d:%d%c", &s[0], &s[1], &s[2], &end) != 3
        || !ngx_pimap_handover_socket_valid(s[0])
        || !ngx_pimap_handover_socket_valid(s[1])
        || ngx_pimap_handover_socket_map(s[2]) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_pimap_handover_socket[0] = s[0];
    ngx_pimap_handover_socket[1] = s[1];

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_handover_socket_valid(ngx_socket_t s)
{
    int        domain, type;
    socklen_t  len;

    len = sizeof(int);

    if (s <= 2 || getsockopt(s, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1
        || domain != AF_UNIX)
    {
        return 0;
    }

    len = sizeof(int);

    return getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len) == 0
           && type == SOCK_SEQPACKET;
}


static ngx_int_t
ngx_pimap_handover_socket_create(ngx_log_t *log)
{
    ngx_fd_t  fd;

    fd = memfd_create("pimap", 0);

    if (fd == -1 || ftruncate(fd, sizeof(uint64_t)) == -1
        || ngx_pimap_handover_socket_map(fd) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "pimap cannot map the memory of the hand-over, so "
                      "nginx does not start");

        if (fd != -1) {
            (void) close(fd);
        }

        return NGX_ERROR;
    }

    return ngx_pimap_handover_ipc_pair(ngx_pimap_handover_socket, 1, log);
}


/* A shorter file is refused: to access it would be a SIGBUS. */

static ngx_int_t
ngx_pimap_handover_socket_map(ngx_fd_t fd)
{
    void         *memory;
    struct stat   st;

    if (fd <= 2 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)
        || st.st_size != sizeof(uint64_t))
    {
        return NGX_DECLINED;
    }

    memory = mmap(NULL, sizeof(uint64_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd,
                  0);
    if (memory == MAP_FAILED) {
        return NGX_DECLINED;
    }

    ngx_pimap_handover_socket_newest = memory;
    ngx_pimap_handover_socket_memory = fd;

    return NGX_OK;
}


/* nginx gives only variables of "env" directives to the next binary. */

static ngx_int_t
ngx_pimap_handover_socket_export(ngx_cycle_t *cycle)
{
    ngx_str_t        *variable;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    variable = ngx_array_push(&ccf->env);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    variable->data = ngx_pnalloc(cycle->pool,
                                 sizeof(NGX_PIMAP_HANDOVER_SOCKET_VAR "=::")
                                 + 3 * NGX_INT_T_LEN);
    if (variable->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(variable->data,
                       NGX_PIMAP_HANDOVER_SOCKET_VAR "=%d:%d:%d%Z",
                       ngx_pimap_handover_socket[0],
                       ngx_pimap_handover_socket[1],
                       ngx_pimap_handover_socket_memory);

    /* only the name: nginx looks for the "=" behind it */

    variable->len = sizeof(NGX_PIMAP_HANDOVER_SOCKET_VAR) - 1;

    if (setenv(NGX_PIMAP_HANDOVER_SOCKET_VAR,
               (char *) variable->data + variable->len + 1, 1)
        == -1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


uint64_t
ngx_pimap_handover_socket_generation(void)
{
    return ngx_pimap_handover_socket_number;
}


void
ngx_pimap_handover_socket_serve(ngx_uint_t on)
{
    struct flock  lock;

    if (ngx_pimap_handover_socket_lock(F_SETLK, &lock,
                                       on ? F_RDLCK : F_UNLCK,
                                       ngx_pimap_handover_socket_number, 1)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, ngx_errno,
                      "pimap cannot lock the memory of the hand-over, so "
                      "after a rollback devices are told to come back");
    }
}


static ngx_int_t
ngx_pimap_handover_socket_lock(int command, struct flock *lock, int type,
    off_t start, off_t len)
{
    ngx_memzero(lock, sizeof(struct flock));

    lock->l_type = (short) type;
    lock->l_whence = SEEK_SET;
    lock->l_start = start;
    lock->l_len = len;

    return fcntl(ngx_pimap_handover_socket_memory, command, lock) == -1
           ? NGX_ERROR : NGX_OK;
}


/* By another process; a length of 0 is up to the end. */

static ngx_uint_t
ngx_pimap_handover_socket_locked(off_t start, off_t len)
{
    struct flock  lock;

    return ngx_pimap_handover_socket_lock(F_GETLK, &lock, F_WRLCK, start, len)
           == NGX_OK
           && lock.l_type != F_UNLCK;
}


ngx_uint_t
ngx_pimap_handover_socket_takers(void)
{
    off_t  own;

    if (ngx_pimap_handover_socket_newest == NULL) {
        return 0;
    }

    /* a newer generation may be just about to start */

    own = (off_t) ngx_pimap_handover_socket_number;

    return *ngx_pimap_handover_socket_newest
           > ngx_pimap_handover_socket_number
           || ngx_pimap_handover_socket_locked(0, own)
           || ngx_pimap_handover_socket_locked(own + 1, 0);
}


ngx_uint_t
ngx_pimap_handover_socket_takes(uint64_t generation)
{
    return generation < ngx_pimap_handover_socket_number
           || (generation > ngx_pimap_handover_socket_number
               && generation == *ngx_pimap_handover_socket_newest);
}


ngx_socket_t
ngx_pimap_handover_socket_writer(void)
{
    return ngx_pimap_handover_socket[0];
}


ngx_socket_t
ngx_pimap_handover_socket_reader(void)
{
    return ngx_pimap_handover_socket[1];
}
