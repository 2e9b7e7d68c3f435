
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one login that is tried at a mail server.  Called by bridge_auth.c.
 */


#include "bridge_supervisor.h"

#include <stdlib.h>


struct bridge_auth_attempt_s {
    bridge_login_t          *login;
    bridge_server_t         *server;
    imap_client_t           *client;
    struct event             timer;
    int                      stranger;
    bridge_auth_result_t     result;
    bridge_auth_attempt_pt   done;
    void                    *data;
};


static void bridge_auth_logged_in(void *data);
static void bridge_auth_failed(void *data, imap_fail_t reason,
    const char *why);
static void bridge_auth_log(void *data, int level, const char *text);
static void bridge_auth_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_auth_end(bridge_auth_attempt_t *attempt,
    bridge_auth_result_t result, const char *why);


/* A session that is not told to watch neither publishes nor gets ready. */

static const imap_callbacks_t  bridge_auth_callbacks = {
    .logged_in = bridge_auth_logged_in,
    .failed = bridge_auth_failed,
    .log = bridge_auth_log
};


bridge_auth_attempt_t *
bridge_auth_attempt(bridge_login_t *login, bridge_auth_attempt_pt done,
    void *data)
{
    int                     stranger;
    char                   *name, client[BRIDGE_ADDRESS_TEXT];
    imap_login_t            as;
    bridge_server_t        *server;
    bridge_auth_attempt_t  *attempt;

    server = bridge_config_server(bridge_config, login->user);

    stranger = login->client.known && !bridge_auth_limit_is_known(login);

    if (server == NULL || bridge_connect_rate_login(server, stranger) != 0) {
        return NULL;
    }

    attempt = bridge_alloc(sizeof(bridge_auth_attempt_t));

    bridge_login_for(&as, &name, server, NULL, login);

    if (login->client.known && server->client_address) {
        as.client = bridge_address_text(&login->client, client);
    }

    attempt->client = imap_client_open(&server->imap, &bridge_auth_callbacks,
                                       attempt, &as);
    if (attempt->client == NULL) {
        free(attempt);
        return NULL;
    }

    attempt->login = bridge_login_hold(login);
    attempt->server = server;
    attempt->stranger = stranger;
    attempt->result = BRIDGE_AUTH_AWAY;
    attempt->done = done;
    attempt->data = data;

    bridge_config_hold(server->config);
    bridge_connect_rate_count(server, 1);
    bridge_connect_rate_count_stranger(server, stranger);

    evtimer_assign(&attempt->timer, bridge_base, bridge_auth_timer_handler,
                   attempt);
    bridge_timer_set(&attempt->timer, bridge_config->auth.timeout);

    return attempt;
}


/* A client must not be closed in its callbacks, so the timer closes it. */

static void
bridge_auth_logged_in(void *data)
{
    bridge_auth_attempt_t  *attempt = data;

    attempt->result = BRIDGE_AUTH_GOOD;
    bridge_trouble_over(attempt->server);

    bridge_timer_set(&attempt->timer, 0);
}


static void
bridge_auth_failed(void *data, imap_fail_t reason, const char *why)
{
    bridge_log_level_t      level;
    bridge_auth_attempt_t  *attempt = data;

    level = reason == IMAP_FAIL_CREDENTIALS
            ? BRIDGE_LOG_INFO : bridge_trouble(attempt->server, NULL, why);

    bridge_log(level, "login of \"%s\" at \"%s\": %s",
               attempt->login->user, attempt->server->name, why);

    bridge_auth_end(attempt, attempt->result == BRIDGE_AUTH_GOOD
                             ? BRIDGE_AUTH_GOOD
                             : reason == IMAP_FAIL_CREDENTIALS
                             ? BRIDGE_AUTH_BAD : BRIDGE_AUTH_AWAY, why);
}


static void
bridge_auth_log(void *data, int level, const char *text)
{
    bridge_auth_attempt_t  *attempt = data;

    bridge_log((bridge_log_level_t) level, "login of \"%s\": %s",
               attempt->login->user, text);
}


static void
bridge_auth_timer_handler(evutil_socket_t fd, short what, void *data)
{
    const char             *why = "no answer in time";
    bridge_log_level_t      level;
    bridge_auth_attempt_t  *attempt = data;

    if (attempt->result == BRIDGE_AUTH_AWAY) {
        level = bridge_trouble(attempt->server, NULL, why);
        bridge_log(level, "login of \"%s\" at \"%s\": %s, %llu ms",
                   attempt->login->user, attempt->server->name, why,
                   (unsigned long long) bridge_config->auth.timeout);
    }

    bridge_auth_end(attempt, attempt->result, why);
}


static void
bridge_auth_end(bridge_auth_attempt_t *attempt, bridge_auth_result_t result,
    const char *why)
{
    attempt->done(attempt->data, attempt->login, result, why);

    evtimer_del(&attempt->timer);
    imap_client_close(attempt->client, attempt->result == BRIDGE_AUTH_GOOD);

    bridge_connect_rate_count(attempt->server, -1);
    bridge_connect_rate_count_stranger(attempt->server, -attempt->stranger);
    bridge_config_release(attempt->server->config);
    bridge_login_release(&attempt->login);

    free(attempt);
}


void
bridge_auth_attempt_cancel(bridge_auth_attempt_t *attempt)
{
    bridge_auth_end(attempt, BRIDGE_AUTH_AWAY, "the bridge ends");
}
