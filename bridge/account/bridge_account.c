
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "bridge_account.h"
#include "bridge_config.h"
#include "bridge_lease.h"
#include "bridge_function_library.h"
#include "bridge_log.h"
#include "bridge_connect_rate.h"
#include "bridge_presence.h"
#include "bridge_session.h"

#include <stdlib.h>


#define BRIDGE_ACCOUNT_KEEP  120000     /* msec, for its device to park */
#define BRIDGE_ACCOUNT_LATE  60000      /* msec without a session */


static int bridge_account_wanted(bridge_account_t *account);
static void bridge_account_rest(bridge_account_t *account);
static void bridge_account_free(bridge_account_t *account);
static void bridge_account_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_account_wake(bridge_account_t *account, void *data);
static void bridge_account_forgive(bridge_account_t *account, void *data);
static void bridge_account_close(bridge_account_t *account, void *data);


static bridge_account_t  *bridge_accounts;
static int                bridge_account_leaving;


void
bridge_account_init(void)
{
    bridge_accounts = NULL;
}


void
bridge_account_done(void)
{
    bridge_account_leaving = 1;

    bridge_account_each(bridge_account_close, NULL);
}


bridge_account_t *
bridge_account_find(const char *name)
{
    bridge_account_t  *account;

    HASH_FIND_STR(bridge_accounts, name, account);

    return account;
}


bridge_account_t *
bridge_account_get(const char *name)
{
    bridge_account_t  *account;

    static bridge_msec_t  told;

    account = bridge_account_find(name);

    if (account || bridge_account_leaving) {
        return account;
    }

    if (HASH_COUNT(bridge_accounts)
        >= (unsigned) bridge_config->sessions.max_accounts)
    {
        if (bridge_now() - told > 60000) {
            told = bridge_now();
            bridge_log(BRIDGE_LOG_WARN, "\"max_accounts\" is reached");
        }

        return NULL;
    }

    account = bridge_alloc(sizeof(bridge_account_t));

    account->name = bridge_string(name);
    account->keep = bridge_now() + BRIDGE_ACCOUNT_KEEP;

    evtimer_assign(&account->timer, bridge_base, bridge_account_timer_handler,
                   account);

    bridge_lease_init(account);
    bridge_presence_init(account);

    HASH_ADD_KEYPTR(hh, bridge_accounts, account->name,
                    strlen(account->name), account);

    return account;
}


void
bridge_account_login(const char *name, bridge_login_t *login, int checked)
{
    bridge_server_t   *server;
    bridge_account_t  *account;

    account = bridge_account_get(name);

    if (account == NULL) {
        return;
    }

    account->keep = bridge_now() + BRIDGE_ACCOUNT_KEEP;

    server = bridge_config_server(bridge_config, login->user);

    if (server && server->master_user) {
        bridge_login_release(&account->login);      /* there is a better one */

    } else if (!bridge_login_equal(account->login, login)) {
        bridge_login_release(&account->login);
        account->login = bridge_login_hold(login);
        account->refused = 0;
    }

    if (checked) {
        account->refused = 0;
    }

    if (!account->present) {
        bridge_presence_soon(account);
    }

    bridge_account_consider(account);
}


int
bridge_account_can(bridge_account_t *account)
{
    bridge_server_t  *server;

    if (account->refused) {
        return 0;
    }

    server = bridge_config_server(bridge_config, account->login
                                  ? account->login->user : account->name);

    return server && (account->login || server->master_user);
}


static int
bridge_account_wanted(bridge_account_t *account)
{
    return !bridge_account_leaving
           && (account->needed
               || (bridge_config->sessions.on
                   && (account->present || account->until > bridge_now())))
           && bridge_account_can(account);
}


void
bridge_account_consider(bridge_account_t *account)
{
    if (bridge_account_wanted(account)) {

        if (account->state == BRIDGE_ACCOUNT_IDLE) {
            account->since = account->since ? account->since : bridge_now();
            bridge_connect_rate_add(account);
        }

        return;
    }

    if (account->state == BRIDGE_ACCOUNT_TAKING) {
        return;                         /* its answer is on the way */
    }

    bridge_account_rest(account);

    if (!account->present && !account->needed && !account->pending
        && account->until <= bridge_now()
        && (account->keep <= bridge_now() || bridge_account_leaving))
    {
        bridge_account_free(account);
    }
}


static void
bridge_account_rest(bridge_account_t *account)
{
    if (account->state == BRIDGE_ACCOUNT_QUEUED) {
        bridge_connect_rate_remove(account);
    }

    if (account->client) {
        bridge_session_close(account, 1);
    }

    evtimer_del(&account->timer);
    bridge_lease_release(account);

    account->since = 0;
    account->state = BRIDGE_ACCOUNT_IDLE;
}


static void
bridge_account_free(bridge_account_t *account)
{
    HASH_DEL(bridge_accounts, account);

    bridge_presence_stop(account);
    bridge_lease_stop(account);
    bridge_login_release(&account->login);

    free(account->holder);
    free(account->name);
    free(account);
}


void
bridge_account_hold(bridge_account_t *account)
{
    account->pending++;
}


void
bridge_account_release(bridge_account_t *account)
{
    if (--account->pending == 0) {
        bridge_account_consider(account);
    }
}


static void
bridge_account_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_account_t  *account = data;

    switch (account->state) {

    case BRIDGE_ACCOUNT_OPEN:
        bridge_session_ended(account);
        return;

    case BRIDGE_ACCOUNT_OTHER:
        bridge_lease_look(account);
        return;

    default:
        account->state = BRIDGE_ACCOUNT_IDLE;
        bridge_account_consider(account);
    }
}


void
bridge_account_redis_ready(void)
{
    bridge_connect_rate_run();
}


void
bridge_account_reload(void)
{
    bridge_account_each(bridge_account_forgive, NULL);
    bridge_account_each(bridge_account_wake, NULL);
}


/* A master user's password may have been corrected. */

static void
bridge_account_forgive(bridge_account_t *account, void *data)
{
    if (account->login == NULL) {
        account->refused = 0;
    }
}


static void
bridge_account_wake(bridge_account_t *account, void *data)
{
    bridge_account_consider(account);
}


static void
bridge_account_close(bridge_account_t *account, void *data)
{
    account->present = 0;
    account->needed = 0;
    account->until = 0;

    bridge_account_consider(account);
}


void
bridge_account_each(void (*handler)(bridge_account_t *account, void *data),
    void *data)
{
    bridge_account_t  *account, *next;

    HASH_ITER(hh, bridge_accounts, account, next) {
        handler(account, data);
    }
}


void
bridge_account_count(bridge_account_counts_t *counts)
{
    bridge_msec_t      now;
    bridge_account_t  *account, *next;

    memset(counts, 0, sizeof(bridge_account_counts_t));
    now = bridge_now();

    HASH_ITER(hh, bridge_accounts, account, next) {
        counts->states[account->state]++;
        counts->with_device += account->present;
        counts->refused += account->refused;
        counts->with_session += account->ready;
        counts->without_session += account->since
                        && now - account->since > BRIDGE_ACCOUNT_LATE;
    }
}
