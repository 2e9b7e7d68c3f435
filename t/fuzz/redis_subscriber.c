
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: the subscriptions of a worker at two nodes of a cluster
 * that answer as Redis does, but in any order of events: accounts come and go,
 * slots move, nodes refuse commands, lie about slots, unsubscribe channels by
 * themselves, connections break, memory is out.  No account is taken for
 * subscribed that is not.  When all has settled, each account is subscribed at
 * the node of its slot, and no answer is awaited.
 *
 * Reaches: fuzz_settle, ngx_pimap_subscriber_relocate,
 *     ngx_pimap_subscriber_error, ngx_pimap_subscriber_refused,
 *     ngx_pimap_subscriber_left, ngx_pimap_subscriber_confirmed,
 *     ngx_pimap_subscriber_down, ngx_pimap_subscriber_later,
 *     ngx_pimap_node_destroy.
 */


#include "fuzz_nginx.h"
#include "fuzz_redis.h"

#include "ngx_pimap_command.h"
#include "ngx_pimap_log_reader.h"
#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_zone.h"

#include "pimap_redis_topology_build.h"


/* Three accounts of each of four slots. */

static const char  *fuzz_names[] = {
    "u868", "u13681", "u19864", "u869", "u13680", "u19865",
    "u879", "u13690", "u19875", "u878", "u13691", "u19874"
};

static const uint16_t  fuzz_slots[] = { 2652, 6781, 10572, 14701 };

static const char  *fuzz_errors[] = {
    "-TRYAGAIN no\r\n", "-CLUSTERDOWN no\r\n", "-LOADING no\r\n",
    "-MOVED %u n0:1\r\n", "-MOVED %u n1:1\r\n", "-MOVED %u ?:1\r\n",
    "-ASK %u n0:1\r\n", "-CROSSSLOT no\r\n", "-NOPERM no\r\n"
};

static ngx_pimap_subscription_t  *fuzz_subs[fuzz_n(fuzz_names)];

static ngx_pimap_conf_redis_t     fuzz_redis;
static ngx_connection_t           fuzz_wire;
static ngx_event_t                fuzz_event;
static unsigned                   fuzz_fails;   /* until an allocation fails */


int
RAND_bytes(unsigned char *buf, int n)
{
    memset(buf, 7, n);

    return 1;
}


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    return fuzz_fails && --fuzz_fails == 0 ? NULL : malloc(size);
}


void *
ngx_calloc(size_t size, ngx_log_t *log)
{
    return fuzz_fails && --fuzz_fails == 0 ? NULL : calloc(1, size);
}


/* The worker. */

static redisReply *
fuzz_parse(redisReader *reader)
{
    void  *reply;

    reply = NULL;
    fuzz_check(redisReaderGetReply(reader, &reply) == REDIS_OK);

    return reply;
}


/* What it has sent is at the servers, unless the connection is lost. */

static void
fuzz_sent(void)
{
    redisReply         *command;
    redisReader        *reader;
    fuzz_server_t      *s;
    ngx_pimap_node_t   *node;
    ngx_pimap_redis_t  *r;

    fuzz_servers[0].node = NULL;
    fuzz_servers[1].node = NULL;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        s = &fuzz_servers[node->host[1] - '0'];
        s->node = node;
        r = &node->subscriber;
        if (r->state != NGX_PIMAP_REDIS_UP || r->out == NULL) {
            continue;
        }

        reader = redisReaderCreate();
        fuzz_check(reader && redisReaderFeed(reader, (char *) r->out,
                                             r->out_last) == REDIS_OK);

        while ((command = fuzz_parse(reader)) != NULL) {
            fuzz_check(s->ncommands < FUZZ_QUEUE);
            s->commands[s->ncommands++] = command;
        }

        redisReaderFree(reader);
        r->out_last = 0;
    }

    for (s = fuzz_servers; s < fuzz_servers + FUZZ_NODES; s++) {
        if (s->node == NULL
            || s->node->subscriber.state != NGX_PIMAP_REDIS_UP)
        {
            fuzz_forget(s);
        }
    }
}


