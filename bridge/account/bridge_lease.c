
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A lease that another bridge holds is not asked for again as long as that
 * bridge is there.  If it should be ours (bridge_peers.h), the holder is
 * asked to give it, both sides at a slow rate, so that a bridge that joins
 * gets its share without a storm of logins.
 */


#include "bridge_lease.h"
#include "bridge_config.h"
#include "bridge_log.h"
#include "bridge_peers.h"
#include "bridge_connect_rate.h"
#include "bridge_subscriber.h"
#include "bridge_update_consumer.h"
#include "bridge_session.h"

#include <stdio.h>
#include <stdlib.h>


static void bridge_lease_taken(void *data, redisReply *reply);
static void bridge_lease_got(bridge_account_t *account, redisReply *reply);
static void bridge_lease_other(bridge_account_t *account, const char *holder,
    bridge_msec_t wait);
static void bridge_lease_renew(evutil_socket_t fd, short what, void *data);
static void bridge_lease_renewed(void *data, redisReply *reply);
static void bridge_lease_orphan(bridge_account_t *account, void *data);
static void bridge_lease_message(const char *payload, size_t len);
static void bridge_lease_give(const char *to, const char *name);
static void bridge_lease_given(const char *name);
static int bridge_lease_may_move(void);


static uint64_t  bridge_lease_generation;


void
bridge_lease_open(void)
{
    bridge_subscriber_listen(NULL, bridge_lease_message);
}


void
bridge_lease_init(bridge_account_t *account)
{
    evtimer_assign(&account->lease, bridge_base, bridge_lease_renew, account);
}


void
bridge_lease_stop(bridge_account_t *account)
{
    evtimer_del(&account->lease);
}


char *
bridge_lease_value(bridge_account_t *account)
{
    return bridge_format("%s %llu", bridge_config->lease.id,
                         (unsigned long long) account->generation);
}


void
bridge_lease_take(bridge_account_t *account)
{
    char              *key, *value;
    bridge_command_t  *command;

    account->generation = ++bridge_lease_generation;

    key = bridge_redis_command_key(account->name, NULL);
    value = bridge_lease_value(account);

    command = bridge_redis_command_send(bridge_lease_taken, account,
                             "FCALL pimap_lease_take 1 %s %s %d", key, value,
                             (int) bridge_config->lease.time);
    free(value);
    free(key);

    if (command == NULL) {
        bridge_connect_rate_refund();
        bridge_session_later(account, bridge_config->sessions.backoff_min);
        return;
    }

    account->state = BRIDGE_ACCOUNT_TAKING;
    bridge_account_hold(account);
}


static void
bridge_lease_taken(void *data, redisReply *reply)
{
    bridge_account_t  *account = data;

    account->state = BRIDGE_ACCOUNT_IDLE;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 1
        && reply->element[0]->type == REDIS_REPLY_STRING)
    {
        bridge_lease_got(account, reply);

    } else {
        if (reply && reply->type == REDIS_REPLY_ERROR) {
            bridge_log(BRIDGE_LOG_ERROR, "account \"%s\": lease: %s",
                       account->name, reply->str);
        }

        bridge_connect_rate_refund();
        bridge_session_later(account, bridge_config->sessions.backoff_min);
    }

    bridge_account_release(account);
}


static void
bridge_lease_got(bridge_account_t *account, redisReply *reply)
{
    if (strcmp(reply->element[0]->str, "ok") == 0) {
        account->held = 1;

        free(account->holder);
        account->holder = NULL;

        bridge_timer_set(&account->lease, bridge_config->lease.time / 3);
        bridge_session_open(account, reply->element + 1, reply->elements - 1);
        return;
    }

    bridge_connect_rate_refund();

    if (reply->elements == 3
        && reply->element[1]->type == REDIS_REPLY_STRING
        && reply->element[2]->type == REDIS_REPLY_INTEGER)
    {
        bridge_lease_other(account, reply->element[1]->str,
                           reply->element[2]->integer > 0
                           ? reply->element[2]->integer : 0);
    }
}


/* Its bridge is gone: until the lease ends.  Else: a look now and then. */

static void
bridge_lease_other(bridge_account_t *account, const char *holder,
    bridge_msec_t wait)
{
    bridge_msec_t  half;

    half = bridge_config->lease.time / 2;

    free(account->holder);
    account->holder = bridge_string(holder);
    account->state = BRIDGE_ACCOUNT_OTHER;
    account->since = 0;

    if (bridge_peers_has(holder)) {
        wait = half + bridge_random(half + 1);
    }

    bridge_timer_set(&account->timer, wait + 1 + bridge_random(50));

    bridge_update_consumer_moved(account);
}


