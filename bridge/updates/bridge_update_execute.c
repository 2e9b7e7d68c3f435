
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An update that may not run twice is marked in Redis before it is sent.  If
 * the mark is another bridge's, that bridge has died meanwhile: the update is
 * not sent again, and its result is "unknown".
 *
 * The result is written before the update is removed from the stream.  If this
 * bridge dies in between, the next bridge's result is ignored.
 */


#include "bridge_update.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_MARK      BRIDGE_ACCOUNT_KEY ":started:%s"
#define BRIDGE_UPDATE_MARK_TTL  604800  /* seconds */


static void bridge_update_marked(void *data, redisReply *reply);
static void bridge_update_sent(void *data, json_t *result);
static void bridge_update_shorten(bridge_update_entry_t *entry,
    const char *status);
static void bridge_update_answered(void *data, redisReply *reply);
static void bridge_update_removed(void *data, redisReply *reply);


int
bridge_update_repeatable(bridge_update_entry_t *entry)
{
    const char  *verb;

    static const char  *verbs[] = {
        "store", "fetch", "search", "dav.get", "dav.sync", NULL
    };

    verb = json_string_value(json_object_get(entry->body, "update"));

    /* a conditional "store" would fail because of its own first time */

    return verb && g_strv_contains(verbs, verb)
           && json_object_get(entry->body, "unchangedSince") == NULL;
}


void
bridge_update_mark(bridge_update_entry_t *entry)
{
    entry->command = bridge_redis_call(bridge_redis_slot_account(
                                           entry->account),
                                       bridge_update_marked, entry,
                                       "SET " BRIDGE_UPDATE_MARK
                                       " %s NX GET EX %d", entry->account,
                                       entry->entry, bridge_config->lease.id,
                                       BRIDGE_UPDATE_MARK_TTL);
    if (entry->command == NULL) {
        bridge_update_marked(entry, NULL);
    }
}


/* The former mark.  One of this bridge has come from a lost answer. */

static void
bridge_update_marked(void *data, redisReply *reply)
{
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        entry->advance(entry, BRIDGE_UPDATE_RETRYING);
        return;
    }

    if (reply->type == REDIS_REPLY_STRING
        && strcmp(reply->str, bridge_config->lease.id) != 0)
    {
        bridge_counters.updates_unknown++;
        bridge_update_refuse(entry, "unknown",
                             "it was begun by a bridge that has ended");
        return;
    }

    entry->advance(entry, BRIDGE_UPDATE_MARKED);
}


void
bridge_update_unmark(bridge_update_entry_t *entry)
{
    bridge_redis_call(bridge_redis_slot_account(entry->account), NULL, NULL,
                      "DEL " BRIDGE_UPDATE_MARK, entry->account,
                      entry->entry);
}


void
bridge_update_send(bridge_update_entry_t *entry)
{
    if (bridge_session_dav_is(entry->body)) {
        bridge_session_dav_update(entry->owner, entry->body,
                                  bridge_update_sent, entry);
        return;
    }

    imap_session_update(bridge_session_imap(entry->owner), entry->body,
                        bridge_update_sent, entry);
}


static void
bridge_update_sent(void *data, json_t *result)
{
    const char             *status;
    bridge_update_entry_t  *entry = data;

    status = json_string_value(json_object_get(result, "status"));

    if (status && strcmp(status, "unsent") == 0) {

        free(entry->why);
        entry->why = bridge_string(json_string_value(
                                   json_object_get(result, "detail")));

        if (!bridge_update_repeatable(entry)) {
            bridge_update_unmark(entry);
        }

        entry->advance(entry, BRIDGE_UPDATE_RETRYING);
        return;
    }

    if (status && strcmp(status, "unknown") == 0) {

        if (bridge_update_repeatable(entry) && !entry->again) {
            entry->again = 1;
            entry->advance(entry, BRIDGE_UPDATE_RETRYING);
            return;
        }

        bridge_counters.updates_unknown++;
    }

    entry->result = json_dumps(result, JSON_COMPACT);
    bridge_update_shorten(entry, status);
    entry->advance(entry, BRIDGE_UPDATE_ANSWERED);
}


/* nginx drops an event that is too long, so the result is shortened here. */

static void
bridge_update_shorten(bridge_update_entry_t *entry, const char *status)
{
    char    *text;
    size_t   len;

    if (entry->result == NULL || status == NULL) {
        return;
    }

    len = strlen(entry->result) + 2 * strlen(entry->device)
          + strlen(entry->id) + 64;

    if (len <= (size_t) bridge_config->updates.max_result) {
        return;
    }

    text = bridge_format("{\"status\":\"%s\",\"truncated\":true,"
                         "\"detail\":\"the result has %zu bytes, %d are "
                         "possible: ask for less\"}", status, len,
                         bridge_config->updates.max_result);
    free(entry->result);
    entry->result = text;
}


void
bridge_update_refuse(bridge_update_entry_t *entry, const char *status,
    const char *detail)
{
    json_t  *result;

    result = json_pack("{s:s, s:s}", "status", status, "detail", detail);
    entry->result = json_dumps(result, JSON_COMPACT);
    json_decref(result);

    entry->advance(entry, BRIDGE_UPDATE_ANSWERED);
}


void
bridge_update_answer(bridge_update_entry_t *entry)
{
    if (entry->result == NULL) {
        entry->result = bridge_string("{\"status\":\"unknown\"}");
    }

    entry->command = bridge_redis_call(bridge_redis_slot_account(
                                           entry->account),
                                  bridge_update_answered, entry,
                                  "FCALL pimap_result 1 " BRIDGE_ACCOUNT_KEY
                                  " %s %s %s %d %d", entry->account,
                                  entry->device, entry->id, entry->result,
                                  bridge_config->redis.maxlen,
                                  (int) (bridge_config->redis.ttl / 1000));
    if (entry->command == NULL) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
    }
}


static void
bridge_update_answered(void *data, redisReply *reply)
{
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    if (reply && reply->type == REDIS_REPLY_ARRAY) {
        bridge_counters.updates++;
        entry->advance(entry, BRIDGE_UPDATE_DONE);
        return;
    }

    if (bridge_redis_is_error(reply, "PIMAP ")) {
        bridge_log(BRIDGE_LOG_ERROR, "account \"%s\": result of update \"%s\" "
                   "was refused: %s", entry->account, entry->id, reply->str);

        if (strstr(entry->result, "\"bad result\"") == NULL) {
            free(entry->result);
            entry->result = bridge_string("{\"status\":\"unknown\","
                                          "\"detail\":\"bad result\"}");
            bridge_update_answer(entry);
            return;
        }

        entry->advance(entry, BRIDGE_UPDATE_DONE);
        return;
    }

    bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
}


void
bridge_update_remove(bridge_update_entry_t *entry)
{
    bridge_redis_call(entry->stream->slot, NULL, NULL, "XACK %s%s %s %s",
                      entry->stream->name, bridge_config->updates.group,
                      entry->entry);

    entry->command = bridge_redis_call(entry->stream->slot,
                                       bridge_update_removed, entry,
                                       "XDEL %s%s %s", entry->stream->name,
                                       entry->entry);
    if (entry->command == NULL) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
    }
}


static void
bridge_update_removed(void *data, redisReply *reply)
{
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
        return;
    }

    if (*entry->account && !bridge_update_repeatable(entry)) {
        bridge_update_unmark(entry);
    }

    entry->advance(entry, BRIDGE_UPDATE_ENDED);
}
