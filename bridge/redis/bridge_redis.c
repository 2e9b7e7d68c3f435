
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one connection to Redis: connect, TLS, login, bytes.
 */


#include "bridge_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>

#include <openssl/err.h>


#define BRIDGE_REDIS_MAX_REPLY    (64 * 1024 * 1024)
#define BRIDGE_REDIS_MAX_DEPTH    7
#define BRIDGE_REDIS_BACKOFF_MIN  100
#define BRIDGE_REDIS_BACKOFF_MAX  5000


static void bridge_redis_connect(bridge_redis_t *redis);
static void bridge_redis_choose(bridge_redis_t *redis);
static void bridge_redis_connect_peer(bridge_redis_t *redis);
static struct bufferevent *bridge_redis_bufferevent(bridge_redis_t *redis);
static int bridge_redis_connect_to(bridge_redis_t *redis);
static void bridge_redis_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_redis_event_handler(struct bufferevent *bev, short what,
    void *data);
static const char *bridge_redis_why(struct bufferevent *bev, short what,
    char *buf, size_t size);
static void bridge_redis_greet(bridge_redis_t *redis);
static void bridge_redis_read_handler(struct bufferevent *bev, void *data);
static void bridge_redis_greeted(bridge_redis_t *redis, redisReply *reply);
static void bridge_redis_move(bridge_redis_t *redis);
static void bridge_redis_drop(bridge_redis_t *redis);
static void bridge_redis_lost(bridge_redis_t *redis);


bridge_redis_conf_t  *bridge_redis_conf;

void
bridge_redis_open(bridge_redis_t *redis)
{
    evtimer_assign(&redis->timer, bridge_base, bridge_redis_timer_handler,
                   redis);

    bridge_redis_connect(redis);
}


void
bridge_redis_close(bridge_redis_t *redis)
{
    evtimer_del(&redis->timer);

    bridge_redis_drop(redis);
}


int
bridge_redis_send(bridge_redis_t *redis, const char *command, size_t len)
{
    struct evbuffer  *output;

    if (redis->state < BRIDGE_REDIS_GREETING || redis->failed) {
        return -1;
    }

    output = bufferevent_get_output(redis->bev);

    if (evbuffer_get_length(output) + len
        > (size_t) bridge_redis_conf->max_bytes)
    {
        return -1;
    }

    return evbuffer_add(output, command, len);
}


int
bridge_redis_format(bridge_redis_t *redis, const char *format, ...)
{
    int       len, rc;
    char     *command;
    va_list   args;

    va_start(args, format);
    len = redisvFormatCommand(&command, format, args);
    va_end(args);

    if (len < 0) {
        return -1;
    }

    rc = bridge_redis_send(redis, command, len);

    bridge_wipe_free(command, len);

    return rc;
}


void
bridge_redis_fail(bridge_redis_t *redis, const char *why)
{
    if (redis->failed || redis->state == BRIDGE_REDIS_DOWN) {
        return;
    }

    bridge_redis_trouble(redis, why);
    bridge_redis_end(redis);
}


void
bridge_redis_end(bridge_redis_t *redis)
{
    if (redis->failed || redis->state == BRIDGE_REDIS_DOWN) {
        return;
    }

    redis->failed = 1;

    if (!redis->reading) {
        bridge_redis_lost(redis);
    }
}


int
bridge_redis_is_error(redisReply *reply, const char *prefix)
{
    return reply && reply->type == REDIS_REPLY_ERROR
           && strncmp(reply->str, prefix, strlen(prefix)) == 0;
}


const char *
bridge_redis_text(redisReply *reply, size_t i)
{
    return reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements
           && reply->element[i]->type == REDIS_REPLY_STRING
           ? reply->element[i]->str : NULL;
}


static void
bridge_redis_connect(bridge_redis_t *redis)
{
    bridge_redis_choose(redis);
    bridge_redis_connect_peer(redis);
}


/* Sentinels are asked in turn, at each attempt. */

