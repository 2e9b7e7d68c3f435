
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the shared zone.  Called by the whole module, which counts in it.
 * Invariant: a worker writes its own slot only, and there is no lock, which a
 * worker that is stopped would keep.  It takes a slot when it starts and
 * returns it when it leaves.  The slot of a crashed worker is returned when
 * the next worker starts.  Counters stay in a slot, and the next worker goes
 * on with them.
 */


#include "ngx_pimap_zone.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_device_count.h"

#include <openssl/rand.h>


/* A trouble is one number, so that it changes in one step: msec below this. */
#define NGX_PIMAP_ZONE_AGES  ((uint64_t) 1 << 40)

#define ngx_pimap_zone_owner(slot)                                           \
    ((uint16_t) ((slot) - ngx_pimap_zone->slots))

#define ngx_pimap_zone_pid(slot)                                             \
    __atomic_load_n(&(slot)->pid, __ATOMIC_ACQUIRE)
#define ngx_pimap_zone_set_pid(slot, value)                                  \
    __atomic_store_n(&(slot)->pid, value, __ATOMIC_RELEASE)


typedef struct {
    ngx_pimap_slot_t           slots[NGX_PIMAP_ZONE_SLOTS];
    ngx_uint_t                 nslots;      /* the first ones, ever used */
    uint64_t                   troubles[NGX_PIMAP_NTROUBLES];
                                            /* generation, msec; 0: over */
    uint64_t                   generation;  /* of the configuration */
    ngx_pimap_device_count_t  *counts;
    uint64_t                   secret[2];   /* of their hashes */
    u_char                     ticket[NGX_PIMAP_ZONE_TICKET];
} ngx_pimap_zone_t;


static ngx_int_t ngx_pimap_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static uint64_t ngx_pimap_zone_proved(void);
static ngx_int_t ngx_pimap_zone_take(ngx_pimap_slot_t *slot);
static void ngx_pimap_zone_use(ngx_pimap_slot_t *slot, uint64_t proved);
static void ngx_pimap_zone_clear(ngx_pimap_slot_t *slot);
static void ngx_pimap_zone_sum(ngx_pimap_counters_t *to,
    ngx_pimap_counters_t *from);
static void ngx_pimap_zone_drop_gauges(ngx_pimap_counters_t *c);
static ngx_uint_t ngx_pimap_zone_alive(ngx_pid_t pid);
static void ngx_pimap_zone_judge(ngx_pimap_counters_t *c, ngx_msec_t limit);


static ngx_pimap_counters_t   ngx_pimap_zone_no_counters;
static ngx_pimap_zone_t      *ngx_pimap_zone;
static ngx_pimap_slot_t      *ngx_pimap_zone_slot;
static uint64_t               ngx_pimap_zone_generation;

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
        zone = shpool->data;
        zone->generation++;
        shm_zone->data = zone;
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
    uint64_t                proved;
    ngx_uint_t              i;
    ngx_pimap_slot_t       *slot;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_pimap_module);

    ngx_pimap_zone = pmcf->zone->data;
    ngx_pimap_zone_slot = NULL;
    ngx_pimap_zone_generation = ngx_pimap_zone->generation;

    ngx_pimap_device_count_secret(ngx_pimap_zone->secret);

    proved = ngx_pimap_zone_proved();

    for (i = 0; i < NGX_PIMAP_ZONE_SLOTS; i++) {
        slot = &ngx_pimap_zone->slots[i];

        if (ngx_pimap_zone_take(slot) != NGX_OK) {
            continue;
        }

        if (ngx_pimap_zone_slot == NULL) {
            ngx_pimap_zone_use(slot, proved);

        } else {
            ngx_pimap_zone_set_pid(slot, 0);
        }
    }

    if (ngx_pimap_zone_slot == NULL) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "pimap_zone: no slot is free, this worker counts "
                      "nothing; run at most %d workers, those that quit "
                      "included", NGX_PIMAP_ZONE_SLOTS);
    }

    return NGX_OK;
}


/* The last time at which any worker could deliver. */

static uint64_t
ngx_pimap_zone_proved(void)
{
    uint64_t    proved;
    ngx_uint_t  i;

    proved = 0;

    for (i = 0; i < ngx_pimap_zone->nslots; i++) {
        proved = ngx_max(proved, ngx_pimap_zone->slots[i].counters.proved);
    }

    return proved;
}


