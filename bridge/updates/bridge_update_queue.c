
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
 * held updates are sorted: the one with the fewest places gets the next one,
 * and those with as many get it in turn.
 */


#include "bridge_update.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_HELD  100         /* held updates for each place */


struct bridge_update_queue_s {
    UT_hash_handle                       hh;
    char                                *account;
    TAILQ_HEAD(, bridge_update_entry_s)  entries;
    bridge_update_entry_t               *next;      /* the first held one */
    GSequenceIter                       *turn;      /* NULL: it holds none */
    uint64_t                             order;     /* of the last turn */
    unsigned                             placed;
    unsigned                             held;
};


static void bridge_update_queue_hold(bridge_update_entry_t *entry);
static void bridge_update_queue_unhold(bridge_update_entry_t *entry);
static void bridge_update_queue_sort(bridge_update_queue_t *queue);
static gint bridge_update_queue_compare(gconstpointer a, gconstpointer b,
    gpointer data);
static int bridge_update_queue_room(bridge_update_queue_t *queue);
static void bridge_update_queue_place(bridge_update_entry_t *entry);


static bridge_update_entry_t  *bridge_update_entries;   /* by name */
static bridge_update_queue_t  *bridge_update_queues;    /* by account */
static unsigned                bridge_update_placed;
static GSequence              *bridge_update_turns;
static uint64_t                bridge_update_order;


bridge_update_entry_t *
bridge_update_queue_find(const char *name)
{
    bridge_update_entry_t  *entry;

    HASH_FIND_STR(bridge_update_entries, name, entry);

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

    HASH_ADD_KEYPTR(hh, bridge_update_entries, entry->name,
                    strlen(entry->name), entry);
    TAILQ_INSERT_TAIL(&queue->entries, entry, link);

    if (queue->held == 0 && bridge_update_queue_room(queue)) {
        bridge_update_queue_place(entry);
        return 1;
    }

    bridge_update_queue_hold(entry);

    return 0;
}


void
bridge_update_queue_remove(bridge_update_entry_t *entry)
{
    bridge_update_queue_t  *queue;

    queue = entry->queue;

    HASH_DEL(bridge_update_entries, entry);

    if (entry->placed) {
        bridge_update_placed--;
        queue->placed--;
        bridge_update_queue_sort(queue);

    } else {
        bridge_update_queue_unhold(entry);
    }

    TAILQ_REMOVE(&queue->entries, entry, link);

    if (TAILQ_EMPTY(&queue->entries)) {
        HASH_DEL(bridge_update_queues, queue);
        free(queue->account);
        free(queue);
    }
}


bridge_update_entry_t *
bridge_update_queue_turn(void)
{
    GSequenceIter          *first;
    bridge_update_entry_t  *entry;
    bridge_update_queue_t  *queue;

    if (bridge_update_turns == NULL) {
        return NULL;
    }

    first = g_sequence_get_begin_iter(bridge_update_turns);

    if (g_sequence_iter_is_end(first)) {
        return NULL;
    }

    queue = g_sequence_get(first);

    if (!bridge_update_queue_room(queue)) {
        return NULL;                    /* the others have as many places */
    }

    entry = queue->next;
    bridge_update_queue_unhold(entry);
    bridge_update_queue_place(entry);

    queue->order = ++bridge_update_order;
    bridge_update_queue_sort(queue);

    return entry;
}


static void
bridge_update_queue_hold(bridge_update_entry_t *entry)
{
    bridge_update_queue_t  *queue = entry->queue;

    if (queue->held++) {
        return;
    }

    if (bridge_update_turns == NULL) {
        bridge_update_turns = g_sequence_new(NULL);
    }

    queue->next = entry;
    queue->order = ++bridge_update_order;
    queue->turn = g_sequence_insert_sorted(bridge_update_turns, queue,
                                           bridge_update_queue_compare, NULL);
}


/* Behind a held update all are held. */

static void
bridge_update_queue_unhold(bridge_update_entry_t *entry)
{
    bridge_update_queue_t  *queue = entry->queue;

    if (queue->next == entry) {
        queue->next = TAILQ_NEXT(entry, link);
    }

    if (--queue->held == 0) {
        g_sequence_remove(queue->turn);
        queue->turn = NULL;
    }
}


static void
bridge_update_queue_sort(bridge_update_queue_t *queue)
{
    if (queue->turn) {
        g_sequence_sort_changed(queue->turn, bridge_update_queue_compare,
                                NULL);
    }
}


static gint
bridge_update_queue_compare(gconstpointer a, gconstpointer b, gpointer data)
{
    const bridge_update_queue_t  *x = a, *y = b;

    if (x->placed != y->placed) {
        return x->placed < y->placed ? -1 : 1;
    }

    return x->order < y->order ? -1 : x->order > y->order;
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
