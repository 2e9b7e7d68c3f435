
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a request of dav_http.h: its headers, its redirects, its end.  Called
 * by dav_http.c.  Invariant: a transfer ends by done() or dav_http_cancel().
 */


#ifndef _DAV_TRANSFER_H_INCLUDED_
#define _DAV_TRANSFER_H_INCLUDED_


#include "dav_http.h"

#include <curl/curl.h>


#define DAV_TRANSFER_SCHEME  16


struct dav_http_s {
    const dav_http_conf_t           *conf;
    CURLM                           *multi;
    struct event                     timer;
    unsigned                         ntransfers;
    uint64_t                         requests;
};


struct dav_transfer_s {
    dav_http_t                      *http;
    CURL                            *easy;
    struct curl_slist               *headers;
    char                            *origin;
    char                            *path;
    size_t                           received;
    size_t                           max;
    unsigned                         redirects;
    unsigned                         sent;      /* times, also by libcurl */
    dav_body_pt                      handler;
    dav_done_pt                      done;
    void                            *data;
    char                             scheme[DAV_TRANSFER_SCHEME];
    char                             error[CURL_ERROR_SIZE];
};


/* libcurl has finished with it. */

void dav_transfer_finish(dav_transfer_t *t, CURLcode code);


#endif /* _DAV_TRANSFER_H_INCLUDED_ */
