
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Slots of keys, as CLUSTER KEYSLOT of Redis 7.0.15 has them, and partitions
 * of accounts.
 */


#include <stdlib.h>

#include "pimap_redis_key.h"
#include "pimap_redis_slot.h"
#include "tap.h"


static const struct {
    const char  *key;
    int          slot;
} keys[] = {
    { "", 0 },
    { "a", 15495 },
    { "123456789", 12739 },
    { "foo", 12182 },
    { "{foo}bar", 12182 },
    { "foo{}{bar}", 8363 },
    { "foo{{bar}}zap", 4015 },
    { "foo{bar}{zap}", 5061 },
    { "foo{bar", 15278 },
    { "foo}bar", 7223 },
    { "{", 4092 },
    { "{}", 15257 },
    { "}{a}", 15495 },
    { "pimap:{alice@example.com}", 350 },
    { "pimap:{alice@example.com}:log", 350 },
    { "pimap:{a}b}:log", 15495 },
    { "pimap:updates:{7}", 1716 },
    { "pimap:{\303\274}", 9552 },
};


/* The smallest number of each slot, found the other way round. */

static void
tags(void)
{
    int        wrong;
    char       text[16], tag[PIMAP_REDIS_SLOT_TAG];
    size_t     len;
    unsigned   n, slot, found;

    static int  smallest[PIMAP_REDIS_SLOTS];

    memset(smallest, -1, sizeof(smallest));

    for (n = 0, found = 0; n < 1000000 && found < PIMAP_REDIS_SLOTS; n++) {
        slot = pimap_redis_slot(text, sprintf(text, "%u", n));

        if (smallest[slot] == -1) {
            smallest[slot] = n;
            found++;
        }
    }

    tap_is_int(found, PIMAP_REDIS_SLOTS, "each slot has a number");

    wrong = 0;

    for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot += 61) {
        len = pimap_redis_slot_tag(slot, tag);
        wrong += atoi(tag) != smallest[slot] || len != strlen(tag);
    }

    tap_is_int(wrong, 0, "a tag is the smallest number of its slot");

    len = pimap_redis_slot_tag(PIMAP_REDIS_SLOTS, tag);
    tap_is_mem(tag, len, "", "no tag of a slot that does not exist");
}


static void
parse(void)
{
    tap_is_int(pimap_redis_slot_parse("0", 1), 0, "slot 0");
    tap_is_int(pimap_redis_slot_parse("16383", 5), 16383, "slot 16383");
    tap_is_int(pimap_redis_slot_parse("16384", 5), -1, "slot 16384");
    tap_is_int(pimap_redis_slot_parse("000001", 6), -1, "six digits");
    tap_is_int(pimap_redis_slot_parse("1a", 2), -1, "a letter");
    tap_is_int(pimap_redis_slot_parse("", 0), -1, "nothing");
}


static void
sets(void)
{
    pimap_redis_slot_set_t  set;

    pimap_redis_slot_set_clear(&set);
    pimap_redis_slot_set_add(&set, 0);
    pimap_redis_slot_set_add(&set, 63);
    pimap_redis_slot_set_add(&set, 63);
    pimap_redis_slot_set_add(&set, 16383);
    pimap_redis_slot_set_add(&set, 16384);

    tap_is_int(set.n, 3, "slots are counted once, and only those there are");
    tap_ok(pimap_redis_slot_set_has(&set, 0)
           && pimap_redis_slot_set_has(&set, 63)
           && pimap_redis_slot_set_has(&set, 16383), "slots of the set");
    tap_ok(!pimap_redis_slot_set_has(&set, 1)
           && !pimap_redis_slot_set_has(&set, 64)
           && !pimap_redis_slot_set_has(&set, 16384), "other slots");

    pimap_redis_slot_set_clear(&set);
    tap_ok(set.n == 0 && !pimap_redis_slot_set_has(&set, 63), "cleared");
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        tap_is_int(pimap_redis_slot(keys[i].key, strlen(keys[i].key)),
                   keys[i].slot, keys[i].key);
    }

    tap_is_int(pimap_redis_slot("a\0b", 3), 8383, "a zero byte");

    tap_is_int(pimap_redis_key_partition("pimap:{alice@example.com}", 25),
               350 % 16, "the partition of an account");

    tags();
    parse();
    sets();

    return tap_done();
}
