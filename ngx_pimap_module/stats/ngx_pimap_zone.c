
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the shared zone.  Called by the whole module, which counts in it.
 * Invariant: a worker writes its own slot only.  It takes a slot when it
 * starts and returns it when it leaves.  The slot of a crashed worker is
 * returned when the next worker starts: its counters are added to "gone".
 */


#include "ngx_pimap_zone.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_device_count.h"

#include <openssl/rand.h>


#define ngx_pimap_zone_owner(slot)                                           \
    ((uint16_t) ((slot) - ngx_pimap_zone->slots))


typedef struct {
    ngx_pimap_counters_t       gone;        /* of former workers */
    ngx_pimap_slot_t           slots[NGX_PIMAP_ZONE_SLOTS];
    ngx_uint_t                 nslots;      /* the first ones, ever used */
    ngx_pimap_device_count_t  *counts;
    uint64_t                   secret[2];   /* of their hashes */
    u_char                     ticket[NGX_PIMAP_ZONE_TICKET];
} ngx_pimap_zone_t;


static ngx_int_t ngx_pimap_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static void ngx_pimap_zone_retire(ngx_pimap_slot_t *slot);
static void ngx_pimap_zone_sum(ngx_pimap_counters_t *to,
    ngx_pimap_counters_t *from);
static void ngx_pimap_zone_drop_gauges(ngx_pimap_counters_t *c);
static ngx_uint_t ngx_pimap_zone_alive(ngx_pimap_slot_t *slot);


static ngx_pimap_counters_t   ngx_pimap_zone_no_counters;
static ngx_pimap_zone_t      *ngx_pimap_zone;
static ngx_slab_pool_t       *ngx_pimap_zone_pool;
static ngx_pimap_slot_t      *ngx_pimap_zone_slot;

ngx_pimap_counters_t         *ngx_pimap_counters = &ngx_pimap_zone_no_counters;


ngx_int_t
ngx_pimap_zone_create(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf)
{
    ngx_str_t  name = ngx_string("pimap");

    pmcf->zone = ngx_shared_memory_add(cf, &name, pmcf->zone_size,
                                       &ngx_pimap_module);
    if (pmcf->zone == NULL) {
        return NGX_ERROR;
    }

    pmcf->zone->init = ngx_pimap_zone_init;
    pmcf->zone->data = pmcf;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    uint32_t           nbuckets;
    ngx_slab_pool_t   *shpool;
    ngx_pimap_zone_t  *zone;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data || shm_zone->shm.exists) {
        shm_zone->data = shpool->data;
        return NGX_OK;
    }

    zone = ngx_slab_calloc(shpool, sizeof(ngx_pimap_zone_t));
    if (zone == NULL) {
        return NGX_ERROR;
    }

    /* whole pages in a row are left: the slab has no other users */

    nbuckets = ngx_pimap_device_count_buckets(shpool->pfree * ngx_pagesize);

    if (nbuckets == 0) {
        return NGX_ERROR;
    }

    zone->counts = ngx_slab_alloc(shpool,
                                  ngx_pimap_device_count_size(nbuckets));
    if (zone->counts == NULL) {
        return NGX_ERROR;
    }

    ngx_pimap_device_count_init(zone->counts, nbuckets);

    if (RAND_bytes((u_char *) zone->secret, sizeof(zone->secret)) != 1
        || RAND_bytes(zone->ticket, sizeof(zone->ticket)) != 1)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "pimap_zone: OpenSSL has no random numbers, "
                      "see its entropy source");
        return NGX_ERROR;
    }

    shpool->data = zone;
    shm_zone->data = zone;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_zone_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t              i;
    ngx_pimap_slot_t       *slot;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_pimap_module);

    ngx_pimap_zone = pmcf->zone->data;
    ngx_pimap_zone_pool = (ngx_slab_pool_t *) pmcf->zone->shm.addr;
    ngx_pimap_zone_slot = NULL;

    ngx_pimap_device_count_secret(ngx_pimap_zone->secret);

    ngx_shmtx_lock(&ngx_pimap_zone_pool->mutex);

    for (i = 0; i < NGX_PIMAP_ZONE_SLOTS; i++) {
        slot = &ngx_pimap_zone->slots[i];

        if (slot->pid && !ngx_pimap_zone_alive(slot)) {
            ngx_pimap_zone_retire(slot);
        }

        if (slot->pid == 0 && ngx_pimap_zone_slot == NULL) {
            slot->pid = ngx_pid;
            slot->worker = ngx_worker;
            ngx_pimap_zone_slot = slot;
            ngx_pimap_zone->nslots = ngx_max(ngx_pimap_zone->nslots, i + 1);
        }
    }

    ngx_shmtx_unlock(&ngx_pimap_zone_pool->mutex);

    if (ngx_pimap_zone_slot == NULL) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "pimap_zone: no slot is free, this worker counts "
                      "nothing; run at most %d workers, those that quit "
                      "included", NGX_PIMAP_ZONE_SLOTS);
        return NGX_OK;
    }

    ngx_pimap_counters = &ngx_pimap_zone_slot->counters;

    return NGX_OK;
}


