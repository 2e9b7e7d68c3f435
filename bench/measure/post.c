/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Publishing by HTTP POST over kept-alive connections, pipelined.  A request
 * has one event, or lines that name their accounts.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sink.h"
#include "target.h"


#define POST_MAX  128              /* connections */
#define POST_OUT  262144
#define POST_IN   131072
#define POST_BODY 65536
#define POST_FULL 1000000     /* ns until unsent bytes are tried again */


typedef struct {
    int              fd;
    uint32_t         waiting;      /* for answers */
    size_t           out_len;
    size_t           in_len;
    size_t           body_len;
    uint32_t         lines;        /* of the body */
    char             out[POST_OUT];
    char             body[POST_BODY];
    char             in[POST_IN + 1];
} post_connection_t;


typedef struct {
    target_t             target;
    post_connection_t   *connections;
    uint32_t             n;
    uint32_t             depth;
    uint32_t             lines;    /* of a request; 0: one event each */
    uint32_t             next;
    int                  epoll;
} post_sink_t;


static int post_connect(post_sink_t *post, post_connection_t *c);
static int post_add(sink_t *sink, uint32_t account, const char *event,
    size_t len);
static int post_add_one(post_sink_t *post, post_connection_t *c,
    uint32_t account, const char *event, size_t len);
static int post_add_line(post_sink_t *post, post_connection_t *c,
    uint32_t account, const char *event, size_t len);
static void post_lines(post_sink_t *post, post_connection_t *c);
static int post_turn(sink_t *sink, uint64_t ns);
static int post_flush(post_sink_t *post);
static int post_send(post_connection_t *c);
static int post_receive(sink_t *sink, post_connection_t *c);
static int post_answer(sink_t *sink, post_connection_t *c);
static void post_count(sink_t *sink, post_connection_t *c, const char *body,
    size_t len);
static void post_destroy(sink_t *sink);


sink_t *
post_sink(const char *url, uint32_t connections, uint32_t depth,
    uint32_t lines)
{
    sink_t       *sink;
    uint32_t      i;
    const char   *error;
    post_sink_t  *post;

    sink = calloc(1, sizeof(sink_t));
    post = calloc(1, sizeof(post_sink_t));

    if (sink == NULL || post == NULL) {
        perror("publish");
        return NULL;
    }

    error = target_parse(&post->target, url);

    if (error == NULL && post->target.tls) {
        error = "publishing is by plain http:// only";
    }

    if (error == NULL && connections > POST_MAX) {
        error = "too many connections";
    }

    if (error) {
        fprintf(stderr, "publish: %s\n", error);
        return NULL;
    }

    post->n = connections;
    post->depth = depth;
    post->lines = lines;
    post->connections = calloc(connections, sizeof(post_connection_t));
    post->epoll = epoll_create1(EPOLL_CLOEXEC);

    if (post->connections == NULL || post->epoll == -1) {
        perror("publish");
        return NULL;
    }

    for (i = 0; i < connections; i++) {
        if (post_connect(post, &post->connections[i]) == -1) {
            perror("publish: cannot connect");
            return NULL;
        }
    }

    sink->add = post_add;
    sink->turn = post_turn;
    sink->destroy = post_destroy;
    sink->data = post;

    return sink;
}


static int
post_connect(post_sink_t *post, post_connection_t *c)
{
    int                 on;
    struct epoll_event  event;

    on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);
    if (c->fd == -1) {
        return -1;
    }

    if (connect(c->fd, (struct sockaddr *) &post->target.addr,
                sizeof(post->target.addr))
        == -1)
    {
        return -1;
    }

    event.events = EPOLLIN;
    event.data.ptr = c;

    if (epoll_ctl(post->epoll, EPOLL_CTL_ADD, c->fd, &event) == -1) {
        return -1;
    }

    return setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}


/* a connection goes on with its request until that has all its lines */

static int
post_add(sink_t *sink, uint32_t account, const char *event, size_t len)
{
    uint32_t            i;
    post_sink_t        *post;
    post_connection_t  *c;

    c = NULL;
    post = sink->data;

    for (i = 0; i < post->n; i++) {
        c = &post->connections[post->next % post->n];

        if (c->waiting < post->depth
            && POST_OUT - c->out_len > POST_BODY + 2 * TARGET_TEXT + len)
        {
            break;
        }

        post->next++;
    }

    if (c == NULL || i == post->n) {
        return -1;
    }

    if ((post->lines ? post_add_line : post_add_one)(post, c, account, event,
                                                     len)
        == -1)
    {
        return -1;
    }

    c->waiting++;
    sink->added++;

    return 0;
}


static int
post_add_one(post_sink_t *post, post_connection_t *c, uint32_t account,
    const char *event, size_t len)
{
    int   n;
    char  path[TARGET_TEXT];

    if (target_expand(path, sizeof(path), post->target.path, account, account)
        == 0)
    {
        return -1;
    }

    n = sprintf(c->out + c->out_len,
                "POST %s HTTP/1.1\r\n"
                "Host: %s\r\n"
                "Content-Type: application/json\r\n"
                "Content-Length: %zu\r\n"
                "\r\n",
                path, post->target.authority, len);

    memcpy(c->out + c->out_len + n, event, len);
    c->out_len += (size_t) n + len;
    post->next++;

    return 0;
}


static int
post_add_line(post_sink_t *post, post_connection_t *c, uint32_t account,
    const char *event, size_t len)
{
    if (POST_BODY - c->body_len < len + 64) {
        post_lines(post, c);
    }

    c->body_len += (size_t) sprintf(c->body + c->body_len,
                                    "{\"account\":\"account-%u\","
                                    "\"event\":%.*s}\n",
                                    account, (int) len, event);

    if (++c->lines == post->lines) {
        post_lines(post, c);
    }

    return 0;
}