/*
 * Takes a slot that is free, if this worker has none yet, or one of a worker
 * that is dead.  A dead one may have had the pid of this worker.
 */

static ngx_int_t
ngx_pimap_zone_take(ngx_pimap_slot_t *slot)
{
    ngx_pid_t  pid;

    pid = ngx_pimap_zone_pid(slot);

    if (slot == ngx_pimap_zone_slot
        || (pid == 0 && ngx_pimap_zone_slot)
        || (pid && ngx_abs(pid) != ngx_pid && ngx_pimap_zone_alive(pid))
        || !__sync_bool_compare_and_swap(&slot->pid, pid, -ngx_pid))
    {
        return NGX_DECLINED;
    }

    if (pid) {
        ngx_pimap_zone_clear(slot);
    }

    return NGX_OK;
}


static void
ngx_pimap_zone_use(ngx_pimap_slot_t *slot, uint64_t proved)
{
    ngx_uint_t  n, nslots;

    nslots = ngx_pimap_zone_owner(slot) + 1;

    do {
        n = __atomic_load_n(&ngx_pimap_zone->nslots, __ATOMIC_RELAXED);

    } while (n < nslots
             && !__sync_bool_compare_and_swap(&ngx_pimap_zone->nslots, n,
                                              nslots));

    /* a new worker has the same time as any other to prove it */

    slot->counters.proved = proved;
    slot->worker = ngx_worker;

    ngx_pimap_zone_set_pid(slot, ngx_pid);

    ngx_pimap_zone_slot = slot;
    ngx_pimap_counters = &slot->counters;
}


void
ngx_pimap_zone_exit_process(void)
{
    ngx_pimap_slot_t  *slot;

    slot = ngx_pimap_zone_slot;

    if (slot == NULL) {
        return;
    }

    ngx_pimap_zone_slot = NULL;
    ngx_pimap_counters = &ngx_pimap_zone_no_counters;

    ngx_pimap_zone_set_pid(slot, -ngx_pid);
    ngx_pimap_zone_clear(slot);
    ngx_pimap_zone_set_pid(slot, 0);
}


/* The next worker begins with the time that is proved. */

