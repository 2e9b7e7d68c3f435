
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the tree of subscriptions, by the hash of their names: one for each
 * account of this worker.  Called by the subscriber, for each look-up of an
 * account, and for each walk over accounts.  Invariant: the account has its
 * subscription as first member, so a pointer to one is a pointer to both.
 */


#ifndef _NGX_PIMAP_SUBSCRIPTION_H_INCLUDED_
#define _NGX_PIMAP_SUBSCRIPTION_H_INCLUDED_


#include "ngx_pimap.h"


typedef struct {
    ngx_str_node_t   sn;            /* sn.str is the account's name */
    ngx_queue_t      link;          /* the subscriber's */
    uint64_t         sequence:63;   /* of its SUBSCRIBE */
    uint64_t         subscribed:1;  /* Redis has confirmed it */
} ngx_pimap_subscription_t;


/* Zeroed: at the beginning. */
typedef struct {
    uint32_t         hash;          /* of the last one */
    ngx_uint_t       rest;          /* of the division into parts */
} ngx_pimap_subscription_walk_t;


typedef void (*ngx_pimap_account_pt)(ngx_pimap_account_t *account);


void ngx_pimap_subscription_init_process(void);

void ngx_pimap_subscription_insert(ngx_pimap_subscription_t *sub);
void ngx_pimap_subscription_delete(ngx_pimap_subscription_t *sub);

/* NULL: no such account in this worker. */
ngx_pimap_account_t *ngx_pimap_subscription_find(ngx_str_t *name);

/* For all accounts; the handler may not free any. */
void ngx_pimap_subscription_each(ngx_pimap_account_pt handler);

/* The next 1/parts of the accounts: their number. */
ngx_uint_t ngx_pimap_subscription_part(ngx_pimap_subscription_walk_t *walk,
    ngx_uint_t parts);

/* For the next n accounts, round and round; the handler may not free any. */
void ngx_pimap_subscription_walk(ngx_pimap_subscription_walk_t *walk,
    ngx_uint_t n, ngx_pimap_account_pt handler);


#endif /* _NGX_PIMAP_SUBSCRIPTION_H_INCLUDED_ */
