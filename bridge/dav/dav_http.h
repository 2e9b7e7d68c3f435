
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Requests: libcurl's multi interface on libevent's loop.  Connections are
 * kept, shared and limited; TLS is verified; redirects are followed within
 * one host; every request has an end.
 */


#ifndef _DAV_HTTP_H_INCLUDED_
#define _DAV_HTTP_H_INCLUDED_


#include "bridge.h"


#define DAV_HTTP_REDIRECTS      4

typedef struct dav_http_s       dav_http_t;
typedef struct dav_transfer_s   dav_transfer_t;


/* Settings; all must stay.  Times are in ms. */

typedef struct {
    struct event_base    *base;
    const char           *ca_file;      /* NULL: those of the system */
    unsigned              verify:1;     /* certificates */
    uint32_t              connect;      /* connecting and TLS */
    uint32_t              answer;       /* a request, in all */
    uint32_t              max_connections;  /* to a host */
    uint32_t              max_waiting;  /* requests under way */
} dav_http_conf_t;


/* Copied.  "as" goes into the header "as_header": for a master user. */

typedef struct {
    const char           *user;
    const char           *secret;       /* password; token if "bearer" */
    const char           *as_header;
    const char           *as;
    unsigned              bearer:1;
} dav_login_t;


/* All but the body, which is copied, are read before dav_http_send() ends. */

typedef struct {
    const char           *method;
    const char           *origin;
    const char           *path;         /* canonical */
    int                   depth;        /* -1: without the header */
    const char           *type;         /* of the body */
    const char           *body;
    size_t                len;
    const char           *if_match;
    const char           *if_none_match;
    size_t                max_answer;   /* bytes */
} dav_request_t;


typedef enum {
    DAV_HTTP_OK = 0,                    /* there is a status */
    DAV_HTTP_UNSENT,                    /* nothing has reached the server */
    DAV_HTTP_LOST,                      /* it might have */
    DAV_HTTP_LIMIT,                     /* ours: the answer, the redirects */
    DAV_HTTP_TLS                        /* certificate; nothing was sent */
} dav_http_result_t;

typedef struct {
    dav_http_result_t     result;
    int                   status;
    const char           *etag;         /* NULL: none */
    const char           *origin;       /* where it came from */
    uint32_t              retry_after;  /* ms, 0: none */
    const char           *why;          /* for the log */
} dav_answer_t;


/* Bytes of the body, of the final answer only.  -1 ends the request. */

typedef int (*dav_body_pt)(void *data, const char *bytes, size_t len);

/* The end; from the event loop, never within dav_http_send(). */

typedef void (*dav_done_pt)(void *data, const dav_answer_t *answer);


/* Once for the process, before and after all others. */

int dav_http_init(void);
void dav_http_done(void);

dav_http_t *dav_http_create(const dav_http_conf_t *conf);
void dav_http_free(dav_http_t *h);      /* no request may be under way */

/* NULL if there are too many. */

dav_transfer_t *dav_http_send(dav_http_t *h, const dav_request_t *request,
    const dav_login_t *login, dav_body_pt body, dav_done_pt done, void *data);

/* Its callbacks will not be called. */

void dav_http_cancel(dav_transfer_t *t);

/* Requests that were sent, in all, redirects and all. */

uint64_t dav_http_requests(dav_http_t *h);


#endif /* _DAV_HTTP_H_INCLUDED_ */
