
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Replies in, commands out.
 */


#include "ngx_pimap_redis.h"
#include "ngx_pimap_redis_push.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_REDIS_READS       16      /* then others get their turn */
#define NGX_PIMAP_REDIS_KEEP        65536   /* of the output buffer, idle */
#define NGX_PIMAP_REDIS_BURST       4096    /* bytes that do not wait */


static void ngx_pimap_redis_read(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_received(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_pushes(ngx_pimap_redis_t *redis,
    u_char **pos);
static ngx_int_t ngx_pimap_redis_replies(ngx_pimap_redis_t *redis);
static ngx_uint_t ngx_pimap_redis_is_endless(redisReader *reader);
static ngx_int_t ngx_pimap_redis_reserve(ngx_pimap_redis_t *redis,
    size_t size);
static void ngx_pimap_redis_flush(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_watch_write(ngx_pimap_redis_t *redis);


void
ngx_pimap_redis_read_handler(ngx_event_t *rev)
{
    ngx_connection_t   *c;
    ngx_pimap_redis_t  *redis;

    c = rev->data;
    redis = c->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, rev->log, 0,
                   "pimap redis %s read", redis->role);

    redis->reading = 1;
    ngx_pimap_redis_read(redis);
    redis->reading = 0;

    if (redis->failed || redis->redirected) {
        redis->phase->over(redis);
    }
}


static void
ngx_pimap_redis_read(ngx_pimap_redis_t *redis)
{
    ssize_t            n;
    ngx_uint_t         i;
    ngx_connection_t  *c;

    c = redis->connection;

    for (i = 0; i < NGX_PIMAP_REDIS_READS; i++) {

        ngx_set_socket_errno(0);

        n = c->recv(c, redis->in + redis->in_len,
                    NGX_PIMAP_REDIS_READ_SIZE - redis->in_len);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                ngx_pimap_redis_fail(redis, "event failed");
            }

            return;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_pimap_redis_fail_errno(redis, "connection closed",
                                       n == 0 ? 0 : ngx_socket_errno);
            return;
        }

        redis->in_len += n;

        if (ngx_pimap_redis_received(redis) != NGX_OK) {
            return;
        }
    }

    ngx_post_event(c->read, &ngx_posted_next_events);
}


/*
 * hiredis gets what follows a part of a reply that it has.  The part of a
 * message waits in redis->in for the rest, unless it fills that.
 */

static ngx_int_t
ngx_pimap_redis_received(ngx_pimap_redis_t *redis)
{
    size_t      len;
    u_char     *p;
    ngx_int_t   rc;

    p = redis->in;
    rc = redis->unread ? NGX_DECLINED : ngx_pimap_redis_pushes(redis, &p);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    len = redis->in + redis->in_len - p;

    if (rc == NGX_AGAIN && len < NGX_PIMAP_REDIS_READ_SIZE) {
        ngx_memmove(redis->in, p, len);
        redis->in_len = len;

        return NGX_OK;
    }

    if (redisReaderFeed(redis->reader, (char *) p, len) != REDIS_OK) {
        ngx_pimap_redis_fail(redis, "no memory for a reply");
        return NGX_ERROR;
    }

    redis->unread += len;
    redis->in_len = 0;

    return ngx_pimap_redis_replies(redis);
}


static ngx_int_t
ngx_pimap_redis_pushes(ngx_pimap_redis_t *redis, u_char **pos)
{
    u_char                  *next, *last;
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_pimap_redis_push_t   push[2];

    next = *pos;
    last = redis->in + redis->in_len;

    i = 0;
    rc = ngx_pimap_redis_push(&push[i], &next, last);

    while (rc == NGX_OK) {
        *pos = next;

        rc = ngx_pimap_redis_push(&push[!i], &next, last);

        if (rc == NGX_OK && redis->ahead) {
            redis->ahead(redis, &push[!i].reply);
        }

        redis->phase->reply(redis, &push[i].reply);

        if (redis->failed || redis->redirected) {
            return NGX_ERROR;
        }

        i = !i;
    }

    return rc;
}


