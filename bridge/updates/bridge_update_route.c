
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * This bridge executes an update if it has the lease of the account, or if no
 * bridge has it and a login is there.  Otherwise the bridge with the lease is
 * told to claim the update.
 */


#include "bridge_update.h"


static void bridge_update_routed(void *data, redisReply *reply);
static void bridge_update_offer_checked(void *data, redisReply *reply);


void
bridge_update_route(bridge_update_entry_t *entry)
{
    bridge_account_t  *account;

    account = bridge_account_find(entry->account);

    if (account && account->held) {
        entry->advance(entry, BRIDGE_UPDATE_WAITING);
        return;
    }

    entry->command = bridge_redis_call(bridge_redis_slot_account(
                                           entry->account),
                                       bridge_update_routed, entry,
                                       "GET " BRIDGE_ACCOUNT_KEY ":lease",
                                       entry->account);
    if (entry->command == NULL) {
        entry->advance(entry, BRIDGE_UPDATE_RETRYING);
    }
}


/* "<bridge> <generation>", or nil */

static void
bridge_update_routed(void *data, redisReply *reply)
{
    char                   *space;
    bridge_account_t       *account;
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    /* an error is not "no bridge has it" */

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        entry->advance(entry, BRIDGE_UPDATE_RETRYING);
        return;
    }

    if (reply->type == REDIS_REPLY_STRING
        && (space = strchr(reply->str, ' ')) != NULL)
    {
        *space = '\0';

        if (strcmp(reply->str, bridge_config->lease.id) != 0) {
            bridge_update_offer(entry, reply->str);
            return;
        }
    }

    account = bridge_account_get(entry->account);

    entry->advance(entry, account && bridge_account_can(account)
                          ? BRIDGE_UPDATE_WAITING : BRIDGE_UPDATE_RETRYING);
}


void
bridge_update_offer(bridge_update_entry_t *entry, const char *bridge)
{
    bridge_subscriber_tell(bridge, "update %s", entry->name);

    entry->advance(entry, BRIDGE_UPDATE_OFFERED);
}


void
bridge_update_check_offer(bridge_update_entry_t *entry)
{
    entry->command = bridge_redis_call(entry->stream->slot,
                                       bridge_update_offer_checked, entry,
                                       "XPENDING %s%s %s %s %s 1 %s",
                                       entry->stream->name,
                                       bridge_config->updates.group,
                                       entry->entry, entry->entry,
                                       bridge_config->lease.id);
    if (entry->command == NULL) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
    }
}


/* [ ], or [ [ id, this bridge, idle, n ] ] */

static void
bridge_update_offer_checked(void *data, redisReply *reply)
{
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    /* the other bridge may have it */

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0) {
        entry->advance(entry, BRIDGE_UPDATE_ENDED);

    } else if (bridge_now() > entry->deadline) {
        bridge_update_refuse(entry, "refused",
                             "the account's bridge does not take the update");

    } else {
        entry->advance(entry, BRIDGE_UPDATE_ROUTING);
    }
}
