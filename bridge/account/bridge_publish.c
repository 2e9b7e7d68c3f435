
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the writing of events, with the state that they lead to, in one
 * step.  Called by the sessions.  Invariant: an account has one call on its
 * way, and after one that has failed no later one of its session is sent.
 * So a stored state never skips events.
 */


#include "bridge_supervisor.h"

#include <stdio.h>
#include <stdlib.h>


typedef struct bridge_publish_call_s  bridge_publish_call_t;

struct bridge_publish_call_s {
    TAILQ_ENTRY(bridge_publish_call_s)   link;
    bridge_account_t                    *account;
    uint64_t                             generation;
    GPtrArray                           *argv;  /* NULL: it was sent */
    size_t                               bytes;
};


static GPtrArray *bridge_publish_argv(bridge_account_t *account,
    const char *name, json_t *events, json_t *state);
static int bridge_publish_add(bridge_account_t *account, GPtrArray *argv);
static void bridge_publish_next(bridge_account_t *account);
static void bridge_publish_answered(void *data, redisReply *reply);
static void bridge_publish_failed(bridge_account_t *account,
    redisReply *reply);
static void bridge_publish_drop_text(bridge_publish_call_t *call);
static void bridge_publish_free(bridge_publish_call_t *call);


static size_t  bridge_publish_waiting;  /* bytes of all that were not sent */


void
bridge_publish_init(bridge_account_t *account)
{
    TAILQ_INIT(&account->publishes);
}


void
bridge_publish(bridge_account_t *account, const char *name, json_t *events,
    json_t *state)
{
    GPtrArray  *argv;

    if (account->session >= BRIDGE_SESSION_ENDING) {
        return;
    }

    argv = bridge_publish_argv(account, name, events, state);

    if (bridge_publish_add(account, argv) != 0) {
        g_ptr_array_free(argv, TRUE);
        bridge_account_ops->unpublished(account, 0);
        return;
    }

    bridge_publish_next(account);
}


/* With a NULL among them if there was no memory. */

static GPtrArray *
bridge_publish_argv(bridge_account_t *account, const char *name,
    json_t *events, json_t *state)
{
    size_t      i;
    json_t     *event, *change;
    GPtrArray  *argv;

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

    return argv;
}


static int
bridge_publish_add(bridge_account_t *account, GPtrArray *argv)
{
    size_t                  bytes;
    unsigned                i;
    bridge_publish_call_t  *call;

    bytes = 0;

    for (i = 0; i < argv->len; i++) {
        if (g_ptr_array_index(argv, i) == NULL) {
            return -1;
        }

        bytes += strlen(g_ptr_array_index(argv, i));
    }

    if (bridge_publish_waiting + bytes
        > (size_t) bridge_config->redis.max_bytes)
    {
        return -1;
    }

    call = bridge_alloc(sizeof(bridge_publish_call_t));

    call->account = account;
    call->generation = account->generation;
    call->argv = argv;
    call->bytes = bytes;

    bridge_publish_waiting += bytes;
    TAILQ_INSERT_TAIL(&account->publishes, call, link);

    return 0;
}


static void
bridge_publish_next(bridge_account_t *account)
{
    bridge_publish_call_t  *call;

    call = TAILQ_FIRST(&account->publishes);

    if (call == NULL || call->argv == NULL) {
        return;
    }

    if (bridge_redis_command_send_argv(bridge_redis_slot_account(
                                           account->name),
                                       bridge_publish_answered, call,
                                       call->argv->len,
                                       (const char **) call->argv->pdata, NULL)
        == NULL)
    {
        bridge_publish_free(call);
        bridge_account_ops->unpublished(account, 0);
        return;
    }

    bridge_publish_drop_text(call);
    bridge_account_hold(account);
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

    bridge_publish_free(call);

    if (account->session < BRIDGE_SESSION_ENDING) {
        bridge_publish_next(account);
    }

    bridge_account_release(account);
}


/* The next session reports these events again. */

void
bridge_publish_forget(bridge_account_t *account)
{
    bridge_publish_call_t  *call;

    while ((call = TAILQ_LAST(&account->publishes, bridge_publish_list_s))
           && call->argv)
    {
        bridge_publish_free(call);
    }
}


/* Its text is not needed any more. */

static void
bridge_publish_drop_text(bridge_publish_call_t *call)
{
    if (call->argv) {
        bridge_publish_waiting -= call->bytes;
        g_ptr_array_free(call->argv, TRUE);
        call->argv = NULL;
    }
}


static void
bridge_publish_free(bridge_publish_call_t *call)
{
    TAILQ_REMOVE(&call->account->publishes, call, link);
    bridge_publish_drop_text(call);
    free(call);
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
