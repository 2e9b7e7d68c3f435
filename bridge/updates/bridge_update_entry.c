
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The list of updates that are here.  Those of an account are carried out in
 * the order in which they came.
 */


#include "bridge_update_entry.h"
#include "bridge_config.h"
#include "bridge_log.h"
#include "bridge_session.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_RUNNING  32       /* of one session at a time */


static const char *bridge_update_field(redisReply *fields, const char *name);
static bridge_update_entry_t *bridge_update_find(const char *id);
static void bridge_update_consumer_timer_handler(evutil_socket_t fd,
    short what, void *data);


static unsigned  bridge_update_entries_length;
static int       bridge_update_leaving;

static TAILQ_HEAD(, bridge_update_entry_s)  bridge_update_entries =
    TAILQ_HEAD_INITIALIZER(bridge_update_entries);


int
bridge_update_entries_leaving(void)
{
    return bridge_update_leaving;
}


unsigned
bridge_update_entries_count(void)
{
    return bridge_update_entries_length;
}


int
bridge_update_entries_busy(const char *account)
{
    bridge_update_entry_t  *entry;

    TAILQ_FOREACH(entry, &bridge_update_entries, link) {
        if (strcmp(entry->account, account) == 0) {
            return 1;
        }
    }

    return 0;
}


void
bridge_update_entry_add(redisReply *reply)
{
    const char             *account, *device, *id, *body;
    redisReply             *fields;
    bridge_update_entry_t  *entry;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_ARRAY
        || bridge_update_find(reply->element[0]->str))
    {
        return;
    }

    fields = reply->element[1];

    account = bridge_update_field(fields, "account");
    device = bridge_update_field(fields, "device");
    id = bridge_update_field(fields, "id");
    body = bridge_update_field(fields, "body");

    entry = bridge_alloc(sizeof(bridge_update_entry_t));

    entry->entry = bridge_string(reply->element[0]->str);
    entry->account = bridge_string(account ? account : "");
    entry->device = bridge_string(device ? device : "");
    entry->id = bridge_string(id ? id : "");
    entry->body = body ? json_loads(body, JSON_REJECT_DUPLICATES, NULL) : NULL;
    entry->deadline = bridge_now() + bridge_config->updates.timeout;

    evtimer_assign(&entry->timer, bridge_base,
                   bridge_update_consumer_timer_handler,
                   entry);

    TAILQ_INSERT_TAIL(&bridge_update_entries, entry, link);
    bridge_update_entries_length++;

    if (*entry->account == '\0' || *entry->id == '\0'
        || strlen(entry->account) > BRIDGE_ACCOUNT_MAX)
    {
        bridge_log(BRIDGE_LOG_WARN, "updates: entry %s is none",
                   entry->entry);
        bridge_update_remove(entry);
        return;
    }

    if (!json_is_object(entry->body)) {
        bridge_update_refuse(entry, "invalid", "not an object");
        return;
    }

    bridge_update_look(entry);
}


void
bridge_update_entries_done(void)
{
    bridge_update_entry_t  *entry, *next;

    bridge_update_leaving = 1;

    for (entry = TAILQ_FIRST(&bridge_update_entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);

        if (entry->state == BRIDGE_UPDATE_MARKING
            || entry->state == BRIDGE_UPDATE_MARKED)
        {
            bridge_update_unmark(entry);
        }

        if (entry->state <= BRIDGE_UPDATE_MARKED) {
            bridge_update_free(entry);
        }
    }
}


void
bridge_update_entries_run(const char *name)
{
    unsigned                running;
    imap_session_t         *session;
    bridge_account_t       *account;
    bridge_update_entry_t  *entry, *next;

    running = 0;

    for (entry = TAILQ_FIRST(&bridge_update_entries); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);

        if (strcmp(entry->account, name) != 0
            || entry->state == BRIDGE_UPDATE_ANSWERED)
        {
            continue;
        }

        if (entry->state == BRIDGE_UPDATE_SENT) {
            running++;
            continue;
        }

        account = bridge_account_find(name);
        session = account ? bridge_session_imap(account) : NULL;

        if (session == NULL || running >= BRIDGE_UPDATE_RUNNING) {

            if (account && account->state == BRIDGE_ACCOUNT_OTHER
                && entry->state == BRIDGE_UPDATE_WAITING)
            {
                bridge_update_offer(entry, account->holder);
                continue;
            }

            return;
        }

        if (entry->state == BRIDGE_UPDATE_WAITING
            && !bridge_update_repeatable(entry))
        {
            bridge_update_mark(entry);
            return;
        }

        if (entry->state != BRIDGE_UPDATE_WAITING
            && entry->state != BRIDGE_UPDATE_MARKED)
        {
            return;                     /* its turn, but not yet */
        }

        bridge_update_send(entry, session);
        running++;
    }
}


static const char *
bridge_update_field(redisReply *fields, const char *name)
{
    size_t  i;

    for (i = 0; i + 1 < fields->elements; i += 2) {

        if (fields->element[i]->type == REDIS_REPLY_STRING
            && fields->element[i + 1]->type == REDIS_REPLY_STRING
            && strcmp(fields->element[i]->str, name) == 0)
        {
            return fields->element[i + 1]->str;
        }
    }

    return NULL;
}


static bridge_update_entry_t *
bridge_update_find(const char *id)
{
    bridge_update_entry_t  *entry;

    TAILQ_FOREACH(entry, &bridge_update_entries, link) {
        if (strcmp(entry->entry, id) == 0) {
            return entry;
        }
    }

    return NULL;
}


void
bridge_update_free(bridge_update_entry_t *entry)
{
    TAILQ_REMOVE(&bridge_update_entries, entry, link);
    bridge_update_entries_length--;

    if (entry->command) {
        bridge_redis_command_forget(entry->command);
    }

    evtimer_del(&entry->timer);
    json_decref(entry->body);

    free(entry->result);
    free(entry->entry);
    free(entry->account);
    free(entry->device);
    free(entry->id);
    free(entry);
}


static void
bridge_update_consumer_timer_handler(evutil_socket_t fd, short what,
    void *data)
{
    bridge_update_entry_t  *entry = data;

    switch (entry->state) {

    case BRIDGE_UPDATE_OFFERED:
        bridge_update_check_offer(entry);
        return;

    case BRIDGE_UPDATE_LOOKING:
        if (bridge_now() < entry->deadline) {
            bridge_update_look(entry);
            return;
        }

        /* fall through */

    case BRIDGE_UPDATE_WAITING:
    case BRIDGE_UPDATE_MARKED:
        bridge_update_refuse(entry, "refused",
                             "there is no session with the mail server");
        return;

    case BRIDGE_UPDATE_ANSWERED:
        bridge_update_answer(entry);
        return;

    default:
        return;
    }
}


void
bridge_update_end(bridge_update_entry_t *entry)
{
    char              *name;
    bridge_account_t  *account;

    name = entry->account;
    entry->account = NULL;

    bridge_update_free(entry);

    account = bridge_account_find(name);

    if (account && account->needed && !bridge_update_entries_busy(name)) {
        account->needed = 0;
        account->until = bridge_now() + bridge_config->sessions.linger;
        bridge_account_consider(account);

    } else {
        bridge_update_entries_run(name);
    }

    free(name);
}
