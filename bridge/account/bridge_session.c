
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Whatever can't be published ends the session: what Redis has not written is
 * what the next one finds out again, from the states that Redis has.
 */


#include "bridge_session.h"
#include "bridge_auth.h"
#include "bridge_config.h"
#include "bridge_session_dav.h"
#include "bridge_lease.h"
#include "bridge_log.h"
#include "bridge_metrics.h"
#include "bridge_connect_rate.h"
#include "bridge_update_consumer.h"

#include <stdio.h>
#include <stdlib.h>


#define BRIDGE_SESSION_LASTED  30000      /* msec: a session that was good */
#define BRIDGE_SESSION_FIXED   5          /* arguments before the events */


typedef struct {
    bridge_account_t  *account;
    uint64_t           generation;
} bridge_session_sent_t;


static void bridge_session_mailboxes(json_t *states);
static void bridge_session_logged_in(void *data, imap_client_t *client);
static void bridge_session_publish(void *data, imap_client_t *client,
    const char *mailbox, json_t *events, json_t *state);
static int bridge_session_send(bridge_account_t *account, const char *mailbox,
    json_t *events, json_t *state);
static void bridge_session_published(void *data, redisReply *reply);
static void bridge_session_unpublished(bridge_account_t *account,
    redisReply *reply);
static void bridge_session_ready(void *data, imap_client_t *client,
    const char *how);
static void bridge_session_failed(void *data, imap_client_t *client,
    imap_fail_t reason, const char *why);
static void bridge_session_refused(bridge_account_t *account);
static void bridge_session_retry(bridge_account_t *account, bridge_msec_t min);
static void bridge_session_log(void *data, imap_client_t *client, int level,
    const char *text);


static const imap_client_callbacks_t  bridge_session_callbacks = {
    bridge_session_logged_in,
    bridge_session_publish,
    bridge_session_ready,
    bridge_session_failed,
    bridge_session_log
};


void
bridge_session_open(bridge_account_t *account, redisReply **states, size_t n)
{
    char             *name;
    imap_login_t      login;
    bridge_server_t  *server;

    server = bridge_config_server(bridge_config, account->login
                                  ? account->login->user : account->name);

    if (server == NULL
        || bridge_login_for(&login, &name, server, account->name,
                            server->master_user ? NULL : account->login)
           != 0)
    {
        bridge_connect_rate_refund();
        bridge_account_consider(account);
        return;
    }

    account->states = bridge_session_states(states, n);
    account->client = imap_client_open(&server->imap,
                                       &bridge_session_callbacks,
                                       account, &login);
    free(name);

    if (account->client == NULL) {
        json_decref(account->states);
        account->states = NULL;

        bridge_session_later(account, bridge_config->sessions.backoff_max);
        return;
    }

    bridge_config_hold(server->config);
    bridge_connect_rate_opened(server);

    if (server->master_user == NULL) {
        account->used = bridge_login_hold(account->login);
    }

    account->server = server;
    account->state = BRIDGE_ACCOUNT_OPEN;
    account->opened = bridge_now();
    account->ready = 0;
    account->broken = 0;
    account->again = 0;

    bridge_session_dav_open(account, account->states);
    bridge_session_mailboxes(account->states);
}


/* Names of the DAV half begin with a tab. */

static void
bridge_session_mailboxes(json_t *states)
{
    void        *next;
    json_t      *state;
    const char  *name;

    json_object_foreach_safe(states, next, name, state) {
        if (*name == '\t') {
            json_object_del(states, name);
        }
    }
}


/* A state that we can't read is none: the mailbox begins anew. */

json_t *
bridge_session_states(redisReply **states, size_t n)
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


void
bridge_session_close(bridge_account_t *account, int logout)
{
    bridge_server_t  *server;

    server = account->server;

    bridge_session_dav_close(account);
    imap_client_close(account->client, logout);
    bridge_connect_rate_closed(server);
    bridge_config_release(server->config);
    bridge_login_release(&account->used);

    json_decref(account->states);
    evtimer_del(&account->timer);

    account->states = NULL;
    account->client = NULL;
    account->server = NULL;
    account->state = BRIDGE_ACCOUNT_IDLE;
    account->ready = 0;
    account->since = bridge_now();
}


