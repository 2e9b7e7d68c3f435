
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the writing of events, with the state that they lead to, in one
 * step.  Called by the sessions.
 */


#include "bridge_supervisor.h"

#include <stdio.h>
#include <stdlib.h>


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
    int         rc;
    size_t      i;
    json_t     *event, *change;
    GPtrArray  *argv;

    if (account->session >= BRIDGE_SESSION_ENDING) {
        return;
    }

    argv = g_ptr_array_new_with_free_func(free);

    g_ptr_array_add(argv, bridge_string("FCALL"));
    g_ptr_array_add(argv, bridge_string("pimap_bridge_publish"));
    g_ptr_array_add(argv, bridge_string("1"));
    g_ptr_array_add(argv, bridge_format(BRIDGE_ACCOUNT_KEY,
                                        bridge_config->redis.prefix,
                                        account->name));
    g_ptr_array_add(argv, bridge_account_lease(account));
    g_ptr_array_add(argv, bridge_format("%d", bridge_config->redis.maxlen));
    g_ptr_array_add(argv, bridge_format("%llu", (unsigned long long)
                                        bridge_config->redis.ttl / 1000));
    g_ptr_array_add(argv, bridge_string(name));
    g_ptr_array_add(argv, state ? json_dumps(state, JSON_COMPACT)
                                : bridge_string(""));

    json_array_foreach(events, i, event) {
        g_ptr_array_add(argv, json_dumps(event, JSON_COMPACT));
    }

    change = account->server && account->server->jmap
             ? bridge_jmap_state_change(account->name, events) : NULL;

    if (change) {
        g_ptr_array_add(argv, json_dumps(change, JSON_COMPACT));
        json_decref(change);
    }

    rc = g_ptr_array_find(argv, NULL, NULL)
         ? -1 : bridge_publish_send(account, argv->len,
                                    (const char **) argv->pdata);

    g_ptr_array_free(argv, TRUE);

    if (rc != 0) {
        bridge_account_ops->unpublished(account, 0);
    }
}


static int
bridge_publish_send(bridge_account_t *account, int argc, const char **argv)
{
    unsigned                slot;
    bridge_publish_call_t  *call;

    slot = bridge_redis_slot_account(account->name);
    call = bridge_alloc(sizeof(bridge_publish_call_t));

    call->account = account;
    call->generation = account->generation;

    if (bridge_redis_command_send_argv(slot, bridge_publish_answered, call,
                                       argc, argv, NULL)
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
    int                 lost;
    bridge_log_level_t  level;

    static bridge_msec_t  said;

    bridge_counters.unpublished++;

    lost = bridge_redis_is_error(reply, "PIMAP lease");

    if (!lost) {
        level = reply ? bridge_log_once(&said) : BRIDGE_LOG_INFO;

        bridge_log(level,
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
    json_t  *object;

    object = json_object();

    /* a reply that is no string has no "str", and jansson refuses NULL */

    for (i = 0; i + 1 < n; i += 2) {
        json_object_set_new(object, states[i]->str,
                            json_loadb(states[i + 1]->str, states[i + 1]->len,
                                       0, NULL));
    }

    return object;
}
