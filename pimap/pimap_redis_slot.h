
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the slots of a Redis Cluster: the slot of a key, and sets of slots.
 * Called by the module and the bridge.  Invariant: the same rule as in Redis,
 * which takes the bytes between the first "{" and the first "}" after it, if
 * there are any, and else the whole key.
 */


#ifndef _PIMAP_REDIS_SLOT_H_INCLUDED_
#define _PIMAP_REDIS_SLOT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PIMAP_REDIS_SLOTS      16384

/* Bytes of a tag, with the zero byte. */
#define PIMAP_REDIS_SLOT_TAG   8


typedef struct {
    uint64_t    bits[PIMAP_REDIS_SLOTS / 64];
    unsigned    n;                      /* slots that are in it */
} pimap_redis_slot_set_t;


unsigned pimap_redis_slot(const char *key, size_t len);

/*
 * Writes the smallest decimal number whose slot is "slot", to be a hash tag.
 * Takes up to a few milliseconds: the caller keeps it.
 */
size_t pimap_redis_slot_tag(unsigned slot, char *tag);

/* The number of a slot; -1 if the text is none. */
int pimap_redis_slot_parse(const char *data, size_t len);

void pimap_redis_slot_set_clear(pimap_redis_slot_set_t *set);
void pimap_redis_slot_set_add(pimap_redis_slot_set_t *set, unsigned slot);
int pimap_redis_slot_set_has(const pimap_redis_slot_set_t *set, unsigned slot);


#endif /* _PIMAP_REDIS_SLOT_H_INCLUDED_ */
