
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The updates that a bridge has read: each account has a fair part of the
 * places in memory, its updates stay in order, and the end of an update costs
 * the same however many accounts wait.
 */


#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge_update.h"
#include "tap.h"


#define PLACES  1000


bridge_config_t         *bridge_config;
static bridge_config_t   config;


/* Update "n" of an account.  NULL: it has no place. */

static bridge_update_entry_t *
add(unsigned account, unsigned n)
{
    bridge_update_entry_t  *entry;

    entry = bridge_alloc(sizeof(bridge_update_entry_t));
    entry->entry = bridge_format("%u-%u", account, n);
    entry->name = bridge_string(entry->entry);
    entry->account = bridge_format("user%u", account);

    return bridge_update_queue_add(entry) ? entry : NULL;
}


static void
end(bridge_update_entry_t *entry)
{
    bridge_update_queue_remove(entry);

    free(entry->name);
    free(entry->entry);
    free(entry->account);
    free(entry);
}


static void
end_all(void)
{
    while (bridge_update_queue_all()) {
        end(bridge_update_queue_all());
    }
}


/* The updates that get a place, in this order. */

static void
test_turns(const char *expected, const char *name)
{
    char                    text[256];
    size_t                  len;
    bridge_update_entry_t  *entry;

    len = 0;
    text[0] = '\0';

    while ((entry = bridge_update_queue_turn()) != NULL) {
        len += snprintf(text + len, sizeof(text) - len, "%s%s",
                        len ? " " : "", entry->entry);
    }

    tap_is_str(text, expected, name);
}


static void
test_fair(void)
{
    unsigned  n, placed;

    config.updates.max_waiting = 8;

    for (n = 1, placed = 0; n <= 6; n++) {
        placed += add(1, n) != NULL;
    }

    tap_is_int(placed, 4, "an account alone has a half of the places");
    tap_ok(add(2, 1) && add(2, 2) && !add(2, 3),
           "    another one a half of the rest");
    tap_ok(add(3, 1) && !add(3, 2), "    and so on");
    tap_ok(add(4, 1) && !add(5, 1), "    until there is none");
    tap_is_int(bridge_update_queue_placed(), 8, "    all places are taken");
    tap_is_int(bridge_update_queue_held(), 5, "    the others are held");
    test_turns("", "no place: nobody has a turn");

    end(bridge_update_queue_find("1-1"));
    test_turns("5-1", "a place: the account that has none gets it");
    end(bridge_update_queue_find("1-2"));
    test_turns("", "    accounts with a place get no second one");
    end(bridge_update_queue_find("1-3"));
    test_turns("1-5", "    until there are more: in turn");
    end(bridge_update_queue_find("2-1"));
    end(bridge_update_queue_find("2-2"));
    test_turns("2-3 3-2", "    first those with the fewest places");
    end(bridge_update_queue_find("1-4"));
    test_turns("1-6", "    each account in its order");
    tap_is_int(bridge_update_queue_held(), 0, "    none is held");

    add(1, 7);
    add(1, 8);
    add(1, 9);
    end(bridge_update_queue_find("1-7"));
    end(bridge_update_queue_find("1-5"));
    end(bridge_update_queue_find("3-1"));
    test_turns("1-8", "a held update is removed: the next one gets a place");

    end_all();
    tap_is_int(bridge_update_queue_placed(), 0, "all have ended");
}


/* The account, and no other one, may be full. */

static void
test_in_turn(void)
{
    unsigned  n;

    config.updates.max_waiting = 2;

    add(9, 1);
    add(8, 1);

    for (n = 1; n <= 3; n++) {
        add(1, n);
        add(2, n);
    }

    end(bridge_update_queue_find("9-1"));
    test_turns("1-1", "accounts with as many places get one in turn");
    end(bridge_update_queue_find("1-1"));
    test_turns("2-1", "    first the one, then the other");
    end(bridge_update_queue_find("2-1"));
    test_turns("1-2", "    then the first one again");
    end_all();
}


/* The CPU time of the ends of so many updates, with so many accounts. */

static double
seconds(unsigned accounts, unsigned ends)
{
    clock_t                 start;
    unsigned                i, n;
    bridge_update_entry_t  *placed[2 * PLACES], *entry;

    config.updates.max_waiting = PLACES;

    for (i = 0, n = 0; i < 2 * accounts; i++) {
        placed[n] = add(i % accounts, i / accounts);
        n += placed[n] != NULL;
    }

    start = clock();

    for (i = 0; i < ends; i++) {
        end(placed[i]);

        while ((entry = bridge_update_queue_turn()) != NULL) {
            placed[n++] = entry;
        }
    }

    start = clock() - start;
    end_all();

    return (double) start / CLOCKS_PER_SEC;
}


int
main(void)
{
    double  few, many;

    bridge_config = &config;

    test_fair();
    test_in_turn();

    few = seconds(2 * PLACES, PLACES);
    many = seconds(32 * PLACES, PLACES);

    if (!tap_ok(many < 4 * few, "16 times as many accounts wait: an end takes "
                "less than four times as long"))
    {
        printf("# %.6f s, %.6f s\n", few, many);
    }

    return tap_done();
}