static void
fuzz_up(fuzz_server_t *s)
{
    ngx_pimap_redis_t  *r;

    r = s->node ? &s->node->subscriber : NULL;

    if (r == NULL || !s->node->listened || r->state == NGX_PIMAP_REDIS_UP) {
        return;
    }

    if (r->timer.timer_set) {
        ngx_del_timer(&r->timer);
    }

    r->failed = 0;
    r->connection = &fuzz_wire;
    r->state = NGX_PIMAP_REDIS_UP;

    r->up(r);
}


static void
fuzz_deliver(fuzz_server_t *s)
{
    char         *text;
    redisReply   *reply;
    redisReader  *reader;

    text = s->answers[0];
    memmove(s->answers, s->answers + 1,
            --s->nanswers * sizeof(s->answers[0]));

    reader = redisReaderCreate();
    fuzz_check(reader && redisReaderFeed(reader, text, strlen(text))
                         == REDIS_OK);

    reply = fuzz_parse(reader);
    fuzz_check(reply);

    if (!s->node->subscriber.failed) {
        ngx_pimap_subscriber_reply(&s->node->subscriber, reply);
    }

    freeReplyObject(reply);
    redisReaderFree(reader);
    free(text);
}


static void
fuzz_wait(ngx_msec_t msec)
{
    ngx_current_msec += msec;
    ngx_event_expire_timers();
}


static void
fuzz_topology(void)
{
    unsigned                        i, slot;
    static pimap_redis_topology_t  *t;

    if (t == NULL) {
        t = pimap_redis_topology_new();
        fuzz_check(t && pimap_redis_topology_add(t, "n0", 1) == 0
                   && pimap_redis_topology_add(t, "n1", 1) == 1);

        for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
            pimap_redis_topology_assign(t, slot, fuzz_owners[slot]);
        }
    }

    for (i = 0; i < fuzz_n(fuzz_slots); i++) {
        slot = fuzz_slots[i];
        pimap_redis_topology_assign(t, slot, fuzz_owners[slot]);
    }

    (void) ngx_pimap_node_apply(t);
}


/* A node that is ended closes its connection, which is none. */

static void
fuzz_sweep(void)
{
    ngx_pimap_node_t  *node;

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        node->subscriber.connection = NULL;
    }

    ngx_pimap_node_sweep(NULL);

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (node->subscriber.state == NGX_PIMAP_REDIS_UP) {
            node->subscriber.connection = &fuzz_wire;
        }
    }
}


static void
fuzz_account(unsigned i)
{
    ngx_pimap_subscription_t  *sub;

    if (fuzz_subs[i]) {
        ngx_pimap_subscriber_remove(fuzz_subs[i]);
        free(fuzz_subs[i]);
        fuzz_subs[i] = NULL;
        return;
    }

    sub = calloc(1, sizeof(ngx_pimap_subscription_t));
    fuzz_check(sub);

    sub->sn.str.data = (u_char *) fuzz_names[i];
    sub->sn.str.len = strlen(fuzz_names[i]);

    ngx_pimap_subscriber_add(sub);
    fuzz_subs[i] = sub;
}


/* An account that counts as subscribed is, or soon hears that it is not. */

static void
fuzz_true(void)
{
    char            channel[64];
    unsigned        i, a, n;
    fuzz_server_t  *s;

    for (i = 0; i < fuzz_n(fuzz_names); i++) {

        if (fuzz_subs[i] == NULL || !fuzz_subs[i]->subscribed) {
            continue;
        }

        snprintf(channel, sizeof(channel), "p:{%s}", fuzz_names[i]);

        for (s = fuzz_servers, n = 0; s < fuzz_servers + FUZZ_NODES; s++) {
            n += s->node && s->node->subscriber.failed;
            n += fuzz_find(s, channel) < s->nchannels;

            for (a = 0; a < s->nanswers; a++) {
                n += strstr(s->answers[a], "sunsubscribe")
                     && strstr(s->answers[a], channel);
            }
        }

        fuzz_check(n);
    }
}