void
ngx_pimap_zone_exit_process(void)
{
    if (ngx_pimap_zone_slot == NULL) {
        return;
    }

    ngx_shmtx_lock(&ngx_pimap_zone_pool->mutex);
    ngx_pimap_zone_retire(ngx_pimap_zone_slot);
    ngx_shmtx_unlock(&ngx_pimap_zone_pool->mutex);

    ngx_pimap_zone_slot = NULL;
    ngx_pimap_counters = &ngx_pimap_zone_no_counters;
}


static void
ngx_pimap_zone_retire(ngx_pimap_slot_t *slot)
{
    ngx_pimap_zone_drop_gauges(&slot->counters);
    ngx_pimap_zone_sum(&ngx_pimap_zone->gone, &slot->counters);

    ngx_pimap_device_count_forget(ngx_pimap_zone->counts,
                                  ngx_pimap_zone_owner(slot));

    ngx_memzero(slot, sizeof(ngx_pimap_slot_t));
}


static void
ngx_pimap_zone_sum(ngx_pimap_counters_t *to, ngx_pimap_counters_t *from)
{
    uint64_t    *t, *f;
    ngx_uint_t   i;

    t = (uint64_t *) to;
    f = (uint64_t *) from;

    for (i = 0; i < sizeof(ngx_pimap_counters_t) / sizeof(uint64_t); i++) {
        t[i] += f[i];
    }
}


/* Gauges end with their worker, counters stay. */

static void
ngx_pimap_zone_drop_gauges(ngx_pimap_counters_t *c)
{
    ngx_memzero(c->devices, sizeof(c->devices));
    c->accounts = 0;
    c->redis_up = 0;
    c->redis_subscribed = 0;
    c->probe_usec = 0;
    c->ready = 0;
}


static ngx_uint_t
ngx_pimap_zone_alive(ngx_pimap_slot_t *slot)
{
    return kill(slot->pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


ngx_uint_t
ngx_pimap_zone_device_count(uint64_t hash)
{
    ngx_uint_t  n;

    if (ngx_pimap_zone_slot == NULL) {
        return 0;
    }

    ngx_shmtx_lock(&ngx_pimap_zone_pool->mutex);
    n = ngx_pimap_device_count_sum(ngx_pimap_zone->counts, hash);
    ngx_shmtx_unlock(&ngx_pimap_zone_pool->mutex);

    return n;
}


void
ngx_pimap_zone_device_count_add(uint64_t hash)
{
    int  rc;

    if (ngx_pimap_zone_slot == NULL) {
        return;
    }

    ngx_shmtx_lock(&ngx_pimap_zone_pool->mutex);
    rc = ngx_pimap_device_count_add(ngx_pimap_zone->counts, hash,
                                    ngx_pimap_zone_owner(ngx_pimap_zone_slot));
    ngx_shmtx_unlock(&ngx_pimap_zone_pool->mutex);

    if (rc != 0) {
        ngx_pimap_count(zone_full);
    }
}


void
ngx_pimap_zone_device_count_sub(uint64_t hash)
{
    if (ngx_pimap_zone_slot == NULL) {
        return;
    }

    ngx_shmtx_lock(&ngx_pimap_zone_pool->mutex);
    ngx_pimap_device_count_sub(ngx_pimap_zone->counts, hash,
                               ngx_pimap_zone_owner(ngx_pimap_zone_slot));
    ngx_shmtx_unlock(&ngx_pimap_zone_pool->mutex);
}


void
ngx_pimap_zone_ticket_secret(ngx_str_t *secret)
{
    secret->data = ngx_pimap_zone->ticket;
    secret->len = sizeof(ngx_pimap_zone->ticket);
}


ngx_uint_t
ngx_pimap_zone_parked(ngx_pimap_counters_t *c)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < NGX_PIMAP_NKINDS; i++) {
        n += c->devices[i];
    }

    return n;
}


ngx_uint_t
ngx_pimap_zone_devices(void)
{
    ngx_uint_t  i, n;

    if (ngx_pimap_zone_slot == NULL) {
        return 0;
    }

    n = 0;

    for (i = 0; i < ngx_pimap_zone->nslots; i++) {
        n += ngx_pimap_zone_parked(&ngx_pimap_zone->slots[i].counters);
    }

    return n;
}


void
ngx_pimap_zone_read(ngx_pimap_counters_t *total, ngx_pimap_slot_t *slots,
    ngx_uint_t *nslots)
{
    ngx_uint_t        i, n;
    ngx_pimap_slot_t  copy, *slot;

    n = 0;
    *total = ngx_pimap_zone->gone;

    for (i = 0; i < ngx_pimap_zone->nslots; i++) {
        slot = &ngx_pimap_zone->slots[i];

        if (slot->pid == 0) {
            continue;
        }

        copy = *slot;

        if (ngx_pimap_zone_alive(slot)) {
            slots[n++] = copy;

        } else {
            ngx_pimap_zone_drop_gauges(&copy.counters);
        }

        ngx_pimap_zone_sum(total, &copy.counters);
    }

    *nslots = n;
}
