
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of an update on its way to its result.
 */


#include "bridge_update.h"
#include "pimap_account.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_RUNNING  32       /* of one session at a time */


static const char *bridge_update_field(redisReply *fields, const char *name);
static void bridge_update_acknowledge(bridge_update_stream_t *stream,
    const char *id);
static void bridge_update_load(bridge_update_entry_t *entry);
static void bridge_update_loaded(void *data, redisReply *reply);
static void bridge_update_begin(bridge_update_entry_t *entry,
    redisReply *fields);
static void bridge_update_advance(bridge_update_entry_t *entry,
    bridge_update_state_t state);
static void bridge_update_wait(bridge_update_entry_t *entry);
static void bridge_update_set_deadline(bridge_update_entry_t *entry);
static void bridge_update_run(const char *name);
static void bridge_update_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_update_end(bridge_update_entry_t *entry);
static void bridge_update_free(bridge_update_entry_t *entry);


static int  bridge_update_leaving;


void
bridge_update_entry_add(bridge_update_stream_t *stream, redisReply *reply)
{
    char                   *name;
    redisReply             *fields;
    bridge_update_entry_t  *entry;

    if (bridge_redis_text(reply, 0) == NULL || reply->elements != 2) {
        return;
    }

    name = bridge_update_stream_entry(stream, reply->element[0]->str);
    entry = bridge_update_queue_find(name);
    free(name);

    if (entry) {
        return;
    }

    fields = reply->element[1];

    if (fields->type == REDIS_REPLY_NIL) {
        bridge_update_acknowledge(stream, reply->element[0]->str);
        return;
    }

    if (fields->type != REDIS_REPLY_ARRAY) {
        return;
    }

    entry = bridge_alloc(sizeof(bridge_update_entry_t));

    entry->advance = bridge_update_advance;
    entry->stream = stream;
    entry->entry = bridge_string(reply->element[0]->str);
    entry->name = bridge_update_stream_entry(stream, entry->entry);
    entry->account = bridge_string(bridge_update_field(fields, "account"));

    evtimer_assign(&entry->timer, bridge_base, bridge_update_timer_handler,
                   entry);

    if (bridge_update_queue_add(entry)) {
        bridge_update_begin(entry, fields);
    }
}


/* It was removed from the stream, but not acknowledged. */

static void
bridge_update_acknowledge(bridge_update_stream_t *stream, const char *id)
{
    bridge_redis_call(stream->slot, NULL, NULL, "XACK %s%s %s %s",
                      stream->name, bridge_config->updates.group, id);
}


/* A claim makes the entry young: it is not late. */

static void
bridge_update_load(bridge_update_entry_t *entry)
{
    entry->command = bridge_redis_call(entry->stream->slot,
                                       bridge_update_loaded, entry,
                                       "XCLAIM %s%s %s %s 0 %s",
                                       entry->stream->name,
                                       bridge_config->updates.group,
                                       bridge_config->lease.id, entry->entry);
    if (entry->command == NULL) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
    }
}


/* [ [ id, [ field, value, ... ] ] ]; without the entry, if it is removed */

static void
bridge_update_loaded(void *data, redisReply *reply)
{
    redisReply             *one;
    bridge_update_entry_t  *entry = data;

    entry->command = NULL;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
        return;
    }

    one = reply->elements ? reply->element[0] : NULL;

    if (bridge_redis_text(one, 0) && one->elements == 2
        && one->element[1]->type == REDIS_REPLY_ARRAY)
    {
        bridge_update_begin(entry, one->element[1]);
        return;
    }

    bridge_update_acknowledge(entry->stream, entry->entry);
    bridge_update_advance(entry, BRIDGE_UPDATE_ENDED);
}


static void
bridge_update_begin(bridge_update_entry_t *entry, redisReply *fields)
{
    entry->device = bridge_string(bridge_update_field(fields, "device"));
    entry->id = bridge_string(bridge_update_field(fields, "id"));
    entry->body = json_loads(bridge_update_field(fields, "body"),
                             JSON_REJECT_DUPLICATES, NULL);
    entry->deadline = bridge_now() + bridge_config->updates.timeout;

    if (*entry->id == '\0'
        || strlen(entry->account) > BRIDGE_ACCOUNT_MAX
        || pimap_account_refusal(entry->account, strlen(entry->account)))
    {
        bridge_log(BRIDGE_LOG_WARN, "updates: entry %s is removed: it has no "
                   "id, or no valid account of up to %d bytes", entry->entry,
                   BRIDGE_ACCOUNT_MAX);
        bridge_update_advance(entry, BRIDGE_UPDATE_DONE);
        return;
    }

    if (!json_is_object(entry->body)) {
        bridge_update_refuse(entry, "invalid", "not an object");
        return;
    }

    bridge_update_advance(entry, BRIDGE_UPDATE_ROUTING);
}


/* "": it is missing */

static const char *
bridge_update_field(redisReply *fields, const char *name)
{
    size_t       i;
    const char  *value;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        value = bridge_redis_text(fields, i + 1);

        if (value && g_strcmp0(bridge_redis_text(fields, i), name) == 0) {
            return value;
        }
    }

    return "";
}