void
bridge_lease_look(bridge_account_t *account)
{
    bridge_msec_t  half;

    if (!bridge_peers_has(account->holder)
        || bridge_random(10) == 0)
    {
        account->state = BRIDGE_ACCOUNT_IDLE;
        bridge_account_consider(account);
        return;
    }

    half = bridge_config->lease.time / 2;
    bridge_timer_set(&account->timer, half + bridge_random(half + 1));

    if (bridge_peers_prefers(account->name) && bridge_account_can(account)
        && bridge_lease_may_move())
    {
        bridge_subscriber_tell(account->holder, "give %s %s",
                               bridge_config->lease.id, account->name);
    }
}


void
bridge_lease_orphaned(const char *bridge)
{
    bridge_account_each(bridge_lease_orphan, (void *) bridge);
}


static void
bridge_lease_orphan(bridge_account_t *account, void *data)
{
    if (account->state == BRIDGE_ACCOUNT_OTHER
        && strcmp(account->holder, data) == 0)
    {
        evtimer_del(&account->timer);
        account->state = BRIDGE_ACCOUNT_IDLE;

        bridge_account_consider(account);
    }
}


void
bridge_lease_release(bridge_account_t *account)
{
    char  *key, *value;

    if (!account->held) {
        return;
    }

    account->held = 0;
    evtimer_del(&account->lease);

    key = bridge_redis_command_key(account->name, NULL);
    value = bridge_lease_value(account);

    bridge_redis_command_send(NULL, NULL, "FCALL pimap_lease_release 1 %s %s",
                          key, value);
    free(value);
    free(key);
}


static void
bridge_lease_renew(evutil_socket_t fd, short what, void *data)
{
    char              *key, *value;
    bridge_account_t  *account = data;

    if (!account->held) {
        return;
    }

    key = bridge_redis_command_key(account->name, NULL);
    value = bridge_lease_value(account);

    if (bridge_redis_command_send(bridge_lease_renewed, account,
                              "FCALL pimap_lease_renew 1 %s %s %d", key,
                              value, (int) bridge_config->lease.time))
    {
        bridge_account_hold(account);
    }

    free(value);
    free(key);

    bridge_timer_set(&account->lease, bridge_config->lease.time / 3);
}


/*
 * Without an answer nothing is known, and the next one will tell.  Nothing
 * can be published without the lease, whatever we believe.
 */

static void
bridge_lease_renewed(void *data, redisReply *reply)
{
    bridge_account_t  *account = data;

    if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0
        && account->held && account->state != BRIDGE_ACCOUNT_TAKING)
    {
        bridge_log(BRIDGE_LOG_WARN, "account \"%s\": the lease was lost",
                   account->name);

        account->held = 0;
        evtimer_del(&account->lease);

        if (account->client) {
            bridge_session_again(account);
        }
    }

    bridge_account_release(account);
}


/* "give <bridge> <account>", "take <account>", "update <id>" */

static void
bridge_lease_message(const char *payload, size_t len)
{
    char        bridge[256];
    const char *name;

    if (strlen(payload) != len) {
        return;
    }

    if (sscanf(payload, "give %255[^ ]", bridge) == 1) {
        name = strchr(payload + sizeof("give ") - 1, ' ');

        if (name) {
            bridge_lease_give(bridge, name + 1);
        }

    } else if (strncmp(payload, "take ", 5) == 0) {
        bridge_lease_given(payload + 5);

    } else if (strncmp(payload, "update ", 7) == 0) {
        bridge_update_consumer_offered(payload + 7);
    }
}


static void
bridge_lease_give(const char *to, const char *name)
{
    bridge_account_t  *account;

    account = bridge_account_find(name);

    if (account == NULL || !account->held || !bridge_peers_has(to)
        || account->state == BRIDGE_ACCOUNT_TAKING
        || bridge_update_consumer_busy(account)
        || !bridge_lease_may_move())
    {
        return;
    }

    bridge_log(BRIDGE_LOG_INFO, "account \"%s\": goes to bridge \"%s\"", name,
               to);

    if (account->client) {
        bridge_session_close(account, 1);
    }

    bridge_lease_release(account);
    bridge_lease_other(account, to, 0);

    bridge_subscriber_tell(to, "take %s", name);
}


static void
bridge_lease_given(const char *name)
{
    bridge_account_t  *account;

    account = bridge_account_find(name);

    if (account && account->state == BRIDGE_ACCOUNT_OTHER) {
        evtimer_del(&account->timer);
        account->state = BRIDGE_ACCOUNT_IDLE;

        bridge_account_consider(account);
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