static void
bridge_redis_choose(bridge_redis_t *redis)
{
    pimap_redis_url_t       *url;
    pimap_redis_url_host_t  *host;

    url = &bridge_redis_conf->url;

    if (redis->choose) {
        redis->peer = PIMAP_REDIS_PEER_NODE;
        redis->choose(redis);
        return;
    }

    if (url->type == PIMAP_REDIS_URL_UNIX) {
        redis->peer = PIMAP_REDIS_PEER_REDIS;
        g_strlcpy(redis->host, url->path, sizeof(redis->host));
        redis->port = 0;
        return;
    }

    redis->peer = url->type == PIMAP_REDIS_URL_SENTINEL
                  ? PIMAP_REDIS_PEER_SENTINEL : PIMAP_REDIS_PEER_REDIS;

    host = &url->hosts[redis->turn++ % url->nhosts];

    g_strlcpy(redis->host, host->name, sizeof(redis->host));
    redis->port = host->port;
}


static void
bridge_redis_connect_peer(bridge_redis_t *redis)
{
    redis->state = BRIDGE_REDIS_CONNECTING;
    redis->failed = 0;
    redis->redirected = 0;
    redis->unread = 0;

    redis->reader = redisReaderCreate();
    redis->bev = bridge_redis_bufferevent(redis);

    if (redis->reader == NULL || redis->bev == NULL) {
        bridge_redis_fail(redis, "no memory to connect");
        return;
    }

    bufferevent_setcb(redis->bev, bridge_redis_read_handler, NULL,
                      bridge_redis_event_handler, redis);

    bridge_timer_set(&redis->timer, bridge_redis_conf->timeout);

    /* calls our handler at once, if that fails at once */

    redis->reading = 1;

    if (bridge_redis_connect_to(redis) != 0) {
        bridge_redis_fail(redis, "cannot connect");
    }

    redis->reading = 0;

    if (redis->failed) {
        bridge_redis_lost(redis);
    }
}


static struct bufferevent *
bridge_redis_bufferevent(bridge_redis_t *redis)
{
    SSL                 *ssl;
    struct bufferevent  *bev;

    if (bridge_redis_conf->ssl == NULL) {
        return bufferevent_socket_new(bridge_base, -1, BEV_OPT_CLOSE_ON_FREE);
    }

    ssl = bridge_tls_connect(bridge_redis_conf->ssl, redis->host);
    if (ssl == NULL) {
        return NULL;
    }

    bev = bufferevent_openssl_socket_new(bridge_base, -1, ssl,
                                         BUFFEREVENT_SSL_CONNECTING,
                                         BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(ssl);
    }

    return bev;
}


/* libevent tries one of several addresses: each second time one of IPv4. */

static int
bridge_redis_connect_to(bridge_redis_t *redis)
{
    struct sockaddr_un  sun;

    if (redis->port) {
        return bufferevent_socket_connect_hostname(redis->bev, bridge_dns,
                                        redis->backoff.failures % 2
                                        ? AF_INET : AF_UNSPEC,
                                        redis->host, redis->port);
    }

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;

    if (strlen(redis->host) >= sizeof(sun.sun_path)) {
        return -1;
    }

    strcpy(sun.sun_path, redis->host);

    return bufferevent_socket_connect(redis->bev, (struct sockaddr *) &sun,
                                      sizeof(sun));
}


static void
bridge_redis_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_redis_t  *redis = data;

    if (redis->state == BRIDGE_REDIS_DOWN) {
        bridge_redis_connect(redis);
        return;
    }

    bridge_redis_fail(redis, "timeout");
}


static void
bridge_redis_event_handler(struct bufferevent *bev, short what, void *data)
{
    char             why[256];
    bridge_redis_t  *redis = data;

    if (what & BEV_EVENT_CONNECTED) {
        evutil_make_socket_closeonexec(bufferevent_getfd(bev));
        redis->state = BRIDGE_REDIS_GREETING;
        bridge_redis_greet(redis);
        return;
    }

    bridge_redis_fail(redis, bridge_redis_why(bev, what, why, sizeof(why)));
}


static const char *
bridge_redis_why(struct bufferevent *bev, short what, char *buf, size_t size)
{
    int            dns;
    unsigned long  tls;

    dns = bufferevent_socket_get_dns_error(bev);
    tls = bridge_tls_error(bev);

    if (dns) {
        return evutil_gai_strerror(dns);
    }

    if (tls) {
        ERR_error_string_n(tls, buf, size);
        ERR_clear_error();
        return buf;
    }

    if (what & BEV_EVENT_EOF) {
        return "the server has closed the connection";
    }

    snprintf(buf, size, "%s",
             evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));

    return buf;
}


