
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the registry of accounts.  Called by all rooms above redis/.
 */


#include "bridge_supervisor.h"

#include <stdlib.h>


#define BRIDGE_ACCOUNT_LATE  60000      /* msec without a session */


const bridge_account_ops_t  *bridge_account_ops;
int                          bridge_account_leaving;
bridge_account_t            *bridge_accounts;
bridge_counters_t            bridge_counters;

const char  *bridge_account_states[] = {
    "idle", "queued", "taking", "open", "waiting", "other", NULL
};


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

    static bridge_msec_t  logged;

    account = bridge_account_find(name);

    if (account || bridge_account_leaving) {
        return account;
    }

    if (HASH_COUNT(bridge_accounts)
        >= (unsigned) bridge_config->sessions.max_accounts)
    {
        if (bridge_now() - logged > 60000) {
            logged = bridge_now();
            bridge_log(BRIDGE_LOG_WARN, "account \"%s\" is ignored: "
                       "max_accounts %d is reached, increase it or start "
                       "another bridge", name,
                       bridge_config->sessions.max_accounts);
        }

        return NULL;
    }

    account = bridge_alloc(sizeof(bridge_account_t));

    account->name = bridge_string(name);
    account->keep = bridge_now() + BRIDGE_ACCOUNT_KEEP;

    evtimer_assign(&account->timer, bridge_base, bridge_account_ops->timer,
                   account);

    HASH_ADD_KEYPTR(hh, bridge_accounts, account->name,
                    strlen(account->name), account);

    bridge_account_ops->created(account);

    return account;
}


void
bridge_account_free(bridge_account_t *account)
{
    HASH_DEL(bridge_accounts, account);

    evtimer_del(&account->timer);
    evtimer_del(&account->presence);
    evtimer_del(&account->lease);

    bridge_login_release(&account->login);

    free(account->why);
    free(account->holder);
    free(account->name);
    free(account);
}


void
bridge_account_changed(bridge_account_t *account)
{
    bridge_account_ops->changed(account);
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
        bridge_account_changed(account);
    }
}


void
bridge_account_update_begin(bridge_account_t *account)
{
    account->updates++;

    bridge_account_changed(account);
}


void
bridge_account_update_end(bridge_account_t *account)
{
    if (--account->updates == 0) {
        account->until = bridge_now() + bridge_config->sessions.linger;
    }
}


void
bridge_account_set_why(bridge_account_t *account, const char *why)
{
    char  *copy;

    copy = bridge_string(why);
    free(account->why);
    account->why = copy;
}


char *
bridge_account_excuse(bridge_account_t *account)
{
    char             *excuse;
    bridge_server_t  *server;

    server = account ? bridge_account_server(account) : NULL;

    if (account == NULL || server == NULL) {
        return bridge_string("the bridge does not know the account");
    }

    excuse = bridge_format("there is no session with \"%s\": %s",
                           server->name, account->why ? account->why
                           : bridge_account_can(account)
                           ? "it is being opened"
                           : "the account has to log in again");
    bridge_text_valid(excuse);

    return excuse;
}


bridge_server_t *
bridge_account_server(bridge_account_t *account)
{
    return bridge_config_server(bridge_config, account->name);
}


int
bridge_account_can(bridge_account_t *account)
{
    bridge_server_t  *server;

    server = bridge_account_server(account);

    return !account->refused && server
           && (account->login || server->master_user);
}


int
bridge_account_unwatched(bridge_account_t *account)
{
    return account->present && bridge_config->sessions.on
           && !bridge_account_can(account) && !account->elsewhere
           && account->state != BRIDGE_ACCOUNT_OTHER;
}


char *
bridge_account_lease(bridge_account_t *account)
{
    return bridge_format("%s %llu", bridge_config->lease.id,
                         (unsigned long long) account->generation);
}


void
bridge_account_count(bridge_account_counts_t *counts)
{
    bridge_msec_t      now;
    bridge_account_t  *account, *next;

    memset(counts, 0, sizeof(bridge_account_counts_t));
    now = bridge_now();

    bridge_account_each(account, next) {
        counts->states[account->state]++;
        counts->with_device += account->present;
        counts->refused += account->refused;
        counts->unwatched += bridge_account_unwatched(account);
        counts->with_session += account->session == BRIDGE_SESSION_READY;
        counts->without_session +=
                  account->since && now - account->since > BRIDGE_ACCOUNT_LATE
                  && !bridge_account_unwatched(account);
    }
}
