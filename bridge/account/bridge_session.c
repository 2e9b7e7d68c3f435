
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the IMAP session of an account.  Called by the supervisor.
 */


#include "bridge_supervisor.h"

#include <stdlib.h>
#include <syslog.h>


static void bridge_session_mailboxes(json_t *states);
static void bridge_session_logged_in(void *data);
static void bridge_session_publish(void *data, const char *mailbox,
    json_t *events, json_t *state);
static void bridge_session_ready(void *data, const char *how);
static void bridge_session_failed(void *data, imap_fail_t reason,
    const char *why);
static void bridge_session_log(void *data, int level, const char *text);


static const imap_callbacks_t  bridge_session_callbacks = {
    bridge_session_logged_in,
    bridge_session_publish,
    bridge_session_ready,
    bridge_session_failed,
    bridge_session_log
};


int
bridge_session_open(bridge_account_t *account, redisReply **states, size_t n)
{
    char             *name;
    imap_login_t      login;
    imap_client_t    *client;
    bridge_server_t  *server;

    server = bridge_account_server(account);

    if (server == NULL
        || bridge_login_for(&login, &name, server, account->name,
                            server->master_user ? NULL : account->login)
           != 0)
    {
        return -1;
    }

    client = imap_client_open(&server->imap, &bridge_session_callbacks,
                              account, &login);
    free(name);

    if (client == NULL) {
        return -1;
    }

    bridge_config_hold(server->config);
    bridge_connect_rate_count(server, 1);

    if (server->master_user == NULL) {
        account->used = bridge_login_hold(account->login);
    }

    account->server = server;
    account->client = client;
    account->session = BRIDGE_SESSION_OPENING;
    account->ready_at = 0;
    account->states = bridge_publish_states(states, n);

    bridge_session_dav_open(account, account->states);
    bridge_session_mailboxes(account->states);

    return 0;
}


/* Names of collections begin with a tab. */

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


void
bridge_session_close(bridge_account_t *account, int logout)
{
    bridge_server_t  *server;

    server = account->server;

    bridge_publish_forget(account);
    bridge_session_dav_close(account);
    imap_client_close(account->client, logout);
    bridge_connect_rate_count(server, -1);
    bridge_config_release(server->config);
    bridge_login_release(&account->used);
    json_decref(account->states);

    account->states = NULL;
    account->client = NULL;
    account->server = NULL;
    account->session = BRIDGE_SESSION_NONE;
}


void
bridge_session_end(bridge_account_t *account, bridge_session_state_t state)
{
    if (account->session != BRIDGE_SESSION_NONE && account->session < state) {
        account->session = state;
        bridge_timer_set(&account->timer, 0);
    }
}


imap_session_t *
bridge_session_imap(bridge_account_t *account)
{
    return account->session == BRIDGE_SESSION_READY
           ? imap_client_session(account->client) : NULL;
}


static void
bridge_session_logged_in(void *data)
{
    bridge_account_t  *account = data;

    imap_session_watch(imap_client_session(account->client), account->states);

    json_decref(account->states);
    account->states = NULL;

    if (account->used == account->login) {
        account->checked = bridge_now();
    }

    bridge_trouble_over(account->server);
    bridge_counters.logins++;
}


static void
bridge_session_publish(void *data, const char *mailbox,
    json_t *events, json_t *state)
{
    bridge_account_t  *account = data;

    if (bridge_config->sessions.on && account->server->mail) {
        bridge_publish(account, mailbox, events, state);
    }
}


static void
bridge_session_ready(void *data, const char *how)
{
    bridge_account_t  *account = data;

    if (account->session == BRIDGE_SESSION_OPENING) {
        account->session = BRIDGE_SESSION_READY;
        account->ready_at = bridge_now();
        account->how = how;
        bridge_account_set_why(account, NULL);

        bridge_log(BRIDGE_LOG_INFO, "account \"%s\": watching by %s",
                   account->name, how);
    }

    bridge_account_ops->ready(account);
}


static void
bridge_session_failed(void *data, imap_fail_t reason, const char *why)
{
    bridge_log_level_t   level;
    bridge_account_t    *account = data;

    /* other accounts have other passwords */

    level = bridge_trouble(reason == IMAP_FAIL_CREDENTIALS
                           ? NULL : account->server, account->why, why);

    bridge_log(level,
               "account \"%s\": session with \"%s\" ended: %s",
               account->name, account->server->name, why);

    bridge_account_set_why(account, why);
    bridge_counters.failures[reason]++;

    bridge_account_ops->failed(account, reason);
}


static void
bridge_session_log(void *data, int level, const char *text)
{
    bridge_account_t  *account = data;

    bridge_log((bridge_log_level_t) level, "account \"%s\": %s",
               account->name, text);

    /* such as an INBOX that can't be opened */

    if (level <= LOG_WARNING && account->session == BRIDGE_SESSION_OPENING) {
        bridge_account_set_why(account, text);
    }
}
