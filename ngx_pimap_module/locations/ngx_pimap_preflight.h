
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What has to be known before the head of a response: where the device starts,
 * and whether its login has been revoked.
 */


#ifndef _NGX_PIMAP_ASK_H_INCLUDED_
#define _NGX_PIMAP_ASK_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_park_request.h"


/* In the request's pool. */
typedef struct {
    ngx_http_request_t     *request;
    ngx_pimap_park_request_t    *parking;    /* its start is filled in */
    void                  (*handler)(void *data);
    void                   *data;

    ngx_pimap_command_t    *command;    /* asks where the log ends */
    ngx_pimap_command_t    *revocation; /* asks up to when logins are so */
    ngx_event_t             timer;      /* for how long it may take */
    ngx_uint_t              revoked;
} ngx_pimap_preflight_t;


/*
 * NGX_OK: all is known.  NGX_AGAIN: Redis is asked, the handler is called when
 * it has answered or takes too long; the request's context is ours until then.
 */
ngx_int_t ngx_pimap_preflight(ngx_pimap_preflight_t *ask);

/* The request goes: the handler will not be called. */
void ngx_pimap_preflight_forget(ngx_pimap_preflight_t *ask);


#endif /* _NGX_PIMAP_ASK_H_INCLUDED_ */
