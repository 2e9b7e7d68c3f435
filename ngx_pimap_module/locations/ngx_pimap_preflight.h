
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Questions to Redis before the head of a response: the event id that the
 * device starts from, and whether its login is revoked.
 */


#ifndef _NGX_PIMAP_PREFLIGHT_H_INCLUDED_
#define _NGX_PIMAP_PREFLIGHT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_park_request.h"


/* In the request's pool. */
typedef struct {
    ngx_http_request_t        *request;
    ngx_pimap_park_request_t  *parking;     /* gets its start */
    void                     (*handler)(void *data);
    void                      *data;

    ngx_pimap_command_t       *command;     /* for the end of the log */
    ngx_pimap_command_t       *revocation;
    ngx_event_t                timer;
    ngx_uint_t                 revoked;
} ngx_pimap_preflight_t;


/*
 * NGX_OK: nothing has to be asked.  NGX_AGAIN: the handler is called after the
 * reply of Redis, or after a time; until then the request's context is used.
 */
ngx_int_t ngx_pimap_preflight(ngx_pimap_preflight_t *preflight);

/* The handler will not be called, because the request ends. */
void ngx_pimap_preflight_forget(ngx_pimap_preflight_t *preflight);


#endif /* _NGX_PIMAP_PREFLIGHT_H_INCLUDED_ */
