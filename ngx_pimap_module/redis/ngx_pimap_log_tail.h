
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the last events of an account's log as JSON, the newest one first.
 * Called by locations.  Invariant: no reply of Redis is too large for its
 * connection, and the text has a limit.
 */


#ifndef _NGX_PIMAP_LOG_TAIL_H_INCLUDED_
#define _NGX_PIMAP_LOG_TAIL_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_event_log.h"


/* In the request's pool.  The caller sets the first members. */
typedef struct {
    ngx_pool_t            *pool;
    ngx_str_t             *account;
    pimap_event_id_t       before;      /* epoch 0: the end of the log */
    ngx_uint_t             count;       /* events at most */
    void                 (*done)(void *data);
    void                  *data;

    ngx_array_t            entries;     /* of ngx_str_t, JSON objects */
    size_t                 bytes;
    ngx_uint_t             asked;       /* entries of a page */
    ngx_uint_t             more;        /* there are older events */
    pimap_event_id_t       last;        /* of the entries */
    ngx_str_t              error;       /* empty: none */
    ngx_pimap_command_t   *command;     /* NULL: it is done */
} ngx_pimap_log_tail_t;


/*
 * NGX_OK: done() is called later, once.  NGX_DECLINED: Redis is away.
 * NGX_ERROR: memory is out.
 */
ngx_int_t ngx_pimap_log_tail_read(ngx_pimap_log_tail_t *tail);

/* done() will not be called. */
void ngx_pimap_log_tail_forget(ngx_pimap_log_tail_t *tail);


#endif /* _NGX_PIMAP_LOG_TAIL_H_INCLUDED_ */