static void
ngx_pimap_zone_clear(ngx_pimap_slot_t *slot)
{
    ngx_pimap_zone_drop_gauges(&slot->counters);
    slot->reason[0] = '\0';

    ngx_pimap_device_count_forget(ngx_pimap_zone->counts,
                                  ngx_pimap_zone_owner(slot));
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


/*
 * Gauges, and the counters that are shown for each worker, end with their
 * worker.  The others stay.
 */

static void
ngx_pimap_zone_drop_gauges(ngx_pimap_counters_t *c)
{
    ngx_memzero(c->devices, sizeof(c->devices));
    c->accounts = 0;
    c->accounts_unproven = 0;
    c->lingering = 0;
    c->redis_up = 0;
    c->redis_subscribed = 0;
    c->redis_nodes = 0;
    c->redis_nodes_away = 0;
    c->redis_connects = 0;
    c->redis_failures = 0;
    c->probes = 0;
    c->probes_lost = 0;
    c->probe_usec = 0;
}


static ngx_uint_t
ngx_pimap_zone_alive(ngx_pid_t pid)
{
    return kill(ngx_abs(pid), 0) == 0 || ngx_errno != NGX_ESRCH;
}


ngx_uint_t
ngx_pimap_zone_device_count(uint64_t hash)
{
    if (ngx_pimap_zone_slot == NULL) {
        return 0;
    }

    return ngx_pimap_device_count_sum(ngx_pimap_zone->counts, hash);
}


ngx_int_t
ngx_pimap_zone_device_count_add(uint64_t hash)
{
    int  rc;

    if (ngx_pimap_zone_slot == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_pimap_device_count_add(ngx_pimap_zone->counts, hash,
                                    ngx_pimap_zone_owner(ngx_pimap_zone_slot));

    if (rc != 0) {
        ngx_pimap_count(zone_full);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_pimap_zone_device_count_sub(uint64_t hash)
{
    if (ngx_pimap_zone_slot == NULL) {
        return;
    }

    ngx_pimap_device_count_sub(ngx_pimap_zone->counts, hash,
                               ngx_pimap_zone_owner(ngx_pimap_zone_slot));
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
    ngx_uint_t *nslots, ngx_msec_t limit)
{
    ngx_uint_t         i, n;
    ngx_pid_t          pid;
    ngx_pimap_slot_t  *slot;

    n = 0;

    ngx_memzero(total, sizeof(ngx_pimap_counters_t));

    for (i = 0; i < ngx_pimap_zone->nslots; i++) {
        slot = &slots[n];
        pid = ngx_pimap_zone_pid(&ngx_pimap_zone->slots[i]);

        *slot = ngx_pimap_zone->slots[i];
        slot->pid = pid;

        if (pid > 0 && ngx_pimap_zone_alive(pid)) {
            ngx_pimap_zone_judge(&slot->counters, limit);
            n++;

        } else {
            ngx_pimap_zone_drop_gauges(&slot->counters);
        }

        ngx_pimap_zone_sum(total, &slot->counters);
    }

    *nslots = n;
}


static void
ngx_pimap_zone_judge(ngx_pimap_counters_t *c, ngx_msec_t limit)
{
    uint64_t  now;

    now = ngx_pimap_zone_now();

    c->stale_usec = now > c->proved ? now - c->proved : 0;
    c->ready = c->stale_usec <= (uint64_t) limit * 1000;
}


ngx_uint_t
ngx_pimap_zone_trouble(ngx_pimap_trouble_t trouble, ngx_uint_t level)
{
    uint64_t    now, last, generation, *t;
    ngx_uint_t  first;

    t = &ngx_pimap_zone->troubles[trouble];

    do {
        last = __atomic_load_n(t, __ATOMIC_ACQUIRE);
        now = ngx_pimap_zone_now() / 1000;
        generation = last / NGX_PIMAP_ZONE_AGES;

        first = last == 0
                || generation < ngx_pimap_zone_generation
                || (generation == ngx_pimap_zone_generation
                    && now > last % NGX_PIMAP_ZONE_AGES
                             + NGX_PIMAP_ZONE_QUIET);

        generation = ngx_max(generation, ngx_pimap_zone_generation);

    } while (!__sync_bool_compare_and_swap(t, last,
                                           generation * NGX_PIMAP_ZONE_AGES
                                           + now));

    return first ? level : NGX_LOG_INFO;
}


void
ngx_pimap_zone_over(ngx_pimap_trouble_t trouble)
{
    __atomic_store_n(&ngx_pimap_zone->troubles[trouble], 0, __ATOMIC_RELEASE);
}


/* A reason always ends: a reader meanwhile sees the old one, or a mixture. */

ngx_uint_t
ngx_pimap_zone_away(u_char *reason, size_t len)
{
    ngx_uint_t  first;

    if (ngx_pimap_zone_slot == NULL) {
        return 0;
    }

    len = ngx_min(len, NGX_PIMAP_ZONE_REASON - 1);

    first = ngx_pimap_zone_slot->reason[0] == '\0';

    ngx_memcpy(ngx_pimap_zone_slot->reason, reason, len);
    ngx_pimap_zone_slot->reason[len] = '\0';

    return first;
}


void
ngx_pimap_zone_back(void)
{
    ngx_pid_t          pid;
    ngx_uint_t         i, away;
    ngx_pimap_slot_t  *slot;

    if (ngx_pimap_zone_slot == NULL
        || ngx_pimap_zone_slot->reason[0] == '\0')
    {
        return;
    }

    ngx_pimap_zone_slot->reason[0] = '\0';

    /* of two workers at the same time, the later one sees both */

    __sync_synchronize();

    away = 0;

    for (i = 0; i < ngx_pimap_zone->nslots; i++) {
        slot = &ngx_pimap_zone->slots[i];
        pid = ngx_pimap_zone_pid(slot);
        away += pid > 0 && slot->reason[0] && ngx_pimap_zone_alive(pid);
    }

    if (away == 0) {
        ngx_pimap_zone_over(NGX_PIMAP_TROUBLE_AWAY);
        ngx_pimap_zone_over(NGX_PIMAP_TROUBLE_REFUSED);
    }
}


uint64_t
ngx_pimap_zone_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