void
bridge_session_again(bridge_account_t *account)
{
    account->broken = 1;
    account->again = 1;

    bridge_timer_set(&account->timer, 0);
}


void
bridge_session_ended(bridge_account_t *account)
{
    int  again;

    again = account->again;

    bridge_session_close(account, again);

    if (again) {
        bridge_account_consider(account);
        return;
    }

    bridge_session_retry(account, 0);
}


void
bridge_session_later(bridge_account_t *account, bridge_msec_t wait)
{
    account->state = BRIDGE_ACCOUNT_WAITING;

    bridge_timer_set(&account->timer, wait + bridge_random(wait / 4 + 1));

    bridge_update_consumer_moved(account);
}


imap_session_t *
bridge_session_imap(bridge_account_t *account)
{
    return account->ready && !account->broken
           ? imap_client_session(account->client) : NULL;
}


static void
bridge_session_logged_in(void *data, imap_client_t *client)
{
    bridge_account_t  *account = data;

    imap_session_watch(imap_client_session(client), account->states);

    json_decref(account->states);
    account->states = NULL;

    bridge_metrics.logins++;
}


static void
bridge_session_publish(void *data, imap_client_t *client, const char *mailbox,
    json_t *events, json_t *state)
{
    bridge_account_t  *account = data;

    if (bridge_config->sessions.on && account->server->mail) {
        bridge_session_put(account, mailbox, events, state);
    }
}


void
bridge_session_put(bridge_account_t *account, const char *name, json_t *events,
    json_t *state)
{
    if (account->broken) {
        return;
    }

    if (bridge_session_send(account, name, events, state) != 0) {
        account->broken = 1;
        bridge_timer_set(&account->timer, 0);
    }
}


static int
bridge_session_send(bridge_account_t *account, const char *mailbox,
    json_t *events, json_t *state)
{
    int                    rc;
    char                   maxlen[16], ttl[24];
    size_t                 i, n, *len;
    const char           **argv;
    bridge_session_sent_t   *sent;

    n = json_array_size(events);

    argv = bridge_alloc((n + 4 + BRIDGE_SESSION_FIXED) * sizeof(char *));
    len = bridge_alloc((n + 4 + BRIDGE_SESSION_FIXED) * sizeof(size_t));

    snprintf(maxlen, sizeof(maxlen), "%d", bridge_config->redis.maxlen);
    snprintf(ttl, sizeof(ttl), "%llu",
             (unsigned long long) bridge_config->redis.ttl / 1000);

    argv[0] = "FCALL";
    argv[1] = "pimap_bridge_publish";
    argv[2] = "1";
    argv[3] = bridge_redis_command_key(account->name, NULL);
    argv[4] = bridge_lease_value(account);
    argv[5] = maxlen;
    argv[6] = ttl;
    argv[7] = mailbox;
    argv[8] = state ? json_dumps(state, JSON_COMPACT) : bridge_string("");

    rc = argv[8] ? 0 : -1;

    for (i = 0; i < n; i++) {
        argv[9 + i] = json_dumps(json_array_get(events, i), JSON_COMPACT);
        rc |= argv[9 + i] ? 0 : -1;
    }

    for (i = 0; rc == 0 && i < n + 9; i++) {
        len[i] = strlen(argv[i]);
    }

    sent = bridge_alloc(sizeof(bridge_session_sent_t));

    sent->account = account;
    sent->generation = account->generation;

    if (rc == 0
        && bridge_redis_command_send_argv(bridge_session_published, sent,
                                          n + 9,
                                      argv, len))
    {
        bridge_account_hold(account);

    } else {
        free(sent);
        rc = -1;
    }

    free((void *) argv[3]);
    free((void *) argv[4]);

    for (i = 8; i < n + 9; i++) {
        free((void *) argv[i]);
    }

    free(argv);
    free(len);

    return rc;
}