static ngx_int_t
ngx_pimap_redis_replies(ngx_pimap_redis_t *redis)
{
    void  *reply;

    for ( ;; ) {
        reply = NULL;

        if (redisReaderGetReply(redis->reader, &reply) != REDIS_OK) {
            ngx_pimap_redis_fail(redis, redis->reader->errstr);
            return NGX_ERROR;
        }

        if (reply == NULL) {
            break;
        }

        redis->unread = redis->reader->len - redis->reader->pos;

        redis->phase->reply(redis, reply);

        freeReplyObject(reply);

        if (redis->failed || redis->redirected) {
            return NGX_ERROR;
        }
    }

    /* the parsed part of an array counts as well */

    if (redis->unread > NGX_PIMAP_REDIS_MAX_REPLY
        || ngx_pimap_redis_is_endless(redis->reader))
    {
        ngx_pimap_redis_fail(redis, "too large reply");
        return NGX_ERROR;
    }

    /* hiredis 1.0 and later knows no limit, and frees by recursion */

    if (redis->reader->ridx > NGX_PIMAP_REDIS_MAX_DEPTH) {
        ngx_pimap_redis_fail(redis, "too deeply nested reply");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* hiredis looks through all of a line again with each byte that comes. */

static ngx_uint_t
ngx_pimap_redis_is_endless(redisReader *reader)
{
    return reader->len - reader->pos > NGX_PIMAP_REDIS_MAX_LINE
           && memchr(reader->buf + reader->pos, LF, NGX_PIMAP_REDIS_MAX_LINE)
              == NULL;
}


void
ngx_pimap_redis_write_handler(ngx_event_t *wev)
{
    ngx_connection_t   *c;
    ngx_pimap_redis_t  *redis;

    c = wev->data;
    redis = c->data;

    if (redis->phase->writable) {
        redis->phase->writable(redis);
        return;
    }

    ngx_pimap_redis_flush(redis);

    if (redis->failed) {
        redis->phase->over(redis);
    }
}


ngx_int_t
ngx_pimap_redis_send(ngx_pimap_redis_t *redis, const char *format, ...)
{
    int       len;
    char     *text;
    va_list   args;

    va_start(args, format);
    len = redisvFormatCommand(&text, format, args);
    va_end(args);

    return len < 0 ? NGX_ERROR : ngx_pimap_redis_send_text(redis, text, len);
}


ngx_int_t
ngx_pimap_redis_send_text(ngx_pimap_redis_t *redis, char *text, int len)
{
    ngx_int_t  rc;

    rc = ngx_pimap_redis_send_bytes(redis, text, len);

    redisFreeCommand(text);

    return rc;
}


/*
 * The commands of one turn of the event loop leave in one write.  If they are
 * many, they leave in several, so that Redis begins before the turn ends.
 */

ngx_int_t
ngx_pimap_redis_send_bytes(ngx_pimap_redis_t *redis, const char *data,
    size_t len)
{
    ngx_int_t  rc;

    if (redis->state < NGX_PIMAP_REDIS_GREETING || redis->failed) {
        return NGX_DECLINED;
    }

    rc = ngx_pimap_redis_reserve(redis, len);

    if (rc == NGX_OK) {
        ngx_memcpy(redis->out + redis->out_last, data, len);
        redis->out_last += len;

        ngx_post_event(redis->connection->write, &ngx_posted_events);

        if (redis->out_last - redis->out_pos >= NGX_PIMAP_REDIS_BURST) {
            ngx_pimap_redis_flush(redis);
        }
    }

    return rc;
}


static ngx_int_t
ngx_pimap_redis_reserve(ngx_pimap_redis_t *redis, size_t size)
{
    size_t   used, want;
    u_char  *out;

    if (redis->out_size - redis->out_last >= size) {
        return NGX_OK;
    }

    used = redis->out_last - redis->out_pos;

    if (used + size > NGX_PIMAP_REDIS_MAX_OUTPUT) {
        return NGX_DECLINED;
    }

    for (want = 4096; want < used + size; want *= 2) { /* void */ }

    out = ngx_alloc(want, ngx_cycle->log);
    if (out == NULL) {
        return NGX_ERROR;
    }

    if (redis->out) {
        ngx_memcpy(out, redis->out + redis->out_pos, used);
        ngx_free(redis->out);
    }

    redis->out = out;
    redis->out_size = want;
    redis->out_pos = 0;
    redis->out_last = used;

    return NGX_OK;
}


static void
ngx_pimap_redis_flush(ngx_pimap_redis_t *redis)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = redis->connection;

    while (redis->out_pos < redis->out_last) {

        if (!c->write->ready) {
            break;
        }

        n = c->send(c, redis->out + redis->out_pos,
                    redis->out_last - redis->out_pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_pimap_redis_fail_errno(redis, "write failed",
                                       ngx_socket_errno);
            return;
        }

        redis->out_pos += n;
    }

    if (redis->out_pos == redis->out_last) {
        redis->out_pos = 0;
        redis->out_last = 0;

        if (redis->out_size > NGX_PIMAP_REDIS_KEEP) {
            ngx_free(redis->out);
            redis->out = NULL;
            redis->out_size = 0;
        }
    }

    if (ngx_pimap_redis_watch_write(redis) != NGX_OK) {
        ngx_pimap_redis_fail(redis, "event failed");
    }
}


/*
 * A Unix socket is reported as writable whenever the peer has read, which
 * would wake the worker for each command that it sends.
 */

static ngx_int_t
ngx_pimap_redis_watch_write(ngx_pimap_redis_t *redis)
{
    ngx_event_t  *wev;

    wev = redis->connection->write;

    if (redis->local && redis->out_pos == redis->out_last && wev->active
        && redis->conf->ssl == NULL
        && (ngx_event_flags & NGX_USE_CLEAR_EVENT))
    {
        return ngx_del_event(wev, NGX_WRITE_EVENT, NGX_CLEAR_EVENT);
    }

    return ngx_handle_write_event(wev, 0);
}


void
ngx_pimap_redis_fail(ngx_pimap_redis_t *redis, const char *why)
{
    ngx_pimap_redis_fail_errno(redis, why, 0);
}


void
ngx_pimap_redis_fail_errno(ngx_pimap_redis_t *redis, const char *why,
    ngx_err_t err)
{
    if (redis->failed || redis->state == NGX_PIMAP_REDIS_DOWN) {
        return;
    }

    redis->failed = 1;

    ngx_pimap_redis_trouble(redis, why, err);

    if (redis->reading) {
        return;
    }

    /* the caller may be in the middle of something: not in its stack */

    ngx_add_timer(&redis->timer, 1);
}


void
ngx_pimap_redis_set_state(ngx_pimap_redis_t *redis,
    ngx_pimap_redis_state_t state)
{
#if (NGX_DEBUG)
    static const char  *names[] = {
        "down", "resolving", "connecting", "greeting", "up"
    };
#endif

    redis->state = state;

    ngx_log_debug5(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                   "pimap redis: %s role:%s server:\"%V\" subscriptions:%ui "
                   "queued:%ui",
                   names[state], redis->role, &redis->server->name,
                   (ngx_uint_t) ngx_pimap_counters->redis_subscribed,
                   (ngx_uint_t) (redis->out_last - redis->out_pos));
}


void
ngx_pimap_redis_set_log(ngx_connection_t *c, ngx_log_t *log)
{
    c->log = log;
    c->read->log = log;
    c->write->log = log;
}
