
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the log readers and their queue.  Only some readers read at a time, so
 * that a long resume does not delay the others, and Redis is not overloaded.
 */


#ifndef _NGX_PIMAP_LOG_READER_H_INCLUDED_
#define _NGX_PIMAP_LOG_READER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_event_log.h"


/*
 * A reader reads for one device, or for all live devices of an account.  Only
 * ngx_pimap_log_reader.c changes its state:
 *
 *   state     means                                next state, caused by
 *   --------  -----------------------------------  --------------------------
 *   IDLE      a reply is handled, or the account   QUEUED by queue() or read()
 *             is not subscribed yet                JOINING by join()
 *                                                  PAUSED by pause()
 *   QUEUED    waits for its turn                   READING by run()
 *                                                  PAUSED by pause()
 *   READING   its command is in flight             IDLE by the reply
 *   JOINING   is ahead of its account, or its      QUEUED by queue(): the
 *             account has to read, too               account has changed
 *                                                  freed: both are at one id
 *   PAUSED    the device has many bytes unsent     QUEUED by queue(): all sent
 *
 * queue() in READING sets "repeat": the reply may be too old, so the reader
 * reads again.  Only a device's reader gets JOINING or PAUSED.  A freed reader
 * of a device makes the device live.  destroy() is possible in any state.
 */
typedef enum {
    NGX_PIMAP_LOG_READER_IDLE = 0,
    NGX_PIMAP_LOG_READER_QUEUED,
    NGX_PIMAP_LOG_READER_READING,
    NGX_PIMAP_LOG_READER_JOINING,
    NGX_PIMAP_LOG_READER_PAUSED
} ngx_pimap_log_reader_state_t;


/*
 * What a reader asks.  The reply to PEEK and to LAST leads to PAGE.  An empty
 * PAGE leads to RECHECK if the account is ahead, and a full RECHECK to PAGE.
 */
typedef enum {
    NGX_PIMAP_LOG_READER_PAGE = 0,      /* the next events */
    NGX_PIMAP_LOG_READER_RECHECK,       /* the same after an empty page */
    NGX_PIMAP_LOG_READER_PEEK,          /* an account: is there any event */
    NGX_PIMAP_LOG_READER_LAST           /* a device: where does the log end */
} ngx_pimap_log_reader_ask_t;


struct ngx_pimap_log_reader_s {
    ngx_queue_t               link;     /* of the queue, if QUEUED */
    ngx_pimap_log_reader_t  **owner;    /* the pointer of its owner to it */
    ngx_pimap_account_t      *account;
    ngx_pimap_device_t       *device;   /* NULL: it is the account's */
    pimap_event_id_t          id;       /* the device's last event; or the
                                           account's when it asked */
    ngx_pimap_command_t      *command;  /* in flight, if READING */
    ngx_pimap_node_t         *node;     /* that was asked, if READING */

    unsigned                  state:3;  /* ngx_pimap_log_reader_state_t */
    unsigned                  ask:2;    /* ngx_pimap_log_reader_ask_t */
    unsigned                  repeat:1;
    unsigned                  earliest:1;   /* begins with any first event */
};


/* Implemented by ngx_pimap_replay.c. */
typedef struct {
    ngx_int_t  (*start)(ngx_pimap_log_reader_t *reader,
                        ngx_pimap_command_pt handler);
    ngx_int_t  (*done)(ngx_pimap_log_reader_t *reader, redisReply *reply);
} ngx_pimap_log_reader_ops_t;


void ngx_pimap_log_reader_init_process(const ngx_pimap_log_reader_ops_t *ops);

/* For the room's client: a node's events, and slots that have moved. */
void ngx_pimap_log_reader_created(ngx_pimap_node_t *node);
void ngx_pimap_log_reader_destroyed(ngx_pimap_node_t *node);
void ngx_pimap_log_reader_moved(void);

/* An IDLE reader; *owner will point to it.  NULL: no memory. */
ngx_pimap_log_reader_t *ngx_pimap_log_reader_create(
    ngx_pimap_log_reader_t **owner, ngx_pimap_account_t *account,
    ngx_pimap_device_t *device, ngx_pimap_log_reader_ask_t ask,
    ngx_log_t *log);

/* Sets *owner to NULL. */
void ngx_pimap_log_reader_destroy(ngx_pimap_log_reader_t *reader);

/* The device or the account goes.  *reader may be NULL. */
void ngx_pimap_log_reader_forget(ngx_pimap_log_reader_t **reader);

/* Asks, or asks again. */
void ngx_pimap_log_reader_queue(ngx_pimap_log_reader_t *reader);

/* The same; it asks for a page, unless another question is in flight. */
void ngx_pimap_log_reader_read(ngx_pimap_log_reader_t *reader);

/* Waits for the account, or until the device has sent all. */
void ngx_pimap_log_reader_join(ngx_pimap_log_reader_t *reader);
void ngx_pimap_log_reader_pause(ngx_pimap_log_reader_t *reader);

/* Lets the node's next readers read.  Not for use in a walk over devices. */
void ngx_pimap_log_reader_run(ngx_pimap_node_t *node);

/* The state for a log line; "live" for NULL. */
const char *ngx_pimap_log_reader_text(ngx_pimap_log_reader_t *reader);


#endif /* _NGX_PIMAP_LOG_READER_H_INCLUDED_ */
