
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each account is looked at once in "presence".  After a login it is looked at
 * soon and often, until its device has parked.  After an announcement that a
 * device has left it is looked at soon, as another device may be parked.
 */


#include "bridge_supervisor.h"
#include "pimap_account.h"


#define BRIDGE_PRESENCE_SOON     250    /* msec after a login */
#define BRIDGE_PRESENCE_RARE     (BRIDGE_ACCOUNT_KEEP - 15000)
                                        /* msec left after frequent looks */
#define BRIDGE_PRESENCE_LEFT     1000   /* after an announcement */


static void bridge_presence_leased(void *data, redisReply *reply);
static void bridge_presence_look(evutil_socket_t fd, short what, void *data);
static void bridge_presence_answered(void *data, redisReply *reply);
static void bridge_presence_next(bridge_account_t *account);
static void bridge_presence_set(bridge_account_t *account, int present);


void
bridge_presence_init(bridge_account_t *account)
{
    evtimer_assign(&account->presence, bridge_base, bridge_presence_look,
                   account);
    bridge_presence_soon(account);
}


void
bridge_presence_soon(bridge_account_t *account)
{
    bridge_timer_set(&account->presence, BRIDGE_PRESENCE_SOON);
}


void
bridge_presence_listening(void)
{
    bridge_account_t  *account, *next;

    bridge_account_each(account, next) {
        bridge_timer_set(&account->presence,
                         bridge_random(bridge_config->sessions.presence));
    }
}


static void
bridge_presence_look(evutil_socket_t fd, short what, void *data)
{
    unsigned           slot;
    bridge_account_t  *account = data;

    slot = bridge_redis_slot_account(account->name);

    if (bridge_redis_command_send(slot, bridge_presence_answered, account,
                                  "PUBSUB %s " BRIDGE_ACCOUNT_KEY,
                                  bridge_redis_conf_is_cluster(
                                      bridge_redis_conf)
                                  ? "SHARDNUMSUB" : "NUMSUB",
                                  bridge_redis_conf->prefix, account->name))
    {
        bridge_account_hold(account);
    }

    if (!bridge_account_can(account)
        && bridge_redis_call(slot, bridge_presence_leased, account,
                             "EXISTS " BRIDGE_ACCOUNT_KEY ":lease",
                             account->name))
    {
        bridge_account_hold(account);
    }

    bridge_presence_next(account);
}


/* Another bridge may have got the login that this one lacks. */

static void
bridge_presence_leased(void *data, redisReply *reply)
{
    unsigned           before;
    bridge_account_t  *account = data;

    before = account->elsewhere;

    account->elsewhere = reply && reply->type == REDIS_REPLY_INTEGER
                         && reply->integer > 0 && !account->held;

    /* if that bridge ends, its devices have to be told again */

    if (account->elsewhere) {
        account->asked = 0;

    } else if (before && account->present && !bridge_account_can(account)) {
        account->relogin = 1;
        bridge_account_changed(account);
    }

    bridge_account_release(account);
}


static void
bridge_presence_answered(void *data, redisReply *reply)
{
    bridge_account_t  *account = data;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && reply->element[1]->type == REDIS_REPLY_INTEGER)
    {
        bridge_presence_set(account, reply->element[1]->integer > 0);
    }

    bridge_account_release(account);
}


static void
bridge_presence_next(bridge_account_t *account)
{
    bridge_msec_t  wait, now, interval;

    now = bridge_now();
    interval = bridge_config->sessions.presence;

    wait = interval / 2 + bridge_random(interval / 2 + 1);

    if (account->present) {
        /* an announcement is to come */

    } else if (account->until > now) {
        wait = wait < account->until - now ? wait : account->until - now + 1;

    } else if (account->keep > now) {
        if (account->keep - now > BRIDGE_PRESENCE_RARE) {
            wait = BRIDGE_PRESENCE_SOON * 2;
        }

        wait = wait < account->keep - now ? wait : account->keep - now + 1;
    }

    bridge_timer_set(&account->presence, wait);
}


static void
bridge_presence_set(bridge_account_t *account, int present)
{
    if (account->present == (unsigned) present) {
        return;
    }

    account->present = present;

    bridge_log(BRIDGE_LOG_INFO, "account \"%s\": %s", account->name,
               present ? "a device is parked" : "no device is parked");

    if (!present) {
        account->until = bridge_now() + bridge_config->sessions.linger;
        bridge_presence_next(account);
    }

    bridge_account_changed(account);
}


void
bridge_presence_found(bridge_account_t *account)
{
    bridge_presence_set(account, 1);
}


void
bridge_presence_message(const char *text, size_t len)
{
    const char        *name;
    bridge_server_t   *server;
    bridge_account_t  *account;

    name = text + 2;

    if (len < 3 || len > BRIDGE_ACCOUNT_MAX + 2 || text[1] != ' '
        || pimap_account_refusal(name, len - 2))
    {
        return;
    }

    account = bridge_account_find(name);

    if (*text == '-') {
        if (account && account->present) {
            bridge_timer_set(&account->presence, BRIDGE_PRESENCE_LEFT);
        }

        return;
    }

    if (account == NULL) {
        server = bridge_config_server(bridge_config, name);

        if (server == NULL || server->master_user == NULL) {
            return;
        }

        account = bridge_account_get(name);
    }

    if (account) {
        bridge_presence_set(account, 1);
    }
}
