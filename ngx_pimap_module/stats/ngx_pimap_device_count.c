
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the table of device counts.  Called by the zone; pure, without nginx or
 * a lock.  Invariant: two-choice hashing without moves: a new entry goes into
 * the emptier bucket, a lookup reads both.  0.7 of the table can be used.  An
 * entry in use is changed by its owner only.
 */


#include "ngx_pimap_device_count.h"

#include <string.h>


#define NGX_PIMAP_DEVICE_COUNT_WAYS  8
#define NGX_PIMAP_DEVICE_COUNT_ONE   ((uint64_t) 1 << 48)

#define ngx_pimap_device_count_key_of(entry)                                 \
    ((entry) % NGX_PIMAP_DEVICE_COUNT_ONE)
#define ngx_pimap_device_count_load(e)                                       \
    __atomic_load_n(e, __ATOMIC_RELAXED)
#define ngx_pimap_device_count_store(e, value)                               \
    __atomic_store_n(e, value, __ATOMIC_RELEASE)

#define ngx_pimap_device_count_rotate(x, n)  ((x) << (n) | (x) >> (64 - (n)))


static void ngx_pimap_device_count_absorb(uint64_t v[4], uint64_t word);
static void ngx_pimap_device_count_rounds(uint64_t v[4], unsigned n);
static ngx_pimap_device_count_entry_t *ngx_pimap_device_count_bucket(
    ngx_pimap_device_count_t *counts, uint64_t hash, unsigned choice);
static uint32_t ngx_pimap_device_count_fingerprint(uint64_t hash);
static ngx_pimap_device_count_entry_t *ngx_pimap_device_count_find(
    ngx_pimap_device_count_t *counts, uint64_t hash, uint16_t owner,
    uint32_t below);
static ngx_pimap_device_count_entry_t *ngx_pimap_device_count_free(
    ngx_pimap_device_count_t *counts, uint64_t hash);


static uint64_t  ngx_pimap_device_count_key[2];


uint32_t
ngx_pimap_device_count_buckets(size_t size)
{
    uint32_t  n;

    if (size < ngx_pimap_device_count_size(2)) {
        return 0;
    }

    for (n = 2; n < 0x10000000
         && ngx_pimap_device_count_size(n * 2) <= size; n *= 2);

    return n;
}


size_t
ngx_pimap_device_count_size(uint32_t nbuckets)
{
    return offsetof(ngx_pimap_device_count_t, entries)
           + (size_t) nbuckets * NGX_PIMAP_DEVICE_COUNT_WAYS
             * sizeof(ngx_pimap_device_count_entry_t);
}


void
ngx_pimap_device_count_init(ngx_pimap_device_count_t *counts,
    uint32_t nbuckets)
{
    memset(counts, 0, ngx_pimap_device_count_size(nbuckets));
    counts->nbuckets = nbuckets;
}


void
ngx_pimap_device_count_secret(const uint64_t secret[2])
{
    ngx_pimap_device_count_key[0] = secret[0];
    ngx_pimap_device_count_key[1] = secret[1];
}


/* SipHash-2-4 (Aumasson, Bernstein): each half is used by itself. */

uint64_t
ngx_pimap_device_count_hash(unsigned kind, const unsigned char *key,
    size_t len)
{
    size_t    i;
    uint64_t  v[4], word;

    v[0] = ngx_pimap_device_count_key[0] ^ kind ^ 0x736f6d6570736575ULL;
    v[1] = ngx_pimap_device_count_key[1] ^ 0x646f72616e646f6dULL;
    v[2] = ngx_pimap_device_count_key[0] ^ kind ^ 0x6c7967656e657261ULL;
    v[3] = ngx_pimap_device_count_key[1] ^ 0x7465646279746573ULL;

    word = 0;

    for (i = 0; i < len; i++) {
        word |= (uint64_t) key[i] << 8 * (i % 8);

        if (i % 8 == 7) {
            ngx_pimap_device_count_absorb(v, word);
            word = 0;
        }
    }

    ngx_pimap_device_count_absorb(v, word | (uint64_t) len << 56);

    v[2] ^= 0xff;
    ngx_pimap_device_count_rounds(v, 4);

    return v[0] ^ v[1] ^ v[2] ^ v[3];
}


static void
ngx_pimap_device_count_absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    ngx_pimap_device_count_rounds(v, 2);
    v[0] ^= word;
}


static void
ngx_pimap_device_count_rounds(uint64_t v[4], unsigned n)
{
    while (n--) {
        v[0] += v[1];
        v[1] = ngx_pimap_device_count_rotate(v[1], 13) ^ v[0];
        v[0] = ngx_pimap_device_count_rotate(v[0], 32);
        v[2] += v[3];
        v[3] = ngx_pimap_device_count_rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = ngx_pimap_device_count_rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = ngx_pimap_device_count_rotate(v[1], 17) ^ v[2];
        v[2] = ngx_pimap_device_count_rotate(v[2], 32);
    }
}


static ngx_pimap_device_count_entry_t *
ngx_pimap_device_count_bucket(ngx_pimap_device_count_t *counts, uint64_t hash,
    unsigned choice)
{
    uint32_t  i;

    i = (uint32_t) (hash >> 32);

    if (choice) {
        /* odd, so that it is never the first one again */
        i ^= (ngx_pimap_device_count_fingerprint(hash) * 0x5bd1e995U) | 1;
    }

    i &= counts->nbuckets - 1;

    return &counts->entries[(size_t) i * NGX_PIMAP_DEVICE_COUNT_WAYS];
}


