
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The shared zone: the counters of each worker, and the device counts that
 * limits compare.
 */


#ifndef _NGX_PIMAP_ZONE_H_INCLUDED_
#define _NGX_PIMAP_ZONE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_kind.h"


#define NGX_PIMAP_ZONE_TICKET     32      /* bytes */
#define NGX_PIMAP_ZONE_SLOTS      256     /* workers, with those that quit */
#define NGX_PIMAP_ZONE_REASON     128     /* bytes, with a zero at the end */
#define NGX_PIMAP_NBUCKETS        12      /* of a histogram, at most */
#define NGX_PIMAP_ZONE_QUIET      300000  /* msec without a trouble: over */


/* Each member is a uint64_t: metrics read them by offset. */
typedef struct {
    uint64_t                devices[NGX_PIMAP_NKINDS];
    uint64_t                accounts;
    uint64_t                accounts_unproven;
    uint64_t                lingering;  /* connections without a device */

    uint64_t                connects;
    uint64_t                refused;
    uint64_t                handover_sent;
    uint64_t                handover_received;
    uint64_t                handover_no_room;
    uint64_t                ends[NGX_PIMAP_NENDS];

    uint64_t                received;
    uint64_t                received_bytes;
    uint64_t                invalid;
    uint64_t                without_device;
    uint64_t                coalesced;  /* a later event replaced it */
    uint64_t                filtered;
    uint64_t                delivered;
    uint64_t                dropped;
    uint64_t                sent_bytes;
    uint64_t                pings;

    uint64_t                compressed;     /* messages */
    uint64_t                compressed_shared;  /* for another device */
    uint64_t                compressed_evicted; /* dictionaries */
    uint64_t                compressed_plain_bytes;
    uint64_t                compressed_bytes;

    uint64_t                replayed;   /* from the log, to one device */
    uint64_t                filled;     /* from the log, to an account */
    uint64_t                duplicates;
    uint64_t                gaps;
    uint64_t                resyncs;
    uint64_t                gap_checks;

    uint64_t                published;
    uint64_t                publish_invalid;
    uint64_t                publish_failed;

    uint64_t                updates;
    uint64_t                updates_invalid;
    uint64_t                updates_failed;
    uint64_t                updates_account_full;
    uint64_t                pauses;     /* of a device's reading */

    uint64_t                redis_up;
    uint64_t                redis_subscribed;
    uint64_t                redis_nodes;    /* with accounts, or the own
                                               channel */
    uint64_t                redis_nodes_away;   /* can't deliver */
    uint64_t                redis_connects;
    uint64_t                redis_failures;
    uint64_t                probes;
    uint64_t                probes_lost;
    uint64_t                probe_usec;
    uint64_t                proved;     /* the worker could deliver then; usec
                                           of the monotonic clock, 0: never */
    uint64_t                stale_usec; /* since then, and ... */
    uint64_t                ready;      /* ... not for too long: of a copy */

    uint64_t                delays[NGX_PIMAP_NBUCKETS];
    uint64_t                delay_usec;
    uint64_t                latencies[NGX_PIMAP_NBUCKETS];
    uint64_t                latency_usec;

    uint64_t                not_hibernated;
    uint64_t                zone_full;
} ngx_pimap_counters_t;


typedef struct {
    ngx_pid_t               pid;        /* 0: free; negative: of a process
                                           that prepares the slot */
    ngx_int_t               worker;     /* its number among the workers */
    ngx_pimap_counters_t    counters;
    u_char                  reason[NGX_PIMAP_ZONE_REASON];
                                        /* why Redis is away; "": it is not */
} ngx_pimap_slot_t;


/* What an operator reads once, however many workers have it, and how often. */
typedef enum {
    NGX_PIMAP_TROUBLE_AWAY = 0,         /* Redis does not answer */
    NGX_PIMAP_TROUBLE_REFUSED,          /* it does, with an error */
    NGX_PIMAP_TROUBLE_STARVED,          /* a worker has no free connection */
    NGX_PIMAP_TROUBLE_SLOTS,            /* slots of a cluster have no master */
    NGX_PIMAP_TROUBLE_TOPOLOGY,         /* no node tells the masters */
    NGX_PIMAP_TROUBLE_MOVES,            /* ... or which slots move */
    NGX_PIMAP_TROUBLE_FUNCTIONS,        /* Redis can't have the functions */
    NGX_PIMAP_TROUBLE_EVICTION,         /* it may evict what must stay */
    NGX_PIMAP_TROUBLE_COMMAND,          /* it refuses a publish or an update */
    NGX_PIMAP_TROUBLE_LOG,              /* ... a read of a log */
    NGX_PIMAP_TROUBLE_ANNOUNCE,         /* ... the announcement of devices */
    NGX_PIMAP_TROUBLE_REVOKED,          /* ... a look-up of revoked logins */
    NGX_PIMAP_TROUBLE_ENCODED,          /* another module compresses events */
    NGX_PIMAP_NTROUBLES
} ngx_pimap_trouble_t;


/* This worker's counters; never NULL. */
extern ngx_pimap_counters_t  *ngx_pimap_counters;

#define ngx_pimap_count(name)         (ngx_pimap_counters->name++)
#define ngx_pimap_count_n(name, n)    (ngx_pimap_counters->name += (n))
#define ngx_pimap_uncount(name)       (ngx_pimap_counters->name--)


ngx_int_t ngx_pimap_zone_create(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf);
ngx_int_t ngx_pimap_zone_init_process(ngx_cycle_t *cycle);
void ngx_pimap_zone_exit_process(void);

/*
 * Devices of a key, by its hash: the sum over all workers; one more or one
 * less of this worker.  NGX_DECLINED: it was not added.  Only what was added
 * may be subtracted.
 */
ngx_uint_t ngx_pimap_zone_device_count(uint64_t hash);
ngx_int_t ngx_pimap_zone_device_count_add(uint64_t hash);
void ngx_pimap_zone_device_count_sub(uint64_t hash);

/* All workers sign tickets with it, also after a reload. */
void ngx_pimap_zone_ticket_secret(ngx_str_t *secret);

/* Parked devices: of one worker; of all workers. */
ngx_uint_t ngx_pimap_zone_parked(ngx_pimap_counters_t *c);
ngx_uint_t ngx_pimap_zone_devices(void);

/*
 * Copies the counters: "total" includes former workers, without their gauges;
 * "slots" has room for NGX_PIMAP_ZONE_SLOTS running workers.  A worker that
 * could not deliver for longer than "limit" (msec) is not ready.
 */
void ngx_pimap_zone_read(ngx_pimap_counters_t *total, ngx_pimap_slot_t *slots,
    ngx_uint_t *nslots, ngx_msec_t limit);

/*
 * The level of a line about a trouble: "level" for the first one of all
 * workers, "info" for the others.  It is the first one again after a trouble
 * is over, or five minutes without it, or in the workers of a newer
 * configuration.
 */
ngx_uint_t ngx_pimap_zone_trouble(ngx_pimap_trouble_t trouble,
    ngx_uint_t level);

/* The trouble is over. */
void ngx_pimap_zone_over(ngx_pimap_trouble_t trouble);

/*
 * Redis is away for this worker, and why: true if it was not.  It is back: the
 * troubles with its connections are over when it is for all workers.
 */
ngx_uint_t ngx_pimap_zone_away(u_char *reason, size_t len);
void ngx_pimap_zone_back(void);

/* Microseconds of the monotonic clock, which all workers share. */
uint64_t ngx_pimap_zone_now(void);


#endif /* _NGX_PIMAP_ZONE_H_INCLUDED_ */
