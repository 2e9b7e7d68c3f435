
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes that wait on a connection: there only while some do.
 */


#ifndef _NGX_PIMAP_BACKLOG_H_INCLUDED_
#define _NGX_PIMAP_BACKLOG_H_INCLUDED_


#include "ngx_pimap.h"


typedef struct ngx_pimap_buffer_s  ngx_pimap_buffer_t;


/* Adds to the end; NGX_ERROR if memory is out, then it is as before. */
ngx_int_t ngx_pimap_buffer_add(ngx_pimap_buffer_t **backlog, u_char *data,
    size_t len);

/* Bytes that wait; the caller has checked that there is a backlog. */
size_t ngx_pimap_buffer_size(ngx_pimap_buffer_t *backlog);
void ngx_pimap_buffer_rest(ngx_pimap_buffer_t *backlog, ngx_str_t *rest);

/* Takes from the front; the backlog becomes NULL when it is empty. */
void ngx_pimap_buffer_take(ngx_pimap_buffer_t **backlog, size_t len);
void ngx_pimap_buffer_free(ngx_pimap_buffer_t **backlog);


#endif /* _NGX_PIMAP_BACKLOG_H_INCLUDED_ */
