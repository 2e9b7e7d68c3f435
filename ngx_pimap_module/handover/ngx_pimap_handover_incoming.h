
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Accounts whose devices are on their way to this worker.
 *
 * We subscribe to such an account, then publish a marker, "!handover <token>",
 * in its own channel.  Redis orders the messages of a channel, so it is the
 * same moment for both workers: what comes before it is delivered there, what
 * comes after it, here.  A connection may arrive later than an event that is
 * for it: events without an id are kept for it until then, the others are in
 * the log.  Or it arrives before the marker, and waits for that.
 */


#ifndef _NGX_PIMAP_GUEST_H_INCLUDED_
#define _NGX_PIMAP_GUEST_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_account.h"

#include "pimap_event.h"


typedef struct {
    ngx_queue_t           link;         /* of all */
    ngx_queue_t           early;        /* devices before the marker */
    ngx_queue_t           kept;         /* events since the marker */
    size_t                size;         /* of those */
    ngx_pimap_account_t  *account;
    void                 *giver;        /* who brings it; NULL: it is gone */
    ngx_msec_t            orphaned;     /* since then */
    uint64_t              token;

    unsigned              asked:1;      /* the marker has been published */
    unsigned              ordered:1;    /* and has come */
    unsigned              lost:1;       /* too much was to be kept */
    unsigned              ended:1;      /* no more devices come */
} ngx_pimap_handover_incoming_t;


ngx_int_t ngx_pimap_handover_incoming_init_process(ngx_cycle_t *cycle);

/* Whoever waits for a marker is not let in any more. */
void ngx_pimap_handover_incoming_exit_process(void);

/* NGX_ERROR: memory is out, or that is no name. */
ngx_int_t ngx_pimap_handover_incoming_create(void *giver, uint64_t token,
    ngx_str_t *name);

/* NULL if there is none. */
ngx_pimap_handover_incoming_t *ngx_pimap_handover_incoming_find(uint64_t token);

/* A device of it, and its connection. */
void ngx_pimap_handover_incoming_device(ngx_pimap_handover_incoming_t *guest,
    ngx_str_t *record, ngx_socket_t fd);

/*
 * There are no more; the giver is gone.  Devices that wait for the marker do
 * so for some seconds more.
 */
void ngx_pimap_handover_incoming_end(ngx_pimap_handover_incoming_t *guest);
void ngx_pimap_handover_incoming_forget(void *giver);

/* True if there are any. */
ngx_uint_t ngx_pimap_handover_incoming_busy(void);

/* The account's SUBSCRIBE has been answered. */
void ngx_pimap_handover_incoming_subscribed(ngx_pimap_account_t *account);

/* The marker has come: NGX_DECLINED if it is not one of ours. */
ngx_int_t ngx_pimap_handover_incoming_marker(ngx_pimap_account_t *account,
    uint64_t token);

/* An event without an id, for devices that are on their way. */
void ngx_pimap_handover_incoming_event(ngx_pimap_account_t *account,
    pimap_event_t *ev);

/* One of them has come, and gets those events. */
void ngx_pimap_handover_incoming_catch_up(ngx_pimap_handover_incoming_t *guest,
    ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_GUEST_H_INCLUDED_ */
