
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The worker's subscribing connection.  Our table of accounts is the truth,
 * Redis' subscriptions are its mirror, made anew after each loss.
 */


#ifndef _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_
#define _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_redis.h"


void ngx_pimap_subscriber_open(ngx_pimap_conf_redis_t *conf);
void ngx_pimap_subscriber_close(void);

/* From the account room: a first device, no device any more. */
void ngx_pimap_subscriber_add(ngx_pimap_account_t *account);
void ngx_pimap_subscriber_remove(ngx_pimap_account_t *account);

/* Drops a connection that is up, and makes all subscriptions anew. */
void ngx_pimap_subscriber_renew(const char *why);

/* True if the probe's channel, the first one, is subscribed. */
ngx_uint_t ngx_pimap_subscriber_listening(void);

/* True if all accounts are subscribed. */
ngx_uint_t ngx_pimap_subscriber_ready(void);

/* Calls the handler for each account that is subscribed. */
void ngx_pimap_subscriber_each(void (*handler)(ngx_pimap_account_t *account));

/* The same for the next one of so many parts of them. */
void ngx_pimap_subscriber_rotate(ngx_uint_t part,
    void (*handler)(ngx_pimap_account_t *account));


#endif /* _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_ */
