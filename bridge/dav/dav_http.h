
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns requests by HTTP: libcurl's multi interface on libevent's loop.
 * Called by dav_report.c and dav_update_put.c.  Invariant: connections are
 * kept, shared and limited, certificates are verified, redirects stay on one
 * host, and each request ends by done() or dav_http_cancel().
 */


#ifndef _DAV_HTTP_H_INCLUDED_
#define _DAV_HTTP_H_INCLUDED_


#include "bridge.h"


#define DAV_HTTP_REDIRECTS      4

typedef struct dav_http_s       dav_http_t;
typedef struct dav_transfer_s   dav_transfer_t;


/* Settings, valid as long as the dav_http_t.  Times in ms. */

typedef struct {
    struct event_base    *base;
    const char           *ca_file;      /* NULL: the system's */
    unsigned              verify:1;     /* certificates */
    uint32_t              connect;      /* connecting and TLS */
    uint32_t              answer;       /* a request, in all */
    uint32_t              max_connections;  /* to a host */
    uint32_t              max_waiting;  /* requests in flight */
} dav_http_conf_t;


/* Copied.  "as" goes into the header "as_header": for a master user. */

typedef struct {
    const char           *user;
    const char           *secret;       /* password; token if "bearer" */
    const char           *as_header;
    const char           *as;
    unsigned              bearer:1;
} dav_login_t;


/* Read before dav_http_send() returns. */

typedef struct {
    const char           *method;
    const char           *origin;
    const char           *path;         /* of dav_url.h */
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
    DAV_HTTP_LOST,                      /* the request may have */
    DAV_HTTP_LIMIT,                     /* of the answer or the redirects */
    DAV_HTTP_TLS                        /* certificate; nothing was sent */
} dav_http_result_t;

typedef struct {
    dav_http_result_t     result;
    int                   status;
    const char           *etag;         /* NULL: none */
    const char           *origin;       /* after redirects */
    const char           *path;         /* likewise */
    const char           *scheme;       /* of a 401: the login it asks for */
    unsigned              resent:1;     /* the server may have got it twice */
    uint32_t              retry_after;  /* ms, 0: none */
    const char           *why;          /* for the log */
} dav_answer_t;


/* Bytes of the body after redirects.  Returns -1 to end the request. */

typedef int (*dav_body_pt)(void *data, const char *bytes, size_t len);

/* From the event loop, never within dav_http_send(). */

typedef void (*dav_done_pt)(void *data, const dav_answer_t *answer);


/* Once for the process. */

int dav_http_init(void);
void dav_http_done(void);

dav_http_t *dav_http_create(const dav_http_conf_t *conf);
void dav_http_free(dav_http_t *h);      /* without requests */

/* NULL if too many requests wait. */

dav_transfer_t *dav_http_send(dav_http_t *h, const dav_request_t *request,
    const dav_login_t *login, dav_body_pt body, dav_done_pt done, void *data);

/* Of the request that is being answered, after redirects. */

const char *dav_transfer_path(const dav_transfer_t *t);

/* Without done(). */

void dav_http_cancel(dav_transfer_t *t);

/* The number of sent requests, with redirects. */

uint64_t dav_http_requests(dav_http_t *h);


#endif /* _DAV_HTTP_H_INCLUDED_ */
