
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How many devices a key (an account, an address) has in each worker: a table
 * of fixed size for shared memory, 8 bytes an entry.  Pure: no lock, no nginx.
 */


#ifndef _NGX_PIMAP_TALLY_H_INCLUDED_
#define _NGX_PIMAP_TALLY_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint32_t                print;      /* of the key; 0: the entry is free */
    uint16_t                owner;      /* the worker's slot */
    uint16_t                count;
} ngx_pimap_device_count_entry_t;


/*
 * A key lives in one of two buckets of 8 entries (a cache line each), both
 * known from its hash, so nothing is ever moved and nothing has to be marked
 * when it goes.  Keys whose hashes agree in full are counted as one.
 */
typedef struct {
    uint32_t                nbuckets;   /* a power of two */
    ngx_pimap_device_count_entry_t entries[1];
} ngx_pimap_device_count_t;


/* The largest table that fits into so many bytes, in buckets; 0: none does. */
uint32_t ngx_pimap_device_count_buckets(size_t size);
size_t ngx_pimap_device_count_size(uint32_t nbuckets);
void ngx_pimap_device_count_init(ngx_pimap_device_count_t *tally,
    uint32_t nbuckets);

/*
 * All processes of a table need the same secret.  Without one that is random
 * a client could choose names whose hashes are those of others.
 */
void ngx_pimap_device_count_secret(const uint64_t secret[2]);

/* "kind" keeps accounts, addresses ... apart. */
uint64_t ngx_pimap_device_count_hash(unsigned kind, const unsigned char *key,
    size_t len);

/* Over all owners. */
uint32_t ngx_pimap_device_count_sum(ngx_pimap_device_count_t *tally,
    uint64_t hash);

/* 0, or -1 if both buckets are full: the device goes uncounted. */
int ngx_pimap_device_count_add(ngx_pimap_device_count_t *tally, uint64_t hash,
    uint16_t owner);

/* Only what was added is to be taken away. */
void ngx_pimap_device_count_sub(ngx_pimap_device_count_t *tally, uint64_t hash,
    uint16_t owner);

/* All that an owner has added; walks the whole table. */
void ngx_pimap_device_count_forget(ngx_pimap_device_count_t *tally,
    uint16_t owner);


#endif /* _NGX_PIMAP_TALLY_H_INCLUDED_ */
