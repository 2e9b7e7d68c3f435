
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An event that is not published ends the IMAP session of the account, and
 * this session with it.  If this session alone fails, it begins again later,
 * with the states that Redis has then.
 */


#include "bridge_auth.h"
#include "bridge_supervisor.h"

#include <stdlib.h>


#define BRIDGE_SESSION_DAV_REFUSED  30  /* so many times as long */
#define BRIDGE_SESSION_DAV_SOON     500 /* msec after a login */


typedef struct bridge_session_dav_s  bridge_session_dav_t;

struct bridge_session_dav_s {
    bridge_account_t    *account;
    dav_client_t        *client;
    bridge_command_t    *command;       /* for the states */
    struct event         timer;
    bridge_backoff_t     backoff;
    char                *why;           /* its last failure */
    unsigned             refused:1;     /* the login was */
    unsigned             ready:1;
};


static void bridge_session_dav_start(bridge_session_dav_t *dav,
    json_t *states);
static int bridge_session_dav_login(bridge_account_t *account,
    dav_login_t *login);
static void bridge_session_dav_timer(evutil_socket_t fd, short what,
    void *data);
static void bridge_session_dav_states(void *data, redisReply *reply);
static void bridge_session_dav_retry(bridge_session_dav_t *dav,
    unsigned times);
static void bridge_session_dav_logged_in(void *data, dav_client_t *c);
static void bridge_session_dav_publish(void *data, dav_client_t *c,
    const char *key, json_t *events, json_t *state);
static void bridge_session_dav_ready(void *data, dav_client_t *c);
static void bridge_session_dav_failed(void *data, dav_client_t *c,
    dav_fail_t reason, const char *why);
static void bridge_session_dav_log(void *data, dav_client_t *c, int level,
    const char *text);


static const dav_callbacks_t  bridge_session_dav_callbacks = {
    bridge_session_dav_logged_in,
    bridge_session_dav_publish,
    bridge_session_dav_ready,
    bridge_session_dav_failed,
    bridge_session_dav_log
};


void
bridge_session_dav_open(bridge_account_t *account, json_t *states)
{
    bridge_session_dav_t  *dav;

    if (account->server->dav.url == NULL) {
        return;
    }

    dav = bridge_alloc(sizeof(bridge_session_dav_t));
    dav->account = account;
    account->dav = dav;

    evtimer_assign(&dav->timer, bridge_base, bridge_session_dav_timer, dav);

    bridge_session_dav_start(dav, states);
}


void
bridge_session_dav_close(bridge_account_t *account)
{
    bridge_session_dav_t  *dav;

    dav = account->dav;

    if (dav == NULL) {
        return;
    }

    account->dav = NULL;
    evtimer_del(&dav->timer);

    if (dav->command) {
        bridge_redis_command_forget(dav->command);
    }

    if (dav->client) {
        dav_client_close(dav->client);
    }

    free(dav->why);
    free(dav);
}


static void
bridge_session_dav_start(bridge_session_dav_t *dav, json_t *states)
{
    dav_login_t           login;
    dav_server_t         *server;
    bridge_config_dav_t  *conf;

    conf = &dav->account->server->dav;
    server = &conf->server;

    if (server->http == NULL) {
        server->http = dav_http_create(&conf->http_conf);
    }

    if (server->http == NULL
        || bridge_session_dav_login(dav->account, &login) != 0)
    {
        free(dav->why);
        dav->why = bridge_string("the bridge has no login for the DAV server");
        bridge_log(BRIDGE_LOG_ERROR, "account \"%s\": DAV: %s",
                   dav->account->name, dav->why);
        return;
    }

    dav->client = dav_client_open(server, &bridge_session_dav_callbacks, dav,
                                  &login, states);
}


static int
bridge_session_dav_login(bridge_account_t *account, dav_login_t *login)
{
    bridge_config_dav_t  *conf;

    conf = &account->server->dav;
    memset(login, 0, sizeof(dav_login_t));

    if (conf->master_user) {
        login->user = conf->master_user;
        login->secret = conf->master_password;
        login->as_header = conf->master_header ? conf->master_header
                                               : "Authorize-As";
        login->as = account->name;
        return 0;
    }

    if (account->used == NULL) {
        return -1;
    }

    login->user = account->used->user;
    login->secret = account->used->secret;
    login->bearer = account->used->bearer;

    return 0;
}


static void
bridge_session_dav_timer(evutil_socket_t fd, short what, void *data)
{
    bridge_session_dav_t  *dav = data;

    dav->command = bridge_redis_call(bridge_redis_slot_account(
                                         dav->account->name),
                                     bridge_session_dav_states, dav,
                                     "HGETALL " BRIDGE_ACCOUNT_KEY
                                     PIMAP_REDIS_BRIDGE, dav->account->name);
    if (dav->command == NULL) {
        bridge_session_dav_retry(dav, 1);
    }
}


