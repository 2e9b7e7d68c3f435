
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what the files of commands share.  Called by ngx_pimap_command*.c only.
 */


#ifndef _NGX_PIMAP_COMMAND_FLIGHT_H_INCLUDED_
#define _NGX_PIMAP_COMMAND_FLIGHT_H_INCLUDED_


#include "ngx_pimap_command.h"


#define NGX_PIMAP_COMMAND_MAX    65536      /* commands in flight */


struct ngx_pimap_command_s {
    ngx_queue_t            link;
    ngx_msec_t             sent;
    ngx_msec_t             began;
    ngx_pimap_command_pt   handler;         /* or NULL */
    void                  *data;
    char                  *text;            /* to be sent again; NULL: never */
    uint32_t               len;
    unsigned               slot:14;
    unsigned               tried:1;         /* a node has redirected it */
};


/* ngx_pimap_command_flight.c */

/* The text is the command's then, or freed.  NULL: no memory. */
ngx_pimap_command_t *ngx_pimap_command_create(ngx_pimap_command_pt handler,
    void *data, char *text, int len);
void ngx_pimap_command_free(ngx_pimap_command_t *command);

/* Sends the command.  NGX_ERROR: it is still the caller's. */
ngx_int_t ngx_pimap_command_begin(ngx_pimap_node_t *node,
    ngx_pimap_command_t *command);

/* Takes the oldest command from the node's queue; NULL: there is none. */
ngx_pimap_command_t *ngx_pimap_command_next(ngx_pimap_node_t *node);

/* Frees it, and calls its handler. */
void ngx_pimap_command_answer(ngx_pimap_command_t *command,
    redisReply *reply);


/* ngx_pimap_command_redirect.c: Owns the commands that wait to be sent. */

void ngx_pimap_command_wait_init_process(void);
void ngx_pimap_command_wait_exit_process(void);

/* True if a command for this node may wait for it. */
ngx_uint_t ngx_pimap_command_may_wait(ngx_pimap_node_t *node);
void ngx_pimap_command_wait(ngx_pimap_command_t *command);

/* Sends all that wait, as far as that is possible now. */
void ngx_pimap_command_resume(void);

/* True if the answer is not the last one. */
ngx_uint_t ngx_pimap_command_redirected(ngx_pimap_node_t *node,
    ngx_pimap_command_t *command, redisReply *reply);


#endif /* _NGX_PIMAP_COMMAND_FLIGHT_H_INCLUDED_ */
