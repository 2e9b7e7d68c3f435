
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A slot is CRC-16/XMODEM of the key or of its hash tag, modulo the number of
 * slots.
 */


#include <stdio.h>
#include <string.h>

#include "pimap_redis_slot.h"


/* Each slot has a tag that is less than ten times this. */
#define PIMAP_REDIS_SLOT_MAX_TAG  99999


static uint16_t pimap_redis_slot_crc(uint16_t crc, const char *data,
    size_t len);


unsigned
pimap_redis_slot(const char *key, size_t len)
{
    const char  *open, *close;

    open = len ? memchr(key, '{', len) : NULL;

    if (open) {
        open++;
        close = memchr(open, '}', key + len - open);

        if (close && close != open) {
            key = open;
            len = close - open;
        }
    }

    return pimap_redis_slot_crc(0, key, len) % PIMAP_REDIS_SLOTS;
}


/* The table has the remainder of each half of a byte. */

static uint16_t
pimap_redis_slot_crc(uint16_t crc, const char *data, size_t len)
{
    size_t   i;
    uint8_t  c;

    static const uint16_t  table[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef
    };

    for (i = 0; i < len; i++) {
        c = data[i];
        crc = (uint16_t) (crc << 4) ^ table[(crc >> 12) ^ (c >> 4)];
        crc = (uint16_t) (crc << 4) ^ table[(crc >> 12) ^ (c & 0x0f)];
    }

    return crc;
}


size_t
pimap_redis_slot_tag(unsigned slot, char *tag)
{
    char      digit;
    size_t    len;
    uint16_t  crc;
    unsigned  n;

    for (n = 0; n <= PIMAP_REDIS_SLOT_MAX_TAG; n++) {
        len = n ? snprintf(tag, PIMAP_REDIS_SLOT_TAG, "%u", n) : 0;
        crc = pimap_redis_slot_crc(0, tag, len);

        for (digit = '0'; digit <= '9'; digit++) {

            if (pimap_redis_slot_crc(crc, &digit, 1) % PIMAP_REDIS_SLOTS
                == slot)
            {
                tag[len++] = digit;
                tag[len] = '\0';
                return len;
            }
        }
    }

    tag[0] = '\0';

    return 0;
}


int
pimap_redis_slot_parse(const char *data, size_t len)
{
    int     slot;
    size_t  i;

    if (len == 0 || len > 5) {
        return -1;
    }

    slot = 0;

    for (i = 0; i < len; i++) {

        if (data[i] < '0' || data[i] > '9') {
            return -1;
        }

        slot = slot * 10 + (data[i] - '0');
    }

    return slot < PIMAP_REDIS_SLOTS ? slot : -1;
}


void
pimap_redis_slot_set_clear(pimap_redis_slot_set_t *set)
{
    memset(set, 0, sizeof(pimap_redis_slot_set_t));
}


void
pimap_redis_slot_set_add(pimap_redis_slot_set_t *set, unsigned slot)
{
    uint64_t  bit;

    bit = (uint64_t) 1 << (slot % 64);

    if (slot < PIMAP_REDIS_SLOTS && !(set->bits[slot / 64] & bit)) {
        set->bits[slot / 64] |= bit;
        set->n++;
    }
}


int
pimap_redis_slot_set_has(const pimap_redis_slot_set_t *set, unsigned slot)
{
    return slot < PIMAP_REDIS_SLOTS
           && (set->bits[slot / 64] >> (slot % 64) & 1);
}