static void
bridge_session_dav_states(void *data, redisReply *reply)
{
    json_t                *states;
    bridge_session_dav_t  *dav = data;

    dav->command = NULL;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        bridge_session_dav_retry(dav, 1);
        return;
    }

    states = bridge_publish_states(reply->element, reply->elements);
    bridge_session_dav_start(dav, states);
    json_decref(states);
}


static void
bridge_session_dav_retry(bridge_session_dav_t *dav, unsigned times)
{
    bridge_session_conf_t  *conf;

    conf = &bridge_config->sessions;

    bridge_timer_set(&dav->timer,
                     bridge_backoff_next(&dav->backoff,
                                         times * conf->backoff_min,
                                         times * conf->backoff_max));
}


void
bridge_session_dav_soon(bridge_account_t *account)
{
    bridge_session_dav_t  *dav;

    dav = account->dav;

    if (dav && dav->refused && evtimer_pending(&dav->timer, NULL)) {
        dav->refused = 0;
        bridge_timer_set(&dav->timer, BRIDGE_SESSION_DAV_SOON);
    }
}


const char *
bridge_session_dav_status(bridge_account_t *account, const char **why)
{
    bridge_session_dav_t  *dav;

    dav = account->dav;
    *why = dav ? dav->why : NULL;

    return dav == NULL ? NULL : dav->ready ? "watched"
           : evtimer_pending(&dav->timer, NULL) ? "waiting" : "opening";
}


void
bridge_session_dav_poke(const char *name, size_t len)
{
    char              *own;
    bridge_account_t  *account;

    own = bridge_login_name(name);
    account = bridge_account_find(own);
    free(own);

    if (account && account->dav && account->dav->client) {
        dav_client_poke(account->dav->client);
    }
}


int
bridge_session_dav_is(json_t *update)
{
    const char  *verb;

    verb = json_string_value(json_object_get(update, "update"));

    return verb && strncmp(verb, bridge_literal("dav.")) == 0;
}


void
bridge_session_dav_update(bridge_account_t *account, json_t *update,
    dav_update_done_pt done, void *ctx)
{
    char    *why;
    json_t  *result;

    if (account->dav && account->dav->client) {
        dav_client_update(account->dav->client, update, done, ctx);
        return;
    }

    why = account->dav
          ? bridge_format("\"%s\": %s", account->server->dav.url,
                          account->dav->why ? account->dav->why
                          : "the bridge has not asked the server yet")
          : bridge_string("there is no DAV server");
    bridge_text_valid(why);

    result = json_pack("{s:s, s:s}", "status",
                       account->dav ? "unsent" : "refused", "detail", why);
    free(why);

    done(ctx, result);
    json_decref(result);
}


/* A login alone is no success: ready() resets the back-off. */

static void
bridge_session_dav_logged_in(void *data, dav_client_t *c)
{
}


static void
bridge_session_dav_publish(void *data, dav_client_t *c, const char *key,
    json_t *events, json_t *state)
{
    bridge_session_dav_t  *dav = data;

    bridge_publish(dav->account, key, events, state);
}


static void
bridge_session_dav_ready(void *data, dav_client_t *c)
{
    bridge_session_dav_t  *dav = data;

    dav->ready = 1;

    /* the whole has succeeded, not only its first step */

    bridge_backoff_reset(&dav->backoff);
    g_clear_pointer(&dav->why, free);

    bridge_log(BRIDGE_LOG_INFO, "account \"%s\": watching contacts and "
               "calendars", dav->account->name);
}


/* The same login was good for the mail server, so a refusal may pass. */

static void
bridge_session_dav_failed(void *data, dav_client_t *c, dav_fail_t reason,
    const char *why)
{
    bridge_log_level_t     level;
    bridge_session_dav_t  *dav = data;

    /* each failure once, until a round has succeeded */

    level = bridge_trouble(NULL, dav->why, why);

    bridge_log(level, "account \"%s\": DAV: %s", dav->account->name, why);

    free(dav->why);
    dav->why = bridge_string(why);

    dav->client = NULL;
    dav_client_close(c);

    dav->ready = 0;
    dav->refused = reason == DAV_FAIL_CREDENTIALS;

    bridge_session_dav_retry(dav, dav->refused ? BRIDGE_SESSION_DAV_REFUSED
                                               : 1);
}


static void
bridge_session_dav_log(void *data, dav_client_t *c, int level,
    const char *text)
{
    bridge_session_dav_t  *dav = data;

    bridge_log((bridge_log_level_t) level, "account \"%s\": DAV: %s",
               dav->account->name, text);
}
