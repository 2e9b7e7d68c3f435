/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Publishing by Redis, pipelined over one connection.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"
#include "target.h"


#define REDIS_WORDS  4


/* words before and after the key; the event is the last one */
typedef struct {
    const char     *before[REDIS_WORDS];
    const char     *after[REDIS_WORDS];
} redis_words_t;


typedef struct {
    redisContext   *context;
    const char     *channel;
    uint32_t        depth;
    redis_words_t   words;
    int             unsent;        /* hiredis has bytes to write */
} redis_sink_t;


static redisContext *redis_connect(const char *path);
static redis_words_t redis_words(const char *function);
static size_t redis_text(const char **args, size_t *lens,
    const char *const *words);
static int redis_add(sink_t *sink, uint32_t account, const char *event,
    size_t len);
static int redis_turn(sink_t *sink, uint64_t ns);
static int redis_replies(sink_t *sink);
static void redis_destroy(sink_t *sink);


sink_t *
redis_sink(const char *path, const char *channel, const char *function,
    uint32_t depth)
{
    sink_t        *sink;
    redis_sink_t  *redis;

    sink = calloc(1, sizeof(sink_t));
    redis = calloc(1, sizeof(redis_sink_t));

    if (sink == NULL || redis == NULL) {
        perror("publish");
        return NULL;
    }

    redis->channel = channel;
    redis->words = redis_words(function);
    redis->depth = depth;

    redis->context = redis_connect(path);
    if (redis->context == NULL) {
        return NULL;
    }

    sink->add = redis_add;
    sink->turn = redis_turn;
    sink->destroy = redis_destroy;
    sink->data = redis;

    return sink;
}


/* a unix socket's path, or HOST:PORT */

static redisContext *
redis_connect(const char *path)
{
    char          *colon, host[64];
    redisContext  *c;

    colon = strrchr(path, ':');

    if (*path == '/' || colon == NULL) {
        c = redisConnectUnix(path);

    } else {
        snprintf(host, sizeof(host), "%.*s", (int) (colon - path), path);
        c = redisConnect(host, atoi(colon + 1));
    }

    if (c == NULL || c->err) {
        fprintf(stderr, "publish: cannot connect to Redis at %s: %s\n", path,
                c ? c->errstr : "no memory");
        return NULL;
    }

    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1) {
        perror("publish: fcntl()");
        return NULL;
    }

    /* hiredis takes EAGAIN for an error unless the socket is marked */

    c->flags &= ~REDIS_BLOCK;

    return c;
}


static redis_words_t
redis_words(const char *function)
{
    redis_words_t  publish = { { "PUBLISH" }, { NULL } };
    redis_words_t  stream = { { "XADD" }, { "MAXLEN", "1000", "*", "e" } };
    redis_words_t  fcall = { { "FCALL", function, "1" }, { NULL } };

    if (function == NULL) {
        return publish;
    }

    return *function ? fcall : stream;
}


static size_t
redis_text(const char **args, size_t *lens, const char *const *words)
{
    size_t  n;

    for (n = 0; n < REDIS_WORDS && words[n]; n++) {
        args[n] = words[n];
        lens[n] = strlen(words[n]);
    }

    return n;
}


static int
redis_add(sink_t *sink, uint32_t account, const char *event, size_t len)
{
    char           channel[TARGET_TEXT];
    size_t         n, lens[2 * REDIS_WORDS + 2];
    const char    *args[2 * REDIS_WORDS + 2];
    redis_sink_t  *redis;

    redis = sink->data;

    if (sink->added - sink->counters.answered >= redis->depth) {
        return -1;
    }

    n = redis_text(args, lens, redis->words.before);

    args[n] = channel;
    lens[n++] = target_expand(channel, sizeof(channel), redis->channel,
                              account, account);

    n += redis_text(args + n, lens + n, redis->words.after);

    args[n] = event;
    lens[n++] = len;

    if (redisAppendCommandArgv(redis->context, (int) n, args, lens)
        != REDIS_OK)
    {
        return -1;
    }

    redis->unsent = 1;
    sink->added++;

    return 0;
}


static int
redis_turn(sink_t *sink, uint64_t ns)
{
    int              done;
    redisContext    *c;
    redis_sink_t    *redis;
    struct pollfd    pfd;
    struct timespec  ts;

    redis = sink->data;
    c = redis->context;

    if (redis->unsent) {
        if (redisBufferWrite(c, &done) != REDIS_OK) {
            fprintf(stderr, "publish: Redis: %s\n", c->errstr);
            return -1;
        }

        redis->unsent = !done;
    }

    pfd.fd = c->fd;
    pfd.events = redis->unsent ? POLLIN|POLLOUT : POLLIN;

    ts.tv_sec = (time_t) (ns / 1000000000);
    ts.tv_nsec = (long) (ns % 1000000000);

    if (ppoll(&pfd, 1, &ts, NULL) == -1 && errno != EINTR) {
        perror("publish: ppoll()");
        return -1;
    }

    if (!(pfd.revents & (POLLIN|POLLHUP|POLLERR))) {
        return 0;
    }

    if (redisBufferRead(c) != REDIS_OK) {
        fprintf(stderr, "publish: Redis: %s\n", c->errstr);
        return -1;
    }

    return redis_replies(sink);
}


static int
redis_replies(sink_t *sink)
{
    void          *p;
    redisReply    *reply;
    redis_sink_t  *redis;

    redis = sink->data;

    for ( ;; ) {
        if (redisGetReplyFromReader(redis->context, &p) != REDIS_OK) {
            fprintf(stderr, "publish: Redis: %s\n", redis->context->errstr);
            return -1;
        }

        if (p == NULL) {
            return 0;
        }

        reply = p;
        sink->counters.answered++;

        if (reply->type == REDIS_REPLY_ERROR) {

            if (sink->counters.failed++ == 0) {
                fprintf(stderr, "publish: Redis: %s\n", reply->str);
            }

        } else if (reply->type == REDIS_REPLY_INTEGER) {
            sink->counters.receivers += (uint64_t) reply->integer;
            sink->counters.unheard += (reply->integer == 0);
        }

        freeReplyObject(reply);
    }
}


static void
redis_destroy(sink_t *sink)
{
    redis_sink_t  *redis;

    redis = sink->data;

    redisFree(redis->context);
    free(redis);
    free(sink);
}