static void
fuzz_settle(void)
{
    char            channel[64];
    unsigned        i, rounds;
    fuzz_server_t  *s;

    fuzz_fails = 0;

    for (rounds = 0; rounds < 8; rounds++) {

        if (rounds % 4 == 0) {
            fuzz_topology();
            fuzz_sent();
        }

        for (s = fuzz_servers; s < fuzz_servers + FUZZ_NODES; s++) {
            fuzz_up(s);
            fuzz_sent();

            while (s->ncommands || s->nanswers) {
                while (s->ncommands) {
                    fuzz_execute(s);
                }

                while (s->nanswers) {
                    fuzz_deliver(s);
                }

                fuzz_sent();
            }
        }

        fuzz_wait(100);
        fuzz_sent();
    }

    for (i = 0; i < fuzz_n(fuzz_names); i++) {

        if (fuzz_subs[i] == NULL) {
            continue;
        }

        snprintf(channel, sizeof(channel), "p:{%s}", fuzz_names[i]);
        s = &fuzz_servers[fuzz_owners[fuzz_subs[i]->slot]];

        fuzz_check(fuzz_subs[i]->subscribed);
        fuzz_check(fuzz_find(s, channel) < s->nchannels);
    }

    for (s = fuzz_servers; s < fuzz_servers + FUZZ_NODES; s++) {

        if (s->node && s->node->slots && s->node->listened) {
            fuzz_check(s->node->subscriptions.asked
                       == s->node->subscriptions.answered);
            fuzz_check(ngx_queue_empty(&s->node->subscriptions.commands));
            fuzz_check(s->node->subscriptions.listening);
        }
    }
}


static void
fuzz_step(fuzz_in_t *in)
{
    unsigned        op, n;
    fuzz_server_t  *s;

    op = fuzz_byte(in);
    n = fuzz_byte(in);
    s = &fuzz_servers[n % 2];

    switch (op % 11) {

    case 0:
        fuzz_account(n % fuzz_n(fuzz_names));
        break;

    case 1:
        for (n = n / 16 + 1; n && s->ncommands; n--) {
            fuzz_execute(s);
        }
        break;

    case 2:
        for (n = n / 16 + 1; n && s->nanswers; n--) {
            fuzz_deliver(s);
        }
        break;

    case 3:
        fuzz_move(fuzz_slots[n / 2 % fuzz_n(fuzz_slots)], n % 2);
        break;

    case 4:
        fuzz_topology();
        break;

    case 5:
        fuzz_wait(n);
        break;

    case 6:
        fuzz_up(s);
        break;

    case 7:
        if (s->node) {
            ngx_pimap_redis_fail(&s->node->subscriber, "lost");
            fuzz_wait(1);
        }
        break;

    case 8:
        s->error = fuzz_errors[n / 2 % fuzz_n(fuzz_errors)];
        break;

    case 9:
        if (n & 2) {
            fuzz_sweep();

        } else if (s->nchannels) {
            fuzz_unsubscribe(s, n % s->nchannels);
        }
        break;

    case 10:
        fuzz_fails = n;
        break;
    }
}


/* Callbacks that do nothing. */

static void
fuzz_none(void)
{
}


static void
fuzz_node_none(ngx_pimap_node_t *node)
{
}


static void
fuzz_redis_none(ngx_pimap_redis_t *redis)
{
}


static void
fuzz_reply_none(ngx_pimap_redis_t *redis, redisReply *reply)
{
}


static void
fuzz_own(ngx_pimap_node_t *node, u_char *data, size_t len)
{
}


static void
fuzz_message(ngx_str_t *account, char *payload, size_t len)
{
}


static void
fuzz_gone(ngx_pimap_account_t *account)
{
}


