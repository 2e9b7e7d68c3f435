
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Who carries an update out: we, if the account is ours or nobody's and we can
 * log in; else the bridge that has its lease, which is told to claim it.
 */


#include "bridge_config.h"
#include "bridge_subscriber.h"
#include "bridge_update_entry.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_OFFER  2000       /* msec for another bridge to claim */


static void bridge_update_looked(void *data, redisReply *reply);
static void bridge_update_offer_checked(void *data, redisReply *reply);
static void bridge_update_want(bridge_update_entry_t *entry);


/* Ours, another bridge's, or nobody's? */

void
bridge_update_look(bridge_update_entry_t *entry)
{
    char              *key;
    bridge_account_t  *account;

    entry->state = BRIDGE_UPDATE_LOOKING;
    account = bridge_account_find(entry->account);

    if (account && account->held) {
        bridge_update_want(entry);
        return;
    }

    key = bridge_redis_command_key(entry->account, "lease");
    entry->command = bridge_redis_command_send(bridge_update_looked, entry,
                                           "GET %s", key);
    free(key);

    if (entry->command == NULL) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
    }
}


static void
bridge_update_looked(void *data, redisReply *reply)
{
    char                   *space;
    bridge_account_t       *account;
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    if (reply && reply->type == REDIS_REPLY_STRING
        && (space = strchr(reply->str, ' ')) != NULL)
    {
        *space = '\0';

        if (strcmp(reply->str, bridge_config->lease.id) != 0) {
            bridge_update_offer(entry, reply->str);
            return;
        }
    }

    account = bridge_account_get(entry->account);

    if (reply && account && bridge_account_can(account)) {
        bridge_update_want(entry);
        return;
    }

    bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
}


void
bridge_update_offer(bridge_update_entry_t *entry, const char *bridge)
{
    entry->state = BRIDGE_UPDATE_OFFERED;

    bridge_subscriber_tell(bridge, "update %s", entry->entry);
    bridge_timer_set(&entry->timer, BRIDGE_UPDATE_OFFER);
}


void
bridge_update_check_offer(bridge_update_entry_t *entry)
{
    entry->command = bridge_redis_command_send(bridge_update_offer_checked,
                                               entry,
                                           "XPENDING %s:updates %s %s %s 1 %s",
                                           bridge_config->redis.prefix,
                                           bridge_config->updates.group,
                                           entry->entry, entry->entry,
                                           bridge_config->lease.id);
    if (entry->command == NULL) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
    }
}


/* Is it still ours, since nobody has claimed it? */

static void
bridge_update_offer_checked(void *data, redisReply *reply)
{
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 0) {
        bridge_update_free(entry);
        return;
    }

    if (bridge_now() > entry->deadline) {
        bridge_update_refuse(entry, "refused",
                             "there is no session with the mail server");
        return;
    }

    bridge_update_look(entry);
}


static void
bridge_update_want(bridge_update_entry_t *entry)
{
    bridge_msec_t      now;
    bridge_account_t  *account;

    now = bridge_now();
    entry->state = BRIDGE_UPDATE_WAITING;

    bridge_timer_set(&entry->timer,
                     entry->deadline > now ? entry->deadline - now : 0);

    account = bridge_account_find(entry->account);

    if (account) {
        account->needed = 1;
        bridge_account_consider(account);
    }

    bridge_update_entries_run(entry->account);
}