static uint32_t
ngx_pimap_device_count_fingerprint(uint64_t hash)
{
    uint32_t  fingerprint;

    fingerprint = (uint32_t) hash;

    return fingerprint ? fingerprint : 1;
}


uint32_t
ngx_pimap_device_count_sum(ngx_pimap_device_count_t *counts, uint64_t hash)
{
    uint32_t                         sum, fingerprint;
    uint64_t                         entry;
    unsigned                         choice, i;
    ngx_pimap_device_count_entry_t  *e;

    sum = 0;
    fingerprint = ngx_pimap_device_count_fingerprint(hash);

    for (choice = 0; choice < 2; choice++) {
        e = ngx_pimap_device_count_bucket(counts, hash, choice);

        for (i = 0; i < NGX_PIMAP_DEVICE_COUNT_WAYS; i++) {
            entry = ngx_pimap_device_count_load(&e[i]);

            if ((uint32_t) entry == fingerprint) {
                sum += (uint32_t) (entry / NGX_PIMAP_DEVICE_COUNT_ONE);
            }
        }
    }

    return sum;
}


/* An entry of the owner with a count below a number. */

static ngx_pimap_device_count_entry_t *
ngx_pimap_device_count_find(ngx_pimap_device_count_t *counts, uint64_t hash,
    uint16_t owner, uint32_t below)
{
    uint64_t                         entry, key;
    unsigned                         choice, i;
    ngx_pimap_device_count_entry_t  *e;

    key = (uint64_t) owner << 32 | ngx_pimap_device_count_fingerprint(hash);

    for (choice = 0; choice < 2; choice++) {
        e = ngx_pimap_device_count_bucket(counts, hash, choice);

        for (i = 0; i < NGX_PIMAP_DEVICE_COUNT_WAYS; i++) {
            entry = ngx_pimap_device_count_load(&e[i]);

            if (ngx_pimap_device_count_key_of(entry) == key
                && entry / NGX_PIMAP_DEVICE_COUNT_ONE < below)
            {
                return &e[i];
            }
        }
    }

    return NULL;
}


/* A free entry in the emptier bucket. */

static ngx_pimap_device_count_entry_t *
ngx_pimap_device_count_free(ngx_pimap_device_count_t *counts, uint64_t hash)
{
    unsigned                         choice, i, nfree, best;
    ngx_pimap_device_count_entry_t  *e, *last, *place;

    place = NULL;
    best = 0;

    for (choice = 0; choice < 2; choice++) {
        e = ngx_pimap_device_count_bucket(counts, hash, choice);
        last = NULL;
        nfree = 0;

        for (i = 0; i < NGX_PIMAP_DEVICE_COUNT_WAYS; i++) {
            if (ngx_pimap_device_count_load(&e[i]) == 0) {
                last = &e[i];
                nfree++;
            }
        }

        if (nfree > best) {
            best = nfree;
            place = last;
        }
    }

    return place;
}


int
ngx_pimap_device_count_add(ngx_pimap_device_count_t *counts, uint64_t hash,
    uint16_t owner)
{
    uint64_t                         entry;
    ngx_pimap_device_count_entry_t  *e;

    e = ngx_pimap_device_count_find(counts, hash, owner, UINT16_MAX);

    if (e) {
        ngx_pimap_device_count_store(e, *e + NGX_PIMAP_DEVICE_COUNT_ONE);
        return 0;
    }

    entry = NGX_PIMAP_DEVICE_COUNT_ONE | (uint64_t) owner << 32
            | ngx_pimap_device_count_fingerprint(hash);

    do {
        e = ngx_pimap_device_count_free(counts, hash);

        if (e == NULL) {
            return -1;
        }

    } while (!__sync_bool_compare_and_swap(e, 0, entry));

    return 0;
}


void
ngx_pimap_device_count_sub(ngx_pimap_device_count_t *counts, uint64_t hash,
    uint16_t owner)
{
    uint64_t                         entry;
    ngx_pimap_device_count_entry_t  *e;

    e = ngx_pimap_device_count_find(counts, hash, owner, UINT16_MAX + 1);

    if (e == NULL) {
        return;
    }

    entry = *e - NGX_PIMAP_DEVICE_COUNT_ONE;

    if (entry < NGX_PIMAP_DEVICE_COUNT_ONE) {
        entry = 0;
    }

    ngx_pimap_device_count_store(e, entry);
}


void
ngx_pimap_device_count_forget(ngx_pimap_device_count_t *counts, uint16_t owner)
{
    size_t                           i, n;
    uint64_t                         entry;
    ngx_pimap_device_count_entry_t  *e;

    n = (size_t) counts->nbuckets * NGX_PIMAP_DEVICE_COUNT_WAYS;
    e = counts->entries;

    for (i = 0; i < n; i++) {
        entry = ngx_pimap_device_count_load(&e[i]);

        if (entry && (uint16_t) (entry >> 32) == owner) {
            ngx_pimap_device_count_store(&e[i], 0);
        }
    }
}