static void
fuzz_init(void)
{
    static void                    *main_conf[1], *cycle_conf[1];
    static ngx_shm_zone_t           zone;
    static ngx_http_conf_ctx_t      ctx;
    static ngx_pimap_main_conf_t    pmcf;

    static const ngx_pimap_node_pt  created[] = {
        ngx_pimap_command_created, ngx_pimap_subscriber_created,
        ngx_pimap_log_reader_created, NULL
    };

    static const ngx_pimap_node_pt  destroyed[] = {
        ngx_pimap_log_reader_destroyed, ngx_pimap_subscriber_destroyed,
        ngx_pimap_command_destroyed, NULL
    };
    static const ngx_pimap_node_handlers_t  handlers = {
        fuzz_redis_none, fuzz_redis_none, fuzz_reply_none,
        ngx_pimap_subscriber_up, ngx_pimap_subscriber_down,
        ngx_pimap_subscriber_reply, ngx_pimap_subscriber_ahead,
        created, destroyed, ngx_pimap_subscriber_moved, fuzz_none
    };

    static const ngx_pimap_subscriber_row_t        rows[1];
    static const ngx_pimap_subscriber_callbacks_t  callbacks = {
        fuzz_node_none, fuzz_node_none, fuzz_own, fuzz_message, rows, fuzz_gone
    };

    if (zone.data) {
        return;
    }

    fuzz_nginx_init();

    zone.data = calloc(1, 4 * 1024 * 1024);
    fuzz_check(zone.data);

    ngx_http_module.index = 0;
    pmcf.zone = &zone;
    main_conf[0] = &pmcf;
    ctx.main_conf = main_conf;
    cycle_conf[0] = &ctx;
    fuzz_cycle.conf_ctx = (void *) cycle_conf;

    ngx_time_init();
    ngx_queue_init(&ngx_posted_events);
    fuzz_check(ngx_event_timer_init(&fuzz_log) == NGX_OK);
    fuzz_check(ngx_pimap_zone_init_process(&fuzz_cycle) == NGX_OK);

    fuzz_event.log = &fuzz_log;
    fuzz_wire.fd = -1;
    fuzz_wire.log = &fuzz_log;
    fuzz_wire.write = &fuzz_event;
    fuzz_wire.read = &fuzz_event;

    ngx_str_set(&fuzz_redis.prefix, "p");
    fuzz_redis.seeds.nelts = 1;
    fuzz_redis.timeout = 2000;
    fuzz_redis.connect_timeout = 100000000;

    fuzz_check(ngx_pimap_own_channel_init_process(&fuzz_redis) == NGX_OK);
    ngx_pimap_subscription_init_process();
    ngx_pimap_command_init_process();
    ngx_pimap_subscriber_init_process(&callbacks);
    ngx_pimap_node_init_process(&fuzz_redis, &handlers);
}


/* The next input begins without nodes. */

static void
fuzz_end(void)
{
    pimap_redis_topology_t  *t;

    t = pimap_redis_topology_new();
    fuzz_check(t);

    (void) ngx_pimap_node_apply(t);
    fuzz_sweep();
    fuzz_check(ngx_pimap_node_first() == NULL);
    fuzz_sent();

    pimap_redis_topology_free(t);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned   i;
    fuzz_in_t  in = { data, data + size };

    fuzz_init();

    memset(fuzz_owners, 0, sizeof(fuzz_owners));
    memset(fuzz_owners + PIMAP_REDIS_SLOTS / 2, 1, PIMAP_REDIS_SLOTS / 2);

    while (in.p < in.last) {
        fuzz_step(&in);
        fuzz_sent();
        fuzz_true();
    }

    fuzz_settle();

    for (i = 0; i < fuzz_n(fuzz_names); i++) {
        if (fuzz_subs[i]) {
            fuzz_account(i);
        }
    }

    fuzz_settle();
    fuzz_end();

    return 0;
}
