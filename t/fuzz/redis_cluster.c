
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: what Redis, a cluster and a sentinel say.  A topology has
 * only usable nodes, its counts are right, and each owner is a master.  A
 * redirection names a host or no port.  The first byte chooses the reader.
 *
 * Reaches: fuzz_topology, fuzz_redirect, fuzz_migration, fuzz_login,
 *     fuzz_url, pimap_redis_topology_range, pimap_redis_topology_shard,
 *     pimap_redis_migration_slot, pimap_redis_login_redirect.
 */


#include "fuzz.h"

#include <hiredis/hiredis.h>

#include "pimap_redis_login.h"
#include "pimap_redis_migration.h"
#include "pimap_redis_redirect.h"
#include "pimap_redis_topology.h"
#include "pimap_redis_url.h"


#define FUZZ_ELEMENTS  4096


static redisReplyObjectFunctions  fuzz_functions;
static redisReplyObjectFunctions  fuzz_defaults;


#if (HIREDIS_MAJOR >= 1)
static void *
fuzz_array(const redisReadTask *task, size_t n)
#else
static void *
fuzz_array(const redisReadTask *task, int n)
#endif
{
    return n > FUZZ_ELEMENTS ? NULL : fuzz_defaults.createArray(task, n);
}


/* NULL: it is not RESP, or not all of it. */

static redisReply *
fuzz_reply(const uint8_t *data, size_t size)
{
    void         *reply;
    redisReader  *reader;

    reader = redisReaderCreate();
    fuzz_check(reader);

    fuzz_defaults = *reader->fn;
    fuzz_functions = *reader->fn;
    fuzz_functions.createArray = fuzz_array;
    reader->fn = &fuzz_functions;

    if (redisReaderFeed(reader, (const char *) data, size) != REDIS_OK
        || redisReaderGetReply(reader, &reply) != REDIS_OK)
    {
        reply = NULL;
    }

    redisReaderFree(reader);

    return reply;
}


static void
fuzz_host(const char *host)
{
    fuzz_check(*host && strlen(host) < PIMAP_REDIS_HOST
               && strpbrk(host, " \r\n/@\"") == NULL);
}


static void
fuzz_topology(pimap_redis_topology_t *t)
{
    unsigned              i, n, slot;
    unsigned              owned[PIMAP_REDIS_MAX_NODES];
    pimap_redis_node_t   *node;

    fuzz_check(t->nnodes >= 1 && t->nnodes <= PIMAP_REDIS_MAX_NODES);
    memset(owned, 0, sizeof(owned));

    for (slot = 0, n = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
        node = pimap_redis_topology_owner(t, slot);
        n += node == NULL;

        fuzz_check(node == NULL || node->master);

        if (node) {
            owned[node - t->nodes]++;
        }
    }

    fuzz_check(n == t->unassigned);

    for (i = 0; i < t->nnodes; i++) {
        node = &t->nodes[i];

        fuzz_host(node->host);
        fuzz_check(node->port && node->slots == owned[i]);
        fuzz_check(strlen(node->id) < PIMAP_REDIS_NODE_ID);
        fuzz_check(pimap_redis_topology_find(t, node->host, node->port) == i);
        fuzz_check((pimap_redis_topology_slot_of(t, i) == PIMAP_REDIS_SLOTS)
                   == (owned[i] == 0));
    }
}


static void
fuzz_topology_reply(const redisReply *reply, unsigned which)
{
    const char              *why;
    pimap_redis_topology_t  *t;

    why = NULL;

    t = which & 1 ? pimap_redis_topology_slots(reply, "192.0.2.1", &why)
                  : pimap_redis_topology_shards(reply, "192.0.2.1", which & 2,
                                                &why);
    fuzz_check((t == NULL) == (why != NULL));

    if (t) {
        fuzz_topology(t);

        (void) pimap_redis_topology_move(t, which * 61, "moved", 1);
        fuzz_topology(t);

        pimap_redis_topology_free(t);
    }
}


static void
fuzz_redirect(const char *text, size_t len)
{
    pimap_redis_redirect_t  r;

    (void) pimap_redis_redirect_parse(&r, text, len, "192.0.2.1");

    fuzz_check(r.slot < PIMAP_REDIS_SLOTS && r.port <= 65535);

    if (r.port) {
        fuzz_check(r.type == PIMAP_REDIS_REDIRECT_MOVED
                   || r.type == PIMAP_REDIS_REDIRECT_ASK);
        fuzz_host(r.host);
    }
}


static void
fuzz_migration(const char *text, size_t len)
{
    unsigned                 n, slot;
    pimap_redis_migration_t  m;

    if (pimap_redis_migration_parse(&m, text, len) != 0) {
        return;
    }

    for (slot = 0, n = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
        n += pimap_redis_slot_set_has(&m.leaving, slot);
    }

    fuzz_check(n == m.leaving.n);
}


/* Each reply answers the next command. */

static void
fuzz_login(const redisReply *reply, unsigned which)
{
    size_t                       i;
    const char                  *why;
    pimap_redis_login_t          login;
    pimap_redis_login_result_t   rc;

    static const pimap_redis_credentials_t  credentials = {
        { "u", 1 }, { "p", 1 }, { "1", 1 }, { "m", 1 }
    };

    pimap_redis_login_start(&login, which & 3, &credentials);

    for (i = 0; i <= PIMAP_REDIS_LOGIN_COMMANDS; i++) {
        why = NULL;
        rc = pimap_redis_login_reply(&login, reply, &why);

        fuzz_check((rc == PIMAP_REDIS_LOGIN_FAILED) == (why != NULL));

        if (rc == PIMAP_REDIS_LOGIN_REDIRECTED) {
            fuzz_host(login.host);
            fuzz_check(login.port && login.port <= 65535);
        }

        if (rc != PIMAP_REDIS_LOGIN_AGAIN) {
            return;
        }
    }

    abort();
}


static void
fuzz_url(const char *text, size_t len)
{
    unsigned            i;
    const char         *why;
    pimap_redis_url_t   url;

    why = pimap_redis_url_parse(&url, text, len);

    if (why == NULL) {
        fuzz_check(*url.text && strchr(url.text, ' ') == NULL
                   && (url.path || strchr(url.text, '@') == NULL));
        fuzz_check((url.nhosts == 0) == (url.type == PIMAP_REDIS_URL_UNIX));
        fuzz_check((url.master != NULL)
                   == (url.type == PIMAP_REDIS_URL_SENTINEL));

        for (i = 0; i < url.nhosts; i++) {
            fuzz_check(*url.hosts[i].name && url.hosts[i].port
                       && url.hosts[i].port <= 65535);
        }
    }

    pimap_redis_url_free(&url);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *text;
    redisReply  *reply;

    if (size < 1) {
        return 0;
    }

    text = fuzz_copy(data + 1, size - 1);

    fuzz_redirect(text, size - 1);
    fuzz_migration(text, size - 1);
    fuzz_url(text, size - 1);

    free(text);

    reply = fuzz_reply(data + 1, size - 1);

    if (reply) {
        fuzz_topology_reply(reply, data[0]);
        fuzz_login(reply, data[0]);

        freeReplyObject(reply);
    }

    return 0;
}
