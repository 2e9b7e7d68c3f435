
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Device counts: how many devices a key (an account, an address) has in each
 * worker.  A table of fixed size for shared memory, 8 bytes for each entry.
 */


#ifndef _NGX_PIMAP_DEVICE_COUNT_H_INCLUDED_
#define _NGX_PIMAP_DEVICE_COUNT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/*
 * From the lowest bit: 32 bits of the key's fingerprint, 16 of the owner (the
 * worker's slot), 16 of the count.  0: the entry is free.
 */
typedef uint64_t  ngx_pimap_device_count_entry_t;


/*
 * The hash of a key chooses two buckets of 8 entries (a cache line each), and
 * the key is in one of them.  So no entry is ever moved.  Keys with the same
 * hash are counted as one key.  A key with a full count gets one more entry.
 *
 * Any process takes a free entry, in one atomic step.  Only its owner changes
 * it after that.  So there is no lock, which a process that is stopped would
 * keep from the others.
 */
typedef struct {
    uint32_t                        nbuckets;       /* a power of two */
    ngx_pimap_device_count_entry_t  entries[1];
} ngx_pimap_device_count_t;


/* The buckets of the largest table with so many bytes; 0: none fits. */
uint32_t ngx_pimap_device_count_buckets(size_t size);
size_t ngx_pimap_device_count_size(uint32_t nbuckets);
void ngx_pimap_device_count_init(ngx_pimap_device_count_t *counts,
    uint32_t nbuckets);

/*
 * All processes of a table need the same secret.  It is random, so that a
 * client can't choose a name with the hash of another name.
 */
void ngx_pimap_device_count_secret(const uint64_t secret[2]);

/* "kind" keeps accounts, devices and addresses apart. */
uint64_t ngx_pimap_device_count_hash(unsigned kind, const unsigned char *key,
    size_t len);

/* Over all owners. */
uint32_t ngx_pimap_device_count_sum(ngx_pimap_device_count_t *counts,
    uint64_t hash);

/* 0, or -1 if both buckets are full: then the device is not counted. */
int ngx_pimap_device_count_add(ngx_pimap_device_count_t *counts, uint64_t hash,
    uint16_t owner);

/* Only what was added may be subtracted. */
void ngx_pimap_device_count_sub(ngx_pimap_device_count_t *counts,
    uint64_t hash, uint16_t owner);

/* Subtracts all of an owner; walks the whole table. */
void ngx_pimap_device_count_forget(ngx_pimap_device_count_t *counts,
    uint16_t owner);


#endif /* _NGX_PIMAP_DEVICE_COUNT_H_INCLUDED_ */