void
bridge_update_entries_done(void)
{
    bridge_update_entry_t  *entry, *next;

    bridge_update_leaving = 1;

    for (entry = bridge_update_queue_all(); entry; entry = next) {
        next = entry->hh.next;

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


static void
bridge_update_advance(bridge_update_entry_t *entry,
    bridge_update_state_t state)
{
    entry->state = state;

    switch (state) {

    case BRIDGE_UPDATE_HELD:
        return;

    case BRIDGE_UPDATE_LOADING:
        bridge_update_load(entry);
        return;

    case BRIDGE_UPDATE_ROUTING:
        bridge_update_route(entry);
        return;

    case BRIDGE_UPDATE_RETRYING:
        if (bridge_update_leaving) {
            bridge_update_free(entry);
            return;
        }

        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_RETRY);
        return;

    case BRIDGE_UPDATE_WAITING:
        bridge_update_wait(entry);
        return;

    case BRIDGE_UPDATE_OFFERED:
        bridge_timer_set(&entry->timer, BRIDGE_UPDATE_OFFER);
        return;

    case BRIDGE_UPDATE_MARKING:
        bridge_update_mark(entry);
        return;

    case BRIDGE_UPDATE_MARKED:

        /* the deadline may have passed while Redis wrote the mark */

        bridge_update_set_deadline(entry);
        bridge_update_run(entry->account);
        return;

    case BRIDGE_UPDATE_SENT:
        evtimer_del(&entry->timer);
        bridge_update_send(entry);
        return;

    case BRIDGE_UPDATE_ANSWERED:
        bridge_update_answer(entry);
        return;

    case BRIDGE_UPDATE_DONE:
        bridge_update_remove(entry);
        return;

    case BRIDGE_UPDATE_ENDED:
        bridge_update_end(entry);
    }
}


static void
bridge_update_wait(bridge_update_entry_t *entry)
{
    bridge_update_set_deadline(entry);

    if (entry->owner == NULL) {
        entry->owner = bridge_account_find(entry->account);
        bridge_account_update_begin(entry->owner);
    }

    bridge_update_run(entry->account);
}


static void
bridge_update_set_deadline(bridge_update_entry_t *entry)
{
    bridge_msec_t  now;

    now = bridge_now();

    bridge_timer_set(&entry->timer,
                     entry->deadline > now ? entry->deadline - now : 0);
}


void
bridge_update_entries_run(bridge_account_t *account)
{
    bridge_update_run(account->name);
}


static void
bridge_update_run(const char *name)
{
    unsigned                running;
    bridge_account_t       *account;
    bridge_update_entry_t  *entry, *next;

    running = 0;

    for (entry = bridge_update_queue_first(name); entry; entry = next) {
        next = TAILQ_NEXT(entry, link);

        if (entry->state == BRIDGE_UPDATE_ANSWERED
            || entry->state == BRIDGE_UPDATE_DONE)
        {
            continue;
        }

        if (entry->state == BRIDGE_UPDATE_SENT) {
            running++;
            continue;
        }

        account = bridge_account_find(name);

        if (account && account->state == BRIDGE_ACCOUNT_OTHER
            && entry->state == BRIDGE_UPDATE_WAITING)
        {
            bridge_update_offer(entry, account->holder);
            continue;
        }

        if (account == NULL || bridge_session_imap(account) == NULL
            || running >= BRIDGE_UPDATE_RUNNING)
        {
            return;
        }

        if (entry->state == BRIDGE_UPDATE_WAITING
            && !bridge_update_repeatable(entry))
        {
            bridge_update_advance(entry, BRIDGE_UPDATE_MARKING);
            return;
        }

        if (entry->state != BRIDGE_UPDATE_WAITING
            && entry->state != BRIDGE_UPDATE_MARKED)
        {
            return;                     /* it is not ready, the others wait */
        }

        bridge_update_advance(entry, BRIDGE_UPDATE_SENT);
        running++;
    }
}


static void
bridge_update_timer_handler(evutil_socket_t fd, short what, void *data)
{
    char                   *why;
    bridge_update_entry_t  *entry = data;

    switch (entry->state) {

    case BRIDGE_UPDATE_LOADING:
        bridge_update_load(entry);
        return;

    case BRIDGE_UPDATE_OFFERED:
        bridge_update_check_offer(entry);
        return;

    case BRIDGE_UPDATE_ANSWERED:
        bridge_update_answer(entry);
        return;

    case BRIDGE_UPDATE_DONE:
        bridge_update_remove(entry);
        return;

    case BRIDGE_UPDATE_RETRYING:
        if (bridge_now() < entry->deadline) {
            bridge_update_advance(entry, BRIDGE_UPDATE_ROUTING);
            return;
        }

        break;

    case BRIDGE_UPDATE_WAITING:
    case BRIDGE_UPDATE_MARKED:
        break;

    default:
        return;
    }

    if (entry->why) {
        bridge_update_refuse(entry, "refused", entry->why);
        return;
    }

    why = bridge_account_excuse(bridge_account_find(entry->account));
    bridge_update_refuse(entry, "refused", why);
    free(why);
}


static void
bridge_update_end(bridge_update_entry_t *entry)
{
    char              *name;
    bridge_account_t  *account;

    name = entry->account;
    account = entry->owner;
    entry->account = NULL;

    bridge_update_free(entry);

    if (account && account->updates == 0) {
        bridge_account_changed(account);
    }

    bridge_update_run(name);

    free(name);

    while (!bridge_update_leaving
           && (entry = bridge_update_queue_turn()) != NULL)
    {
        bridge_update_advance(entry, BRIDGE_UPDATE_LOADING);
    }
}


static void
bridge_update_free(bridge_update_entry_t *entry)
{
    bridge_update_queue_remove(entry);

    if (entry->owner) {
        bridge_account_update_end(entry->owner);
    }

    if (entry->command) {
        bridge_redis_command_forget(entry->command);
    }

    evtimer_del(&entry->timer);
    json_decref(entry->body);

    free(entry->result);
    free(entry->why);
    free(entry->entry);
    free(entry->name);
    free(entry->account);
    free(entry->device);
    free(entry->id);
    free(entry);
}
