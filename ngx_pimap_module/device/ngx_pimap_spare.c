
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection also takes a file descriptor, of which there may be fewer.
 */


#include "ngx_pimap_spare.h"

#include <sys/resource.h>


#define NGX_PIMAP_SPARE        8        /* and one for each worker ... */
#define NGX_PIMAP_SPARE_SHARE  4        /* ... but at most a quarter of all */
#define NGX_PIMAP_SPARE_FILES  1024     /* that are looked at */


static ngx_int_t ngx_pimap_spare_files(ngx_cycle_t *cycle);
static ngx_int_t ngx_pimap_spare_used(ngx_cycle_t *cycle);
static ngx_int_t ngx_pimap_spare_free(void);


static ngx_int_t   ngx_pimap_spare_all;     /* connections, at most */
static ngx_int_t   ngx_pimap_spare_kept;
static ngx_int_t   ngx_pimap_spare_promises;
static ngx_uint_t  ngx_pimap_spare_logged;


void
ngx_pimap_spare_init_process(ngx_cycle_t *cycle)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    ngx_pimap_spare_all = ngx_min((ngx_int_t) cycle->connection_n,
                                  ngx_pimap_spare_files(cycle));

    ngx_pimap_spare_kept = ngx_min(NGX_PIMAP_SPARE
                                   + (ngx_int_t) ccf->worker_processes,
                                   ngx_pimap_spare_all
                                   / NGX_PIMAP_SPARE_SHARE);
}


/* How many connections the limit of open files allows. */

static ngx_int_t
ngx_pimap_spare_files(ngx_cycle_t *cycle)
{
    int            fd;
    ngx_int_t      open;
    struct rlimit  limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1
        || limit.rlim_cur > NGX_MAX_INT32_VALUE)
    {
        return NGX_MAX_INT32_VALUE;
    }

    open = 0;

    for (fd = 0; fd < NGX_PIMAP_SPARE_FILES; fd++) {
        open += (fcntl(fd, F_GETFD) != -1);
    }

    return (ngx_int_t) limit.rlim_cur - open + ngx_pimap_spare_used(cycle);
}


/* nginx closes idle connections when it needs their place. */

static ngx_int_t
ngx_pimap_spare_used(ngx_cycle_t *cycle)
{
    return (ngx_int_t) cycle->connection_n
           - (ngx_int_t) cycle->free_connection_n
           - (ngx_int_t) cycle->reusable_connections_n;
}


/* Without those that are kept, with those that are promised. */

static ngx_int_t
ngx_pimap_spare_free(void)
{
    return ngx_pimap_spare_all - ngx_pimap_spare_kept
           - ngx_pimap_spare_used((ngx_cycle_t *) ngx_cycle);
}


ngx_int_t
ngx_pimap_spare_room(void)
{
    ngx_int_t  n, others;

    n = ngx_pimap_spare_free();
    others = ngx_max(ngx_min(n / 2, n - ngx_pimap_spare_kept), 0);

    return n - others - ngx_pimap_spare_promises;
}


ngx_uint_t
ngx_pimap_spare_over(void)
{
    return ngx_pimap_spare_free() < 0;
}


ngx_uint_t
ngx_pimap_spare_any(void)
{
    return ngx_cycle->free_connection_n + ngx_cycle->reusable_connections_n
           > 0;
}


void
ngx_pimap_spare_promise(ngx_int_t n)
{
    ngx_pimap_spare_promises += n;
}


ngx_uint_t
ngx_pimap_spare_enough(ngx_log_t *log)
{
    ngx_int_t  n;

    n = ngx_pimap_spare_free() - ngx_pimap_spare_promises;

    if (n >= 0) {

        if (n > ngx_pimap_spare_kept) {
            ngx_pimap_spare_logged = 0;
        }

        return 1;
    }

    if (!ngx_pimap_spare_logged) {
        ngx_pimap_spare_logged = 1;

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "pimap: no more devices are parked: this worker keeps "
                      "its last %i connections for Redis and other requests, "
                      "see \"worker_connections\" and "
                      "\"worker_rlimit_nofile\"", ngx_pimap_spare_kept);
    }

    return 0;
}