static void
bridge_redis_greet(bridge_redis_t *redis)
{
    int                          len, rc;
    char                        *text;
    unsigned                     i;
    pimap_redis_login_command_t  *command;

    bufferevent_enable(redis->bev, EV_READ|EV_WRITE);

    pimap_redis_login_start(&redis->login, redis->peer,
                            redis->peer == PIMAP_REDIS_PEER_SENTINEL
                            ? &bridge_redis_conf->sentinel
                            : &bridge_redis_conf->credentials);

    for (i = 0; i < redis->login.ncommands; i++) {
        command = &redis->login.commands[i];

        len = redisFormatCommandArgv(&text, command->argc, command->argv,
                                     command->len);
        rc = len < 0 ? -1 : bridge_redis_send(redis, text, len);

        if (len >= 0) {
            bridge_wipe_free(text, len);
        }

        if (rc != 0) {
            bridge_redis_fail(redis, "no memory to log in");
            return;
        }
    }
}


static void
bridge_redis_read_handler(struct bufferevent *bev, void *data)
{
    int                    n;
    void                  *reply;
    bridge_redis_t        *redis = data;
    struct evbuffer       *input;
    struct evbuffer_iovec  v;

    redis->reading = 1;
    input = bufferevent_get_input(bev);

    while (!redis->failed && !redis->redirected
           && evbuffer_peek(input, -1, NULL, &v, 1) > 0) {

        n = redisReaderFeed(redis->reader, v.iov_base, v.iov_len);
        redis->unread += v.iov_len;
        evbuffer_drain(input, v.iov_len);

        while (n == REDIS_OK && !redis->failed && !redis->redirected) {
            n = redisReaderGetReply(redis->reader, &reply);

            if (n != REDIS_OK || reply == NULL) {
                break;
            }

            redis->unread = 0;

            if (redis->state == BRIDGE_REDIS_GREETING) {
                bridge_redis_greeted(redis, reply);

            } else {
                redis->reply(redis, reply);
            }

            freeReplyObject(reply);
        }

        if (n != REDIS_OK) {
            bridge_redis_fail(redis, "bad reply");

        } else if (redis->unread > BRIDGE_REDIS_MAX_REPLY) {
            bridge_redis_fail(redis, "the reply is too long");

        } else if (redis->reader->ridx > BRIDGE_REDIS_MAX_DEPTH) {
            bridge_redis_fail(redis, "the reply is nested too deeply");
        }
    }

    redis->reading = 0;

    if (redis->failed) {
        bridge_redis_lost(redis);

    } else if (redis->redirected) {
        bridge_redis_move(redis);
    }
}


static void
bridge_redis_greeted(bridge_redis_t *redis, redisReply *reply)
{
    const char  *why;

    switch (pimap_redis_login_reply(&redis->login, reply, &why)) {

    case PIMAP_REDIS_LOGIN_AGAIN:
        return;

    case PIMAP_REDIS_LOGIN_REDIRECTED:
        redis->redirected = 1;
        return;

    case PIMAP_REDIS_LOGIN_FAILED:
        bridge_redis_fail(redis, why);
        return;

    case PIMAP_REDIS_LOGIN_DONE:
        break;
    }

    evtimer_del(&redis->timer);

    redis->state = BRIDGE_REDIS_UP;

    bridge_backoff_reset(&redis->backoff);

    redis->up(redis);
}


/* The sentinel has told where the master is. */

static void
bridge_redis_move(bridge_redis_t *redis)
{
    bridge_redis_drop(redis);

    redis->peer = PIMAP_REDIS_PEER_MASTER;
    redis->port = redis->login.port;
    strcpy(redis->host, redis->login.host);

    bridge_redis_connect_peer(redis);
}


static void
bridge_redis_drop(bridge_redis_t *redis)
{
    redis->state = BRIDGE_REDIS_DOWN;

    if (redis->bev) {
        bufferevent_free(redis->bev);
        redis->bev = NULL;
    }

    if (redis->reader) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }
}


static void
bridge_redis_lost(bridge_redis_t *redis)
{
    int  up;

    up = redis->state == BRIDGE_REDIS_UP;

    bridge_redis_drop(redis);

    redis->failed = 0;

    bridge_timer_set(&redis->timer,
                     bridge_backoff_next(&redis->backoff,
                                         BRIDGE_REDIS_BACKOFF_MIN,
                                         BRIDGE_REDIS_BACKOFF_MAX));
    if (up) {
        redis->down(redis);
    }
}
