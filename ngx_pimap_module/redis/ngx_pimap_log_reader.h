
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Readers of the log wait in one line, and only some read at a time: one long
 * resume does not delay the others, and Redis is not stampeded.
 */


#ifndef _NGX_PIMAP_READER_H_INCLUDED_
#define _NGX_PIMAP_READER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_event_log.h"


struct ngx_pimap_log_reader_s {
    ngx_queue_t             link;       /* of those that wait */
    ngx_pimap_log_reader_t    **owner;      /* who points here: device, account */
    ngx_pimap_account_t    *account;
    ngx_pimap_device_t     *device;     /* NULL: it is the account's */
    pimap_event_id_t    position;   /* the device's; the account's when
                                           its page was asked for */
    ngx_pimap_command_t    *command;    /* under way */

    unsigned                waits:1;
    unsigned                peek:1;     /* looks whether there is anything */
    unsigned                peeks:1;    /* that is under way */
    unsigned                fresh:1;    /* asks where the log ends */
    unsigned                earliest:1; /* takes what there is */
    unsigned                again:1;    /* the page may be too old already */
    unsigned                behind:1;   /* its account was further */
    unsigned                joining:1;  /* is before its account */
    unsigned                paused:1;   /* until all is sent */
};


ngx_int_t ngx_pimap_log_reader_init_process(ngx_cycle_t *cycle);

/* *owner points to it; NULL if memory is out. */
ngx_pimap_log_reader_t *ngx_pimap_log_reader_create(ngx_pimap_log_reader_t **owner, ngx_pimap_account_t *account, ngx_pimap_device_t *device, ngx_log_t *log);

/* The device or the account goes.  *reader may be NULL. */
void ngx_pimap_log_reader_forget(ngx_pimap_log_reader_t **reader);

/* Sets *owner to NULL. */
void ngx_pimap_log_reader_destroy(ngx_pimap_log_reader_t *reader);

/* Into the line, unless it is there; one that reads will do so again. */
void ngx_pimap_log_reader_queue(ngx_pimap_log_reader_t *reader);

/* Lets the next ones read; nobody may be in a walk over readers' owners. */
void ngx_pimap_log_reader_run(void);


#endif /* _NGX_PIMAP_READER_H_INCLUDED_ */
