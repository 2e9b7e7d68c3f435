
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The server is asked: a session that logs in, and out again.
 */


#include "bridge_auth_private.h"
#include "bridge_config.h"
#include "bridge_log.h"
#include "bridge_connect_rate.h"

#include <stdlib.h>


static void bridge_auth_logged_in(void *data, imap_client_t *client);
static void bridge_auth_publish(void *data, imap_client_t *client,
    const char *mailbox, json_t *events, json_t *state);
static void bridge_auth_ready(void *data, imap_client_t *client,
    const char *how);
static void bridge_auth_failed(void *data, imap_client_t *client,
    imap_fail_t reason, const char *why);
static void bridge_auth_log(void *data, imap_client_t *client, int level,
    const char *text);
static void bridge_auth_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_auth_close(bridge_auth_entry_t *entry);


static const imap_client_callbacks_t  bridge_auth_callbacks = {
    bridge_auth_logged_in,
    bridge_auth_publish,
    bridge_auth_ready,
    bridge_auth_failed,
    bridge_auth_log
};


bridge_auth_entry_t *
bridge_auth_attempt(bridge_login_t *login)
{
    char                 *name;
    imap_login_t          as;
    bridge_server_t      *server;
    bridge_auth_entry_t  *entry;

    server = bridge_config_server(bridge_config, login->user);

    if (server == NULL || bridge_connect_rate_login(server) != 0) {
        return NULL;
    }

    entry = bridge_alloc(sizeof(bridge_auth_entry_t));

    bridge_login_for(&as, &name, server, NULL, login);

    entry->client = imap_client_open(&server->imap, &bridge_auth_callbacks,
                                     entry, &as);
    if (entry->client == NULL) {
        free(entry);
        return NULL;
    }

    entry->login = bridge_login_hold(login);
    entry->server = server;

    bridge_config_hold(server->config);
    bridge_connect_rate_opened(server);

    TAILQ_INIT(&entry->waits);

    evtimer_assign(&entry->timer, bridge_base, bridge_auth_timer_handler,
                   entry);

    entry->result = BRIDGE_AUTH_AWAY;
    bridge_timer_set(&entry->timer, bridge_config->auth.timeout);

    return entry;
}


/* The client may not be closed within its callbacks: the timer does it. */

static void
bridge_auth_logged_in(void *data, imap_client_t *client)
{
    bridge_auth_entry_t  *entry = data;

    entry->result = BRIDGE_AUTH_GOOD;

    bridge_timer_set(&entry->timer, 0);
}


static void
bridge_auth_publish(void *data, imap_client_t *client, const char *mailbox,
    json_t *events, json_t *state)
{
    /* it does not watch */
}


static void
bridge_auth_ready(void *data, imap_client_t *client, const char *how)
{
    /* it does not watch */
}


static void
bridge_auth_failed(void *data, imap_client_t *client, imap_fail_t reason,
    const char *why)
{
    bridge_auth_entry_t  *entry = data;

    bridge_log(BRIDGE_LOG_INFO, "login of \"%s\" at \"%s\": %s",
               entry->login->user, entry->server->name, why);

    bridge_auth_finish(entry, entry->result == BRIDGE_AUTH_GOOD
                              ? BRIDGE_AUTH_GOOD
                              : reason == IMAP_FAIL_CREDENTIALS
                              ? BRIDGE_AUTH_BAD : BRIDGE_AUTH_AWAY);
}


static void
bridge_auth_log(void *data, imap_client_t *client, int level,
    const char *text)
{
    bridge_auth_entry_t  *entry = data;

    bridge_log((bridge_log_level_t) level, "login of \"%s\": %s",
               entry->login->user, text);
}


static void
bridge_auth_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_auth_entry_t  *entry = data;

    if (entry->result == BRIDGE_AUTH_AWAY) {
        bridge_log(BRIDGE_LOG_INFO, "login of \"%s\" at \"%s\": no answer in "
                   "time", entry->login->user, entry->server->name);
    }

    bridge_auth_finish(entry, entry->result);
}


/* The answers: good or not known at once, bad ones slowly. */

void
bridge_auth_finish(bridge_auth_entry_t *entry, bridge_auth_result_t result)
{
    char                *account;
    bridge_auth_wait_t  *wait;

    account = bridge_auth_account(entry->login->user);

    if (result == BRIDGE_AUTH_GOOD) {
        bridge_account_login(account, entry->login, 1);
    }

    while (!TAILQ_EMPTY(&entry->waits)) {
        wait = TAILQ_FIRST(&entry->waits);

        if (result != BRIDGE_AUTH_BAD) {
            bridge_auth_wait_end(wait, result, account);
            continue;
        }

        bridge_auth_slow_down(wait);
    }

    free(account);

    bridge_auth_close(entry);
    bridge_auth_keep(entry, result);
}


static void
bridge_auth_close(bridge_auth_entry_t *entry)
{
    evtimer_del(&entry->timer);

    imap_client_close(entry->client, entry->result == BRIDGE_AUTH_GOOD);

    bridge_connect_rate_closed(entry->server);
    bridge_config_release(entry->server->config);
    bridge_login_release(&entry->login);

    entry->client = NULL;
    entry->server = NULL;
}
