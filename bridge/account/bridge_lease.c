
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A lease of another bridge is not asked for again as long as that bridge is
 * alive.  If the account prefers this bridge (bridge_peers.h), the holder is
 * asked to give it.  Both sides limit the rate, so that a bridge that joins
 * gets its share without a storm of logins.
 */


#include "bridge_supervisor.h"

#include <stdio.h>
#include <stdlib.h>


static bridge_command_t *bridge_lease_call(bridge_account_t *account,
    bridge_command_pt handler, const char *function);
static void bridge_lease_taken(void *data, redisReply *reply);
static void bridge_lease_other(bridge_account_t *account, const char *holder,
    bridge_msec_t wait);
static bridge_msec_t bridge_lease_wait(void);
static void bridge_lease_renew(evutil_socket_t fd, short what, void *data);
static void bridge_lease_renewed(void *data, redisReply *reply);
static int bridge_lease_may_move(void);


static uint64_t  bridge_lease_generation;


void
bridge_lease_init(bridge_account_t *account)
{
    evtimer_assign(&account->lease, bridge_base, bridge_lease_renew, account);
}


void
bridge_lease_take(bridge_account_t *account)
{
    account->generation = ++bridge_lease_generation;

    if (bridge_lease_call(account, bridge_lease_taken, "pimap_lease_take")
        == NULL)
    {
        bridge_account_ops->untaken(account);
    }
}


static bridge_command_t *
bridge_lease_call(bridge_account_t *account, bridge_command_pt handler,
    const char *function)
{
    char              *value;
    bridge_command_t  *command;

    value = bridge_account_lease(account);

    command = bridge_redis_command_send(bridge_redis_slot_account(
                                            account->name),
                                        handler, account,
                                        "FCALL %s 1 " BRIDGE_ACCOUNT_KEY
                                        " %s %d", function,
                                        bridge_config->redis.prefix,
                                        account->name, value,
                                        (int) bridge_config->lease.time);
    if (command) {
        bridge_account_hold(account);
    }

    free(value);

    return command;
}


/* [ "ok", name, state, ... ] or [ "held", bridge, msec ] */

static void
bridge_lease_taken(void *data, redisReply *reply)
{
    redisReply         **v;
    bridge_account_t    *account = data;
    bridge_log_level_t   level;

    static bridge_msec_t  said;

    v = reply ? reply->element : NULL;

    if (g_strcmp0(bridge_redis_text(reply, 0), "ok") == 0) {
        account->held = 1;

        free(account->holder);
        account->holder = NULL;

        bridge_timer_set(&account->lease, bridge_config->lease.time / 3);
        bridge_account_ops->granted(account, v + 1, reply->elements - 1);

    } else if (bridge_redis_text(reply, 1) && reply->elements == 3
               && v[2]->type == REDIS_REPLY_INTEGER)
    {
        bridge_lease_other(account, v[1]->str,
                           v[2]->integer > 0 ? v[2]->integer : 0);

    } else {
        if (reply && reply->type == REDIS_REPLY_ERROR) {
            level = bridge_log_once(&said);
            bridge_log(level, "account \"%s\": cannot take the lease: %s",
                       account->name, reply->str);
        }

        bridge_account_ops->untaken(account);
    }

    bridge_account_release(account);
}


/* The lease of a dead bridge ends in "wait". */

static void
bridge_lease_other(bridge_account_t *account, const char *holder,
    bridge_msec_t wait)
{
    free(account->holder);
    account->holder = bridge_string(holder);

    wait = bridge_peers_has(holder) ? bridge_lease_wait() : wait;

    bridge_account_ops->other(account, wait + 1 + bridge_random(50));
}


static bridge_msec_t
bridge_lease_wait(void)
{
    bridge_msec_t  half;

    half = bridge_config->lease.time / 2;

    return half + bridge_random(half + 1);
}


bridge_msec_t
bridge_lease_look(bridge_account_t *account)
{
    if (!bridge_peers_has(account->holder) || bridge_random(10) == 0) {
        return 0;
    }

    if (bridge_peers_prefers(account->name) && bridge_account_can(account)
        && bridge_lease_may_move())
    {
        bridge_subscriber_tell(account->holder, "give %s %s",
                               bridge_config->lease.id, account->name);
    }

    return bridge_lease_wait();
}


void
bridge_lease_orphaned(const char *bridge)
{
    bridge_account_t  *account, *next;

    bridge_account_each(account, next) {
        if (account->state == BRIDGE_ACCOUNT_OTHER
            && strcmp(account->holder, bridge) == 0)
        {
            bridge_account_ops->available(account);
        }
    }
}


void
bridge_lease_release(bridge_account_t *account)
{
    char  *value;

    if (!account->held) {
        return;
    }

    account->held = 0;
    evtimer_del(&account->lease);

    value = bridge_account_lease(account);
    bridge_redis_call(bridge_redis_slot_account(account->name), NULL, NULL,
                      "FCALL pimap_lease_release 1 " BRIDGE_ACCOUNT_KEY " %s",
                      account->name, value);
    free(value);
}


void
bridge_lease_lost(bridge_account_t *account)
{
    bridge_log(BRIDGE_LOG_WARN, "account \"%s\": the lease was lost",
               account->name);

    account->held = 0;
    evtimer_del(&account->lease);

    bridge_session_end(account, BRIDGE_SESSION_RENEWING);
}


static void
bridge_lease_renew(evutil_socket_t fd, short what, void *data)
{
    bridge_account_t  *account = data;

    bridge_lease_call(account, bridge_lease_renewed, "pimap_lease_renew");

    bridge_timer_set(&account->lease, bridge_config->lease.time / 3);
}


/*
 * Without an answer the next one tells.  Nothing can be published without the
 * lease, so that a bridge that is wrong does no harm.
 */

static void
bridge_lease_renewed(void *data, redisReply *reply)
{
    bridge_account_t  *account = data;

    if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0
        && account->held && account->state != BRIDGE_ACCOUNT_TAKING)
    {
        bridge_lease_lost(account);
    }

    bridge_account_release(account);
}


void
bridge_lease_give(const char *text, size_t len)
{
    char               to[256];
    const char        *name;
    bridge_account_t  *account;

    name = strchr(text, ' ');

    if (name == NULL || sscanf(text, "%255[^ ]", to) != 1) {
        return;
    }

    account = bridge_account_find(++name);

    if (account == NULL || !account->held || !bridge_peers_has(to)
        || account->state == BRIDGE_ACCOUNT_TAKING || account->updates
        || !bridge_lease_may_move())
    {
        return;
    }

    bridge_log(BRIDGE_LOG_INFO, "account \"%s\": given to bridge \"%s\"", name,
               to);

    bridge_lease_other(account, to, 0);
    bridge_lease_release(account);

    bridge_subscriber_tell(to, "take %s", name);
}


void
bridge_lease_given(const char *text, size_t len)
{
    bridge_account_t  *account;

    account = bridge_account_find(text);

    if (account && account->state == BRIDGE_ACCOUNT_OTHER) {
        bridge_account_ops->available(account);
    }
}


/* As many in a second as "rebalance" says. */

static int
bridge_lease_may_move(void)
{
    bridge_msec_t         now;

    static int            moved;
    static bridge_msec_t  since;

    now = bridge_now();

    if (now - since >= 1000) {
        since = now;
        moved = 0;
    }

    return moved++ < bridge_config->lease.rebalance;
}
