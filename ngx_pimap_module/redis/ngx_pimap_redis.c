
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Data goes through the connection here: replies in, commands out.  How it
 * comes to life is in ngx_pimap_redis_connect.c.
 */


#include "ngx_pimap_redis_connect.h"


#define NGX_PIMAP_REDIS_READ_SIZE   65536
#define NGX_PIMAP_REDIS_READS       16      /* then others get their turn */
#define NGX_PIMAP_REDIS_KEEP        65536   /* of the output buffer, idle */


static void ngx_pimap_redis_read(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_replies(ngx_pimap_redis_t *redis);
static ngx_uint_t ngx_pimap_redis_is_endless(redisReader *reader);
static ngx_int_t ngx_pimap_redis_reserve(ngx_pimap_redis_t *redis,
    size_t size);
static void ngx_pimap_redis_flush(ngx_pimap_redis_t *redis);


static u_char  ngx_pimap_redis_buffer[NGX_PIMAP_REDIS_READ_SIZE];


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

    if (redis->failed) {
        ngx_pimap_redis_lose(redis);

    } else if (redis->moves) {
        ngx_pimap_redis_move(redis);
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

        n = c->recv(c, ngx_pimap_redis_buffer, NGX_PIMAP_REDIS_READ_SIZE);

        if (n == NGX_AGAIN) {
            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                ngx_pimap_redis_fail(redis, "event failed");
            }

            return;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_pimap_redis_fail(redis, "connection closed");
            return;
        }

        if (redisReaderFeed(redis->reader, (char *) ngx_pimap_redis_buffer, n)
            != REDIS_OK)
        {
            ngx_pimap_redis_fail(redis, "no memory for a reply");
            return;
        }

        redis->unread += n;

        if (ngx_pimap_redis_replies(redis) != NGX_OK) {
            return;
        }
    }

    ngx_post_event(c->read, &ngx_posted_next_events);
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

        if (redis->state == NGX_PIMAP_REDIS_GREETING) {
            ngx_pimap_redis_greeted(redis, reply);

        } else {
            redis->reply(redis, reply);

            /* a login alone does not make it any good: no reset before */

            if (!redis->failed) {
                redis->failures = 0;
            }
        }

        freeReplyObject(reply);

        if (redis->failed || redis->moves) {
            return NGX_ERROR;
        }
    }

    /* what hiredis has parsed of an array counts as well */

    if (redis->unread > NGX_PIMAP_REDIS_MAX_REPLY
        || ngx_pimap_redis_is_endless(redis->reader))
    {
        ngx_pimap_redis_fail(redis, "too large reply");
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

    if (redis->state == NGX_PIMAP_REDIS_CONNECTING) {
        ngx_pimap_redis_connected(redis);
        return;
    }

    ngx_pimap_redis_flush(redis);

    if (redis->failed) {
        ngx_pimap_redis_lose(redis);
    }
}


ngx_int_t
ngx_pimap_redis_send(ngx_pimap_redis_t *redis, int argc, const char **argv,
    const size_t *len)
{
    int   n;
    char  *cmd;

    if (redis->state < NGX_PIMAP_REDIS_GREETING || redis->failed) {
        return NGX_DECLINED;
    }

    n = redisFormatCommandArgv(&cmd, argc, argv, len);

    if (n < 0) {
        return NGX_ERROR;
    }

    if (ngx_pimap_redis_reserve(redis, n) != NGX_OK) {
        free(cmd);
        return NGX_DECLINED;
    }

    ngx_memcpy(redis->out + redis->out_last, cmd, n);
    redis->out_last += n;

    free(cmd);

    /* many commands of one turn of the event loop leave in one write */

    ngx_post_event(redis->connection->write, &ngx_posted_events);

    return NGX_OK;
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
            ngx_pimap_redis_fail(redis, "write failed");
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

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_pimap_redis_fail(redis, "event failed");
    }
}


void
ngx_pimap_redis_fail(ngx_pimap_redis_t *redis, const char *why)
{
    if (redis->failed || redis->state == NGX_PIMAP_REDIS_DOWN) {
        return;
    }

    redis->failed = 1;

    /* an outage is one line, however often a connect fails meanwhile */

    if (!redis->told) {
        redis->told = 1;

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "pimap lost redis: %s, %s of %V",
                      why, redis->role, &redis->conf->name);
    }

    if (redis->reading) {
        return;
    }

    /* the caller may be in the middle of something: not in its stack */

    ngx_add_timer(&redis->timer, 1);
}