static void
bridge_session_published(void *data, redisReply *reply)
{
    uint64_t              generation;
    bridge_account_t     *account;
    bridge_session_sent_t  *sent = data;

    account = sent->account;
    generation = sent->generation;

    free(sent);

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        bridge_metrics.published += reply->element[0]->integer;
        bridge_metrics.dropped += reply->element[1]->integer;

    } else if (account->client && account->generation == generation) {
        bridge_session_unpublished(account, reply);
    }

    bridge_account_release(account);
}


/* Nobody knows whether it was, or it was refused. */

static void
bridge_session_unpublished(bridge_account_t *account, redisReply *reply)
{
    if (account->broken) {
        return;
    }

    bridge_metrics.unpublished++;

    if (bridge_redis_is_error(reply, "PIMAP lease")) {
        account->held = 0;
        bridge_session_again(account);
        return;
    }

    bridge_log(reply ? BRIDGE_LOG_ERROR : BRIDGE_LOG_INFO,
               "account \"%s\": not published: %s", account->name,
               reply && reply->type == REDIS_REPLY_ERROR ? reply->str
               : reply ? "unexpected reply" : "no answer from redis");

    account->broken = 1;
    bridge_timer_set(&account->timer, 0);
}


static void
bridge_session_ready(void *data, imap_client_t *client, const char *how)
{
    bridge_account_t  *account = data;

    if (!account->ready) {
        bridge_log(BRIDGE_LOG_INFO, "account \"%s\": watching by %s",
                   account->name, how);
    }

    account->ready = 1;
    account->since = 0;

    bridge_update_consumer_moved(account);
}


static void
bridge_session_failed(void *data, imap_client_t *client, imap_fail_t reason,
    const char *why)
{
    bridge_server_t   *server;
    bridge_account_t  *account = data;

    server = account->server;

    bridge_log(reason == IMAP_FAIL_AWAY || reason == IMAP_FAIL_CREDENTIALS
               ? BRIDGE_LOG_INFO : BRIDGE_LOG_WARN,
               "account \"%s\": session with \"%s\" ended: %s",
               account->name, server->name, why);

    bridge_metrics.failures[reason]++;

    if (reason == IMAP_FAIL_CREDENTIALS) {
        bridge_session_refused(account);
        return;
    }

    bridge_session_close(account, 0);

    bridge_session_retry(account, reason == IMAP_FAIL_LIMIT
                                || reason == IMAP_FAIL_TLS
                                ? bridge_config->sessions.backoff_max : 0);
}


/*
 * A user's login is not tried again: there will be another one.  A master
 * user may be let in to others, and to this one later.
 */

static void
bridge_session_refused(bridge_account_t *account)
{
    bridge_login_t  *used;

    used = account->used ? bridge_login_hold(account->used) : NULL;

    bridge_session_close(account, 0);

    if (used == NULL) {
        bridge_session_retry(account, 6 * bridge_config->sessions.backoff_max);
        return;
    }

    /* a newer one may have come in the meantime */

    account->refused = used == account->login;

    bridge_auth_refused(used);
    bridge_login_release(&used);

    bridge_account_consider(account);
}


static void
bridge_session_retry(bridge_account_t *account, bridge_msec_t min)
{
    bridge_msec_t         wait;
    bridge_session_conf_t  *conf;

    conf = &bridge_config->sessions;

    if (bridge_now() - account->opened > BRIDGE_SESSION_LASTED) {
        bridge_backoff_reset(&account->backoff);
    }

    wait = bridge_backoff_next(&account->backoff, conf->backoff_min,
                               conf->backoff_max);

    bridge_session_later(account, wait > min ? wait : min);
    bridge_account_consider(account);
}


static void
bridge_session_log(void *data, imap_client_t *client, int level,
    const char *text)
{
    bridge_account_t  *account = data;

    bridge_log((bridge_log_level_t) level, "account \"%s\": %s",
               account->name, text);
}