static void
post_lines(post_sink_t *post, post_connection_t *c)
{
    if (c->lines == 0) {
        return;
    }

    c->out_len += (size_t) sprintf(c->out + c->out_len,
                                   "POST %s HTTP/1.1\r\n"
                                   "Host: %s\r\n"
                                   "Content-Type: application/x-ndjson\r\n"
                                   "Content-Length: %zu\r\n"
                                   "\r\n",
                                   post->target.path, post->target.authority,
                                   c->body_len);

    memcpy(c->out + c->out_len, c->body, c->body_len);
    c->out_len += c->body_len;
    c->body_len = 0;
    c->lines = 0;
    post->next++;
}


static int
post_turn(sink_t *sink, uint64_t ns)
{
    int                  i, n;
    post_sink_t         *post;
    struct timespec      ts;
    struct epoll_event   events[POST_MAX];

    post = sink->data;

    n = post_flush(post);
    if (n == -1) {
        perror("publish: send()");
        return -1;
    }

    if (n && ns > POST_FULL) {
        ns = POST_FULL;
    }

    ts.tv_sec = (time_t) (ns / 1000000000);
    ts.tv_nsec = (long) (ns % 1000000000);

    n = epoll_pwait2(post->epoll, events, POST_MAX, &ts, NULL);

    if (n == -1 && errno != EINTR) {
        perror("publish: epoll_pwait2()");
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (post_receive(sink, events[i].data.ptr) == -1) {
            return -1;
        }
    }

    return 0;
}


/* 1: bytes are left, 0: all are sent */

static int
post_flush(post_sink_t *post)
{
    int                 left;
    uint32_t            i;
    post_connection_t  *c;

    left = 0;

    for (i = 0; i < post->n; i++) {
        c = &post->connections[i];

        /* while an answer is missing, more lines may come */

        if (c->waiting == c->lines) {
            post_lines(post, c);
        }

        if (c->out_len && post_send(c) == -1) {
            return -1;
        }

        left |= (c->out_len != 0);
    }

    return left;
}


static int
post_send(post_connection_t *c)
{
    ssize_t  n;

    n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL|MSG_DONTWAIT);
    if (n == -1) {
        return errno == EAGAIN ? 0 : -1;
    }

    c->out_len -= (size_t) n;
    memmove(c->out, c->out + n, c->out_len);

    return 0;
}


static int
post_receive(sink_t *sink, post_connection_t *c)
{
    int      rc;
    ssize_t  n;

    n = recv(c->fd, c->in + c->in_len, POST_IN - c->in_len, MSG_DONTWAIT);

    if (n == 0) {
        fprintf(stderr, "publish: the server closed a connection\n");
        return -1;
    }

    if (n == -1) {
        if (errno == EAGAIN) {
            return 0;
        }

        perror("publish: recv()");
        return -1;
    }

    c->in_len += (size_t) n;

    do {
        rc = post_answer(sink, c);
    } while (rc == 1);

    return rc;
}


/* 1: an answer was removed, 0: more bytes are needed */

static int
post_answer(sink_t *sink, post_connection_t *c)
{
    char    *end, *length;
    size_t   head, body;

    c->in[c->in_len] = '\0';

    end = strstr(c->in, "\r\n\r\n");

    if (end == NULL) {
        if (c->in_len == POST_IN) {
            fprintf(stderr, "publish: too long an answer\n");
            return -1;
        }

        return 0;
    }

    end += 4;
    head = (size_t) (end - c->in);
    length = strcasestr(c->in, "\r\nContent-Length:");

    if (length == NULL || length > end || strlen(c->in) < 12) {
        fprintf(stderr, "publish: an answer without a length\n");
        return -1;
    }

    body = strtoul(length + 17, NULL, 10);

    if (body > POST_IN - head) {
        fprintf(stderr, "publish: too long an answer\n");
        return -1;
    }

    if (c->in_len < head + body) {
        return 0;
    }

    if (c->in[9] != '2') {

        if (sink->counters.failed == 0) {
            fprintf(stderr, "publish: %.*s\n", (int) head - 4, c->in);
        }

        if (((post_sink_t *) sink->data)->lines) {
            return -1;
        }
    }

    post_count(sink, c, end, body);

    c->in_len -= head + body;
    memmove(c->in, c->in + head + body, c->in_len);

    return 1;
}


/* an answer, or one of each line */

static void
post_count(sink_t *sink, post_connection_t *c, const char *body, size_t len)
{
    uint32_t      failed, n;
    const char   *p, *last;

    n = 1;
    failed = (c->in[9] != '2');

    if (((post_sink_t *) sink->data)->lines) {
        n = 0;
        failed = 0;
        last = body + len;

        for (p = body; (p = memchr(p, '\n', (size_t) (last - p))); p++) {
            n++;
        }

        for (p = body; (p = memmem(p, (size_t) (last - p), "\"status\":", 9));
             p++)
        {
            failed++;
        }
    }

    c->waiting -= n;
    sink->counters.answered += n;
    sink->counters.failed += failed;
}


static void
post_destroy(sink_t *sink)
{
    uint32_t      i;
    post_sink_t  *post;

    post = sink->data;

    for (i = 0; i < post->n; i++) {
        close(post->connections[i].fd);
    }

    close(post->epoll);
    free(post->connections);
    free(post);
    free(sink);
}
