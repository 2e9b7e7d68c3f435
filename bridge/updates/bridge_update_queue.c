
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the updates that this bridge has read, by account, in the order in
 * which they came.  Called by bridge_update_entry.c and the consumer.
 *
 * An update has a place in memory, or is held: of a held one only the entry
 * is known, and it is read again when a place is free.  An account may have as
 * many places as are free.  So one account gets a half of all, two get a third
 * each, and there is always one for an account that has none.  Accounts with
 * held updates get places in turn.
 */


#include "bridge_update.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_HELD  100         /* held updates for each place */


struct bridge_update_queue_s {
    UT_hash_handle                       hh;
    char                                *account;
    TAILQ_HEAD(, bridge_update_entry_s)  entries;
    TAILQ_ENTRY(bridge_update_queue_s)   link;      /* if it holds any */
    unsigned                             placed;
    unsigned                             held;
};


static int bridge_update_queue_room(bridge_update_queue_t *queue);
static void bridge_update_queue_place(bridge_update_entry_t *entry);


static bridge_update_entry_t  *bridge_update_entries;   /* by entry */
static bridge_update_queue_t  *bridge_update_queues;    /* by account */
static unsigned                bridge_update_placed;

static TAILQ_HEAD(bridge_update_turns_s, bridge_update_queue_s)
    bridge_update_turns = TAILQ_HEAD_INITIALIZER(bridge_update_turns);


bridge_update_entry_t *
bridge_update_queue_find(const char *id)
{
    bridge_update_entry_t  *entry;

    HASH_FIND_STR(bridge_update_entries, id, entry);

    return entry;
}


bridge_update_entry_t *
bridge_update_queue_all(void)
{
    return bridge_update_entries;
}


bridge_update_entry_t *
bridge_update_queue_first(const char *account)
{
    bridge_update_queue_t  *queue;

    HASH_FIND_STR(bridge_update_queues, account, queue);

    return queue ? TAILQ_FIRST(&queue->entries) : NULL;
}


/* Updates of an account stay in order: behind a held one all are held. */

int
bridge_update_queue_add(bridge_update_entry_t *entry)
{
    bridge_update_queue_t  *queue;

    HASH_FIND_STR(bridge_update_queues, entry->account, queue);

    if (queue == NULL) {
        queue = bridge_alloc(sizeof(bridge_update_queue_t));
        queue->account = bridge_string(entry->account);
        TAILQ_INIT(&queue->entries);

        HASH_ADD_KEYPTR(hh, bridge_update_queues, queue->account,
                        strlen(queue->account), queue);
    }

    entry->queue = queue;

    HASH_ADD_KEYPTR(hh, bridge_update_entries, entry->entry,
                    strlen(entry->entry), entry);
    TAILQ_INSERT_TAIL(&queue->entries, entry, link);

    if (queue->held == 0 && bridge_update_queue_room(queue)) {
        bridge_update_queue_place(entry);
        return 1;
    }

    if (queue->held++ == 0) {
        TAILQ_INSERT_TAIL(&bridge_update_turns, queue, link);
    }

    return 0;
}


void
bridge_update_queue_remove(bridge_update_entry_t *entry)
{
    bridge_update_queue_t  *queue;

    queue = entry->queue;

    HASH_DEL(bridge_update_entries, entry);
    TAILQ_REMOVE(&queue->entries, entry, link);

    if (entry->placed) {
        bridge_update_placed--;
        queue->placed--;

    } else if (--queue->held == 0) {
        TAILQ_REMOVE(&bridge_update_turns, queue, link);
    }

    if (TAILQ_EMPTY(&queue->entries)) {
        HASH_DEL(bridge_update_queues, queue);
        free(queue->account);
        free(queue);
    }
}


bridge_update_entry_t *
bridge_update_queue_turn(void)
{
    bridge_update_entry_t  *entry;
    bridge_update_queue_t  *queue, *last;

    last = TAILQ_LAST(&bridge_update_turns, bridge_update_turns_s);

    while ((queue = TAILQ_FIRST(&bridge_update_turns)) != NULL) {

        TAILQ_REMOVE(&bridge_update_turns, queue, link);
        TAILQ_INSERT_TAIL(&bridge_update_turns, queue, link);

        if (bridge_update_queue_room(queue)) {
            entry = TAILQ_FIRST(&queue->entries);

            while (entry->placed) {
                entry = TAILQ_NEXT(entry, link);
            }

            if (--queue->held == 0) {
                TAILQ_REMOVE(&bridge_update_turns, queue, link);
            }

            bridge_update_queue_place(entry);
            return entry;
        }

        if (queue == last) {
            break;
        }
    }

    return NULL;
}


static int
bridge_update_queue_room(bridge_update_queue_t *queue)
{
    unsigned  max;

    max = bridge_config->updates.max_waiting;

    return bridge_update_placed < max
           && queue->placed < max - bridge_update_placed;
}


static void
bridge_update_queue_place(bridge_update_entry_t *entry)
{
    entry->placed = 1;
    entry->queue->placed++;
    bridge_update_placed++;
}


unsigned
bridge_update_queue_placed(void)
{
    return bridge_update_placed;
}


unsigned
bridge_update_queue_held(void)
{
    return HASH_COUNT(bridge_update_entries) - bridge_update_placed;
}


int
bridge_update_queue_full(void)
{
    return bridge_update_queue_held()
           >= BRIDGE_UPDATE_HELD
              * (unsigned) bridge_config->updates.max_waiting;
}
