
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


typedef enum {
    NGX_PIMAP_DELAY_1MS = 0,
    NGX_PIMAP_DELAY_5MS,
    NGX_PIMAP_DELAY_25MS,
    NGX_PIMAP_DELAY_100MS,
    NGX_PIMAP_DELAY_500MS,
    NGX_PIMAP_DELAY_2S,
    NGX_PIMAP_DELAY_INF,
    NGX_PIMAP_NDELAYS
} ngx_pimap_delay_t;


/* Each member is a uint64_t: metrics read them by offset. */
typedef struct {
    uint64_t                devices[NGX_PIMAP_NKINDS];
    uint64_t                accounts;

    uint64_t                connects;
    uint64_t                refused;
    uint64_t                handover_sent;
    uint64_t                handover_received;
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

    uint64_t                redis_up;
    uint64_t                redis_subscribed;
    uint64_t                redis_connects;
    uint64_t                redis_failures;
    uint64_t                probes;
    uint64_t                probes_lost;
    uint64_t                probe_usec;
    uint64_t                ready;

    uint64_t                delays[NGX_PIMAP_NDELAYS];
    uint64_t                delay_usec;

    uint64_t                not_hibernated;
    uint64_t                zone_full;
} ngx_pimap_counters_t;


typedef struct {
    ngx_pid_t               pid;        /* 0: free */
    ngx_int_t               worker;     /* its number among the workers */
    ngx_pimap_counters_t    counters;
} ngx_pimap_slot_t;


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
 * less of this worker.  Only what was added may be subtracted.
 */
ngx_uint_t ngx_pimap_zone_device_count(uint64_t hash);
void ngx_pimap_zone_device_count_add(uint64_t hash);
void ngx_pimap_zone_device_count_sub(uint64_t hash);

/* All workers sign tickets with it, also after a reload. */
void ngx_pimap_zone_ticket_secret(ngx_str_t *secret);

/* Parked devices: of one worker; of all workers. */
ngx_uint_t ngx_pimap_zone_parked(ngx_pimap_counters_t *c);
ngx_uint_t ngx_pimap_zone_devices(void);

/*
 * Copies the counters: "total" includes former workers, without their gauges;
 * "slots" has room for NGX_PIMAP_ZONE_SLOTS running workers.
 */
void ngx_pimap_zone_read(ngx_pimap_counters_t *total, ngx_pimap_slot_t *slots,
    ngx_uint_t *nslots);


#endif /* _NGX_PIMAP_ZONE_H_INCLUDED_ */
