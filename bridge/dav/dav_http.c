
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libcurl names its sockets and its time-out; libevent tells libcurl what has
 * happened.  Finished transfers are taken afterwards, so that no handler runs
 * within libcurl.
 */


#include "dav_http.h"
#include "dav_transfer.h"

#include <stdlib.h>


static void *dav_http_calloc(size_t n, size_t size);
static int dav_http_socket(CURL *easy, curl_socket_t fd, int what, void *data,
    void *socket);
static int dav_http_timer(CURLM *multi, long ms, void *data);
static void dav_http_event(evutil_socket_t fd, short what, void *data);
static void dav_http_timeout(evutil_socket_t fd, short what, void *data);
static void dav_http_act(dav_http_t *h, curl_socket_t fd, int what);


int
dav_http_init(void)
{
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, g_malloc, free, g_realloc,
                                g_strdup, dav_http_calloc)
           == CURLE_OK ? 0 : -1;
}


static void *
dav_http_calloc(size_t n, size_t size)
{
    return g_malloc0_n(n, size);
}


void
dav_http_done(void)
{
    curl_global_cleanup();
}


dav_http_t *
dav_http_create(const dav_http_conf_t *conf)
{
    dav_http_t  *h;

    h = bridge_alloc(sizeof(dav_http_t));
    h->conf = conf;

    h->multi = curl_multi_init();

    if (h->multi == NULL) {
        free(h);
        return NULL;
    }

    event_assign(&h->timer, conf->base, -1, 0, dav_http_timeout, h);

    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, dav_http_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, dav_http_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING,
                      (long) CURLPIPE_MULTIPLEX);
    curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long) conf->max_connections);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS,
                      (long) conf->max_connections);

    return h;
}


void
dav_http_free(dav_http_t *h)
{
    curl_multi_cleanup(h->multi);
    event_del(&h->timer);
    free(h);
}


uint64_t
dav_http_requests(dav_http_t *h)
{
    return h->requests;
}


static int
dav_http_socket(CURL *easy, curl_socket_t fd, int what, void *data,
    void *socket)
{
    dav_http_t   *h = data;
    struct event *event = socket;

    short  events;

    if (what == CURL_POLL_REMOVE) {

        if (event) {
            event_free(event);
            curl_multi_assign(h->multi, fd, NULL);
        }

        return 0;
    }

    events = EV_PERSIST
             | (what & CURL_POLL_IN ? EV_READ : 0)
             | (what & CURL_POLL_OUT ? EV_WRITE : 0);

    if (event) {
        event_free(event);
    }

    event = event_new(h->conf->base, fd, events, dav_http_event, h);
    event_add(event, NULL);
    curl_multi_assign(h->multi, fd, event);

    return 0;
}


static int
dav_http_timer(CURLM *multi, long ms, void *data)
{
    dav_http_t *h = data;

    if (ms < 0) {
        event_del(&h->timer);

    } else {
        bridge_timer_set(&h->timer, ms);
    }

    return 0;
}


static void
dav_http_event(evutil_socket_t fd, short what, void *data)
{
    dav_http_act(data, fd, (what & EV_READ ? CURL_CSELECT_IN : 0)
                           | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}


static void
dav_http_timeout(evutil_socket_t fd, short what, void *data)
{
    dav_http_act(data, CURL_SOCKET_TIMEOUT, 0);
}


/* The handler of a transfer may cancel others, or send. */

static void
dav_http_act(dav_http_t *h, curl_socket_t fd, int what)
{
    int              n;
    CURLMsg         *message;
    CURLcode         code;
    dav_transfer_t  *t;

    curl_multi_socket_action(h->multi, fd, what, &n);

    while ((message = curl_multi_info_read(h->multi, &n))) {

        if (message->msg == CURLMSG_DONE) {
            code = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);

            dav_transfer_finish(t, code);
        }
    }
}
