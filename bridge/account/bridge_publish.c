
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "bridge_supervisor.h"

#include <stdio.h>
#include <stdlib.h>


#define BRIDGE_PUBLISH_FIXED  9         /* arguments before the events */


typedef struct {
    bridge_account_t  *account;
    uint64_t           generation;
} bridge_publish_call_t;


static int bridge_publish_send(bridge_account_t *account, int argc,
    const char **argv);
static void bridge_publish_answered(void *data, redisReply *reply);
static void bridge_publish_failed(bridge_account_t *account,
    redisReply *reply);


void
bridge_publish(bridge_account_t *account, const char *name, json_t *events,
    json_t *state)
{
    int      rc;
    char     maxlen[16], ttl[24];
    size_t   i, n;
    char   **argv;

    if (account->session >= BRIDGE_SESSION_ENDING) {
        return;
    }

    n = BRIDGE_PUBLISH_FIXED + json_array_size(events);
    argv = bridge_alloc(n * sizeof(char *));

    snprintf(maxlen, sizeof(maxlen), "%d", bridge_config->redis.maxlen);
    snprintf(ttl, sizeof(ttl), "%llu",
             (unsigned long long) bridge_config->redis.ttl / 1000);

    argv[0] = "FCALL";
    argv[1] = "pimap_bridge_publish";
    argv[2] = "1";
    argv[3] = bridge_format(BRIDGE_ACCOUNT_KEY, bridge_config->redis.prefix,
                            account->name);
    argv[4] = bridge_account_lease(account);
    argv[5] = maxlen;
    argv[6] = ttl;
    argv[7] = (char *) name;
    argv[8] = state ? json_dumps(state, JSON_COMPACT) : bridge_string("");

    rc = argv[8] ? 0 : -1;

    for (i = BRIDGE_PUBLISH_FIXED; i < n; i++) {
        argv[i] = json_dumps(json_array_get(events,
                                            i - BRIDGE_PUBLISH_FIXED),
                             JSON_COMPACT);
        rc |= argv[i] ? 0 : -1;
    }

    if (rc != 0 || bridge_publish_send(account, n, (const char **) argv) != 0)
    {
        bridge_account_ops->unpublished(account, 0);
    }

    free(argv[3]);
    free(argv[4]);

    for (i = 8; i < n; i++) {
        free(argv[i]);
    }

    free(argv);
}


static int
bridge_publish_send(bridge_account_t *account, int argc, const char **argv)
{
    bridge_publish_call_t  *call;

    call = bridge_alloc(sizeof(bridge_publish_call_t));

    call->account = account;
    call->generation = account->generation;

    if (bridge_redis_command_send_argv(bridge_publish_answered, call, argc,
                                       argv, NULL)
        == NULL)
    {
        free(call);
        return -1;
    }

    bridge_account_hold(account);

    return 0;
}


/* [ published, refused ] */

static void
bridge_publish_answered(void *data, redisReply *reply)
{
    bridge_account_t       *account;
    bridge_publish_call_t  *call = data;

    account = call->account;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        bridge_counters.published += reply->element[0]->integer;
        bridge_counters.dropped += reply->element[1]->integer;

    } else if (account->session != BRIDGE_SESSION_NONE
               && account->session < BRIDGE_SESSION_ENDING
               && account->generation == call->generation)
    {
        bridge_publish_failed(account, reply);
    }

    free(call);
    bridge_account_release(account);
}


/* Without an answer the events are in Redis or not: the next session's states
   tell. */

static void
bridge_publish_failed(bridge_account_t *account, redisReply *reply)
{
    int  lost;

    bridge_counters.unpublished++;

    lost = bridge_redis_is_error(reply, "PIMAP lease");

    if (!lost) {
        bridge_log(reply ? BRIDGE_LOG_ERROR : BRIDGE_LOG_INFO,
                   "account \"%s\": events were not published, the next "
                   "session repeats them: %s", account->name,
                   reply == NULL ? "no answer from redis"
                   : reply->type == REDIS_REPLY_ERROR ? reply->str
                   : "unexpected reply of redis");
    }

    bridge_account_ops->unpublished(account, lost);
}


json_t *
bridge_publish_states(redisReply **states, size_t n)
{
    size_t   i;
    json_t  *object, *state;

    object = json_object();

    for (i = 0; i + 1 < n; i += 2) {

        if (states[i]->type != REDIS_REPLY_STRING
            || states[i + 1]->type != REDIS_REPLY_STRING)
        {
            continue;
        }

        state = json_loadb(states[i + 1]->str, states[i + 1]->len, 0, NULL);

        if (state) {
            json_object_set_new(object, states[i]->str, state);
        }
    }

    return object;
}
