
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: the functions that other files call.
 */


#ifndef _NGX_PIMAP_HANDOVER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_device_record.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_transport_connection.h"


/*
 * ngx_pimap_departure.c: Owns devices that have come from another worker and
 * can't stay.  They are told to come back, spread over "pimap_drain".
 */

/* Devices that leave one after the other, until "end". */
typedef struct {
    ngx_uint_t            count;
    ngx_msec_t            time;
    ngx_msec_t            end;
} ngx_pimap_spread_t;

void ngx_pimap_spread_begin(ngx_pimap_spread_t *spread, ngx_uint_t count,
    ngx_msec_t time);

/*
 * How many stay by now: the share of devices is the share of time that is
 * left, so that few devices are spread over it, too.
 */
ngx_uint_t ngx_pimap_spread_stay(ngx_pimap_spread_t *spread);

void ngx_pimap_departure_init_process(ngx_cycle_t *cycle);
void ngx_pimap_departure_add(ngx_pimap_device_t *d, ngx_uint_t crowded);


/*
 * ngx_pimap_drain.c: A worker that is told to quit disconnects its devices,
 * spread over the time of "pimap_drain". Each is told when to connect
 * again.
 */

ngx_int_t ngx_pimap_drain_init_process(ngx_cycle_t *cycle);


/*
 * ngx_pimap_handover_adopt.c: Parks devices that come from another worker.
 * Called for each device of an incoming account.
 */

/*
 * The device, or NULL: then its connection has been closed.  "marked": no
 * event came between the record and now.
 */
ngx_pimap_device_t *ngx_pimap_handover_adopt(ngx_pimap_account_t *account,
    ngx_str_t *data, ngx_socket_t fd, ngx_uint_t marked);


/*
 * ngx_pimap_handover_device.c: Turns a device into a record, and back.
 * Called by the sender and by adopting.
 */

/* The length of the record, or 0 if it is over "size" bytes. */
size_t ngx_pimap_handover_device_write(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, u_char *buf, size_t size);

/*
 * What parking the device takes, but for its configuration; strings point
 * into "data", the filter is allocated.  NGX_DECLINED if the record is
 * invalid, NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_handover_device_read(ngx_pimap_device_record_t *record,
    ngx_str_t *data, ngx_pimap_park_request_t *parking);

/* After parking: the input.  NGX_ERROR: the device has to be ended. */
ngx_int_t ngx_pimap_handover_device_restore(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record);


/*
 * ngx_pimap_handover_marker.c: Reads the marker: a message in an account's
 * channel, at which its devices change from one worker to another.
 */

/*
 * NGX_OK, also if it is a marker of other workers; NGX_DECLINED if it is
 * another message.  The account may be gone afterwards.
 */
ngx_int_t ngx_pimap_handover_marker_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);


/*
 * ngx_pimap_handover_receiver.c: Owns the conversations with workers that
 * quit. The accounts and devices that they send are in
 * ngx_pimap_handover_incoming.h.
 */

ngx_int_t ngx_pimap_handover_receiver_init_process(ngx_cycle_t *cycle);
void ngx_pimap_handover_receiver_exit_process(void);

/* The worker quits itself, and takes only devices that are sent already. */
void ngx_pimap_handover_receiver_stop(void);

/* True while devices may still come. */
ngx_uint_t ngx_pimap_handover_receiver_busy(void);


/*
 * ngx_pimap_handover_sender.c: Owns the accounts whose devices leave this
 * worker for newer ones. Called by draining. ngx_pimap_handover_incoming.h
 * tells how sender and receiver agree on the moment.
 */

ngx_int_t ngx_pimap_handover_sender_init_process(ngx_cycle_t *cycle);

/* The worker quits: queues all accounts that have devices to hand over. */
void ngx_pimap_handover_sender_start(void);

/* One turn: NGX_AGAIN, or NGX_OK if no more devices can be handed over. */
ngx_int_t ngx_pimap_handover_sender_turn(void);

/* A marker has come: NGX_DECLINED if it is not one of ours. */
ngx_int_t ngx_pimap_handover_sender_marker(uint64_t token);


/*
 * ngx_pimap_handover_socket.c: Owns the sockets at which workers that quit
 * offer their devices to newer ones: a pair, made by the master, which all
 * its workers inherit, and those of the next binary, too.
 */

/* In the master, for each configuration: a new generation of workers. */
ngx_int_t ngx_pimap_handover_socket_init_module(ngx_cycle_t *cycle);

/* Only the next binary inherits them, from the master. */
void ngx_pimap_handover_socket_init_process(void);

/* The later generation has the greater number, also of another master. */
uint64_t ngx_pimap_handover_socket_generation(void);

/* This worker takes devices of others, or not any more. */
void ngx_pimap_handover_socket_serve(ngx_uint_t on);

/*
 * True if workers of another generation may take devices: a later one, or an
 * earlier one that goes on after a rollback.  If not, nginx itself quits.
 */
ngx_uint_t ngx_pimap_handover_socket_takers(void);

/* True if this worker may take devices of that generation. */
ngx_uint_t ngx_pimap_handover_socket_takes(uint64_t generation);

/* A worker that quits writes, newer workers read; or -1. */
ngx_socket_t ngx_pimap_handover_socket_writer(void);
ngx_socket_t ngx_pimap_handover_socket_reader(void);


#endif /* _NGX_PIMAP_HANDOVER_H_INCLUDED_ */
