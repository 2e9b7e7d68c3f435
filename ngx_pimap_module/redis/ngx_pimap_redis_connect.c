
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of a connection to Redis: name, socket, TLS, login, and again
 * after a loss.  The waits between attempts grow and are jittered, so that
 * many workers do not reconnect to a starting Redis at one moment.
 */


#include "ngx_pimap_redis.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_REDIS_BACKOFF_MIN   100
#define NGX_PIMAP_REDIS_BACKOFF_MAX   5000


static void ngx_pimap_redis_timer_handler(ngx_event_t *ev);
static void ngx_pimap_redis_start(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_pimap_redis_connect(ngx_pimap_redis_t *redis,
    struct sockaddr *sockaddr, socklen_t socklen);
static void ngx_pimap_redis_unconnected(ngx_pimap_redis_t *redis,
    ngx_err_t err);
static ngx_log_t *ngx_pimap_redis_log(void);
static void ngx_pimap_redis_connected(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_reply(ngx_pimap_redis_t *redis, redisReply *reply);
static void ngx_pimap_redis_over(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_move(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_lose(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_dummy_handler(ngx_event_t *ev);
static ngx_err_t ngx_pimap_redis_socket_error(ngx_connection_t *c);
static redisReader *ngx_pimap_redis_reader(void);

#if (HIREDIS_MAJOR >= 1)
static void *ngx_pimap_redis_array(const redisReadTask *task, size_t n);
#else
static void *ngx_pimap_redis_array(const redisReadTask *task, int n);
#endif


static const ngx_pimap_redis_phase_t  ngx_pimap_redis_connecting_phase = {
    ngx_pimap_redis_connected,
    NULL,
    ngx_pimap_redis_over
};

static const ngx_pimap_redis_phase_t  ngx_pimap_redis_connected_phase = {
    NULL,
    ngx_pimap_redis_reply,
    ngx_pimap_redis_over
};

static redisReplyObjectFunctions  ngx_pimap_redis_functions;
static redisReplyObjectFunctions  ngx_pimap_redis_defaults;


void
ngx_pimap_redis_open(ngx_pimap_redis_t *redis)
{
    redis->ident = -1;

    redis->timer.handler = ngx_pimap_redis_timer_handler;
    redis->timer.data = redis;
    redis->timer.log = ngx_cycle->log;
    redis->timer.cancelable = 1;

    ngx_pimap_redis_start(redis);
}


static void
ngx_pimap_redis_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_redis_t  *redis = ev->data;

    if (redis->failed) {
        ngx_pimap_redis_lose(redis);
        return;
    }

    if (redis->state == NGX_PIMAP_REDIS_DOWN) {
        ngx_pimap_redis_start(redis);
        return;
    }

    ngx_pimap_redis_fail(redis, "connect timed out");
}


static void
ngx_pimap_redis_start(ngx_pimap_redis_t *redis)
{
    ngx_addr_t                *addr;
    ngx_resolver_ctx_t        *ctx;
    ngx_pimap_conf_redis_t    *conf;
    ngx_pimap_redis_server_t  *server;

    conf = redis->conf;
    server = redis->server;

    ngx_add_timer(&redis->timer, conf->connect_timeout);

    if (server->addrs) {
        addr = &server->addrs[redis->addr++ % server->naddrs];
        redis->sentinel = (conf->master.len != 0);
        ngx_pimap_redis_connect(redis, addr->sockaddr, addr->socklen);
        return;
    }

    ngx_pimap_redis_set_state(redis, NGX_PIMAP_REDIS_RESOLVING);

    ctx = conf->resolver ? ngx_resolve_start(conf->resolver, NULL) : NULL;

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_pimap_redis_fail(redis, "no resolver");
        return;
    }

    ctx->name = server->host;
    ctx->handler = ngx_pimap_redis_resolved;
    ctx->data = redis;
    ctx->timeout = conf->resolver_timeout;

    redis->resolving = ctx;

    if (ngx_resolve_name(ctx) != NGX_OK) {
        redis->resolving = NULL;
        ngx_pimap_redis_fail(redis, "resolver failed");
    }
}


static void
ngx_pimap_redis_resolved(ngx_resolver_ctx_t *ctx)
{
    socklen_t            socklen;
    ngx_sockaddr_t       sa;
    ngx_resolver_addr_t *addr;
    ngx_pimap_redis_t   *redis;

    redis = ctx->data;
    redis->resolving = NULL;

    if (ctx->state) {
        ngx_resolve_name_done(ctx);
        ngx_pimap_redis_fail(redis, "host not found");
        return;
    }

    addr = &ctx->addrs[redis->addr++ % ctx->naddrs];
    socklen = addr->socklen;

    ngx_memcpy(&sa, addr->sockaddr, socklen);
    ngx_inet_set_port(&sa.sockaddr, redis->server->port);

    ngx_resolve_name_done(ctx);

    ngx_pimap_redis_connect(redis, &sa.sockaddr, socklen);
}


static void
ngx_pimap_redis_connect(ngx_pimap_redis_t *redis, struct sockaddr *sockaddr,
    socklen_t socklen)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t  *pc;

    redis->phase = &ngx_pimap_redis_connecting_phase;
    ngx_pimap_redis_set_state(redis, NGX_PIMAP_REDIS_CONNECTING);

    redis->local = (sockaddr->sa_family == AF_UNIX);
    redis->host.data = redis->host_text;
    redis->host.len = ngx_sock_ntop(sockaddr, socklen, redis->host_text,
                                    sizeof(redis->host_text), 0);

    pc = &redis->peer;
    ngx_memzero(pc, sizeof(ngx_peer_connection_t));

    pc->sockaddr = sockaddr;
    pc->socklen = socklen;
    pc->name = &redis->server->name;
    pc->get = ngx_event_get_peer;
    pc->log = ngx_pimap_redis_log();
    pc->log_error = NGX_ERROR_ERR;

    ngx_set_socket_errno(0);

    rc = ngx_event_connect_peer(pc);

    if (rc == NGX_ERROR || rc == NGX_BUSY || rc == NGX_DECLINED) {
        ngx_pimap_redis_unconnected(redis, ngx_socket_errno);
        return;
    }

    c = pc->connection;
    redis->connection = c;

    (void) fcntl(c->fd, F_SETFD, FD_CLOEXEC);

    c->data = redis;
    ngx_pimap_redis_set_log(c, pc->log);
    c->log_error = NGX_ERROR_INFO;
    c->read->handler = ngx_pimap_redis_dummy_handler;
    c->write->handler = ngx_pimap_redis_write_handler;

    c->pool = ngx_create_pool(256, c->log);
    redis->reader = ngx_pimap_redis_reader();
    redis->in = ngx_alloc(NGX_PIMAP_REDIS_READ_SIZE, c->log);

    if (c->pool == NULL || redis->reader == NULL || redis->in == NULL) {
        ngx_pimap_redis_fail(redis, "no memory");
        return;
    }

    if (rc == NGX_OK) {
        ngx_post_event(c->write, &ngx_posted_events);
    }
}


static void
ngx_pimap_redis_unconnected(ngx_pimap_redis_t *redis, ngx_err_t err)
{
    /* other clients have all connections */

    if (ngx_cycle->free_connection_n == 0 || err == NGX_EMFILE) {
        ngx_pimap_redis_fail(redis, "the worker has no free connection");
        return;
    }

    ngx_pimap_redis_fail_errno(redis, "connect failed", err);
}


/* Our own line has the reason: that of nginx would come again and again. */

static ngx_log_t *
ngx_pimap_redis_log(void)
{
    static ngx_log_t  quiet;

    quiet = *ngx_cycle->log;
    quiet.log_level = NGX_LOG_EMERG;

    return &quiet;
}


static void
ngx_pimap_redis_dummy_handler(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "pimap redis dummy handler");
}


static void
ngx_pimap_redis_connected(ngx_pimap_redis_t *redis)
{
    ngx_err_t          err;
    ngx_connection_t  *c;

    if (redis->failed) {
        return;
    }

    c = redis->connection;
    err = ngx_pimap_redis_socket_error(c);

    if (err) {
        ngx_pimap_redis_fail_errno(redis, "connect failed", err);
        return;
    }

    redis->phase = &ngx_pimap_redis_connected_phase;

    if (redis->conf->ssl == NULL) {
        ngx_pimap_redis_greet(redis);
        return;
    }

    /* a write event of the handshake itself comes to its own handler */

    ngx_pimap_redis_handshake(redis);
}


static ngx_err_t
ngx_pimap_redis_socket_error(ngx_connection_t *c)
{
    int        err;
    socklen_t  len;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    return err;
}


static void
ngx_pimap_redis_reply(ngx_pimap_redis_t *redis, redisReply *reply)
{
    if (redis->state == NGX_PIMAP_REDIS_GREETING) {
        ngx_pimap_redis_greeted(redis, reply);
        return;
    }

    redis->reply(redis, reply);

    /* a login alone does not prove that the server works */

    if (!redis->failed) {
        redis->failures = 0;
    }
}


static void
ngx_pimap_redis_over(ngx_pimap_redis_t *redis)
{
    if (redis->failed) {
        ngx_pimap_redis_lose(redis);

    } else {
        ngx_pimap_redis_move(redis);
    }
}


/* The sentinel has told where the master is. */

static void
ngx_pimap_redis_move(ngx_pimap_redis_t *redis)
{
    ngx_pimap_redis_close(redis);

    redis->sentinel = 0;
    redis->redirected = 0;

    ngx_add_timer(&redis->timer, redis->conf->connect_timeout);

    ngx_pimap_redis_connect(redis, &redis->master.sockaddr,
                            redis->master_len);
}


static void
ngx_pimap_redis_lose(ngx_pimap_redis_t *redis)
{
    ngx_msec_t  wait;
    ngx_uint_t  was_up;

    was_up = (redis->state == NGX_PIMAP_REDIS_UP);

    ngx_pimap_redis_close(redis);

    wait = NGX_PIMAP_REDIS_BACKOFF_MIN << ngx_min(redis->failures, 10);
    wait = ngx_min(wait, NGX_PIMAP_REDIS_BACKOFF_MAX);
    wait = wait / 2 + (ngx_msec_t) ngx_random() % wait;

    redis->failures++;
    ngx_pimap_count(redis_failures);

    ngx_add_timer(&redis->timer, wait);

    if (was_up) {
        redis->down(redis);
    }
}


void
ngx_pimap_redis_hurry(ngx_pimap_redis_t *redis, ngx_msec_t limit)
{
    if (redis->state == NGX_PIMAP_REDIS_DOWN && redis->timer.timer_set
        && (ngx_msec_int_t) (redis->timer.timer.key - ngx_current_msec)
           > (ngx_msec_int_t) limit)
    {
        ngx_add_timer(&redis->timer,
                      limit / 2 + (ngx_msec_t) ngx_random() % (limit / 2));
    }
}


void
ngx_pimap_redis_close(ngx_pimap_redis_t *redis)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    if (redis->timer.timer_set) {
        ngx_del_timer(&redis->timer);
    }

    if (redis->resolving) {
        ngx_resolve_name_done(redis->resolving);
        redis->resolving = NULL;
    }

    c = redis->connection;

    if (c) {
        pool = c->pool;

        if (c->ssl) {
            c->ssl->no_wait_shutdown = 1;
            c->ssl->no_send_shutdown = 1;
            (void) ngx_ssl_shutdown(c);
        }

        ngx_close_connection(c);
        redis->connection = NULL;

        if (pool) {
            ngx_destroy_pool(pool);
        }
    }

    if (redis->reader) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }

    if (redis->in) {
        ngx_free(redis->in);
        redis->in = NULL;
    }

    if (redis->out) {
        ngx_explicit_memzero(redis->out, redis->out_size);
        ngx_free(redis->out);
        redis->out = NULL;
    }

    redis->unread = 0;
    redis->in_len = 0;
    redis->out_size = 0;
    redis->out_pos = 0;
    redis->out_last = 0;

    redis->failed = 0;
    redis->redirected = 0;

    ngx_pimap_redis_set_state(redis, NGX_PIMAP_REDIS_DOWN);
}


/*
 * hiredis allocates an array as long as the peer says it will be; ours
 * refuses more than we ever ask for.
 */

static redisReader *
ngx_pimap_redis_reader(void)
{
    redisReader  *reader;

    reader = redisReaderCreate();
    if (reader == NULL) {
        return NULL;
    }

    ngx_pimap_redis_defaults = *reader->fn;
    ngx_pimap_redis_functions = *reader->fn;
    ngx_pimap_redis_functions.createArray = ngx_pimap_redis_array;

    reader->fn = &ngx_pimap_redis_functions;

    return reader;
}


#if (HIREDIS_MAJOR >= 1)
static void *
ngx_pimap_redis_array(const redisReadTask *task, size_t n)
#else
static void *
ngx_pimap_redis_array(const redisReadTask *task, int n)
#endif
{
    if (n > NGX_PIMAP_REDIS_MAX_ELEMENTS) {
        return NULL;
    }

    return ngx_pimap_redis_defaults.createArray(task, n);
}
