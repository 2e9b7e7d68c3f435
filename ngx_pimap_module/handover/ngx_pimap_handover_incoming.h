
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns incoming accounts: those whose devices are on their way to this
 * worker.
 *
 * The worker subscribes to such an account, then publishes a marker in the
 * account's own channel.  Redis orders the messages of a channel, so the
 * marker is the same moment for both workers: events before it are delivered
 * by the sender, events after it by the receiver.  A device may arrive later
 * than an event for it: events without an id are held for it until then, the
 * others are in the log.  Or it arrives before the marker, and waits for it.
 */


#ifndef _NGX_PIMAP_HANDOVER_INCOMING_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_INCOMING_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_command.h"

#include "pimap_event.h"


typedef struct {
    ngx_queue_t           link;
    ngx_queue_t           pending;      /* devices before the marker */
    ngx_queue_t           held;         /* events since the marker */
    size_t                size;         /* of these */
    ngx_pimap_account_t  *account;
    void                 *sender;       /* NULL: it is gone, ... */
    ngx_msec_t            gone;         /* ... since then */
    uint64_t              token;
    ngx_uint_t            devices;      /* that have come */
    ngx_pimap_command_t  *command;      /* publishes the marker */

    unsigned              published:1;  /* Redis has not refused the marker */
    unsigned              marked:1;     /* the marker has come */
    unsigned              overflow:1;   /* too many events were to be held */
    unsigned              ended:1;      /* no more devices come */
} ngx_pimap_handover_incoming_t;


ngx_int_t ngx_pimap_handover_incoming_init_process(ngx_cycle_t *cycle);

/* Closes the connections of devices that wait for a marker. */
void ngx_pimap_handover_incoming_exit_process(void);

/* NGX_ERROR: memory is out, or the name is invalid. */
ngx_int_t ngx_pimap_handover_incoming_create(void *sender, uint64_t token,
    ngx_str_t *name);

/* NULL if there is none. */
ngx_pimap_handover_incoming_t *ngx_pimap_handover_incoming_find(
    uint64_t token);

/* A device of it has come. */
void ngx_pimap_handover_incoming_device(ngx_pimap_handover_incoming_t *in,
    ngx_str_t *data, ngx_socket_t fd);

/*
 * There are no more devices; the sender is gone.  Devices that wait for the
 * marker do so for some more seconds.
 */
void ngx_pimap_handover_incoming_end(ngx_pimap_handover_incoming_t *in);
void ngx_pimap_handover_incoming_forget(void *sender);

/* True if there are any. */
ngx_uint_t ngx_pimap_handover_incoming_busy(void);

/* The account's SUBSCRIBE has been answered. */
void ngx_pimap_handover_incoming_subscribed(ngx_pimap_account_t *account);

/* A marker has come: NGX_DECLINED if it is not one of ours. */
ngx_int_t ngx_pimap_handover_incoming_marker(ngx_pimap_account_t *account,
    uint64_t token);

/* An event without an id. */
void ngx_pimap_handover_incoming_event(ngx_pimap_account_t *account,
    pimap_event_t *ev);


#endif /* _NGX_PIMAP_HANDOVER_INCOMING_H_INCLUDED_ */
