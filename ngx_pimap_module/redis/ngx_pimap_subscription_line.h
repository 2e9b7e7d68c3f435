
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what the files of subscriptions share.  Called by ngx_pimap_subscri*.c
 * only.
 */


#ifndef _NGX_PIMAP_SUBSCRIPTION_LINE_H_INCLUDED_
#define _NGX_PIMAP_SUBSCRIPTION_LINE_H_INCLUDED_


#include "ngx_pimap_subscriber.h"


/* The last bits of a number of a channel; 0 is "not sent". */
#define NGX_PIMAP_SUBSCRIBER_SEQUENCE  0x3ffffff
#define ngx_pimap_subscriber_sequence(n)                                      \
    ((n) % NGX_PIMAP_SUBSCRIBER_SEQUENCE + 1)


/* A command in flight. */
typedef struct {
    ngx_queue_t    link;
    uint64_t       first;           /* number of its first channel */
    uint32_t       n;               /* its channels */
    uint32_t       hash;            /* of the account, to unsubscribe */
    unsigned       slot:14;
    unsigned       unsubscribe:1;
} ngx_pimap_subscriber_command_t;


/*
 * ngx_pimap_subscription_send.c: Owns the commands in flight of a subscribing
 * connection.
 */

/* Subscribes the channel of the node's probes, unless it is there. */
ngx_int_t ngx_pimap_subscriber_own(ngx_pimap_node_t *node);

/* A command is about to be sent. */
ngx_int_t ngx_pimap_subscriber_asks(ngx_pimap_node_t *node, ngx_uint_t slot,
    ngx_uint_t n, ngx_uint_t unsubscribe, uint32_t hash);

/* The oldest one in flight; NULL: there is none. */
ngx_pimap_subscriber_command_t *ngx_pimap_subscriber_command(
    ngx_pimap_node_t *node);

/* Answers to the oldest command have come. */
void ngx_pimap_subscriber_answered(ngx_pimap_node_t *node, ngx_uint_t n);

/* Sends subscriptions that wait, as many as may be in flight. */
void ngx_pimap_subscriber_pump(ngx_pimap_node_t *node);

ngx_pimap_subscription_t *ngx_pimap_subscriber_move(ngx_queue_t *from,
    ngx_queue_t *to);


/*
 * ngx_pimap_subscription_line.c: Owns in which line a subscription is that is
 * not sent, and the pause of one after an error.
 */

void ngx_pimap_subscriber_place_init_process(void);

/* To the end of its node's line; it is in none. */
void ngx_pimap_subscriber_place(ngx_pimap_subscription_t *sub);

/* The same after a pause; it is in one. */
void ngx_pimap_subscriber_later(ngx_pimap_subscription_t *sub);

/* After a pause, channels of probes that are missing are subscribed. */
void ngx_pimap_subscriber_pause(void);

/* It is subscribed no more; it is new. */
void ngx_pimap_subscriber_lose(ngx_pimap_subscription_t *sub);
void ngx_pimap_subscriber_begin(ngx_pimap_subscription_t *sub);


#endif /* _NGX_PIMAP_SUBSCRIPTION_LINE_H_INCLUDED_ */
