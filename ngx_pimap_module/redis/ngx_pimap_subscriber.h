
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the worker's subscribing connection.  Called by the account, and by
 * the room's client.  Invariant: Redis' subscriptions mirror the tree of
 * subscriptions; they are made again after each loss of the connection.
 */


#ifndef _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_
#define _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_redis.h"
#include "ngx_pimap_subscription.h"


typedef void (*ngx_pimap_subscriber_message_pt)(ngx_str_t *account,
    char *payload, size_t len);

/* The name is for the debug log. */
typedef struct {
    const char            *name;
    ngx_pimap_account_pt   handler;
} ngx_pimap_subscriber_row_t;

#define ngx_pimap_subscriber_row(handler)  { #handler, handler }

typedef struct {
    void  (*up)(void);                  /* also: the own channel is there */
    void  (*down)(void);
    void  (*probe)(u_char *data, size_t len);   /* of the own channel */

    ngx_pimap_subscriber_message_pt      message;
    const ngx_pimap_subscriber_row_t    *subscribed;
} ngx_pimap_subscriber_callbacks_t;


/* "channel" is subscribed before those of accounts. */
void ngx_pimap_subscriber_open(ngx_pimap_conf_redis_t *conf,
    ngx_str_t *channel, const ngx_pimap_subscriber_callbacks_t *callbacks);
void ngx_pimap_subscriber_close(void);

/* From the account: it is new, or about to be freed. */
void ngx_pimap_subscriber_add(ngx_pimap_subscription_t *sub);
void ngx_pimap_subscriber_remove(ngx_pimap_subscription_t *sub);

/* Drops a connection that is up; all subscriptions are made again. */
void ngx_pimap_subscriber_renew(const char *why);

/* True if the own channel, the first one, is subscribed. */
ngx_uint_t ngx_pimap_subscriber_listening(void);

/* True if all accounts are subscribed. */
ngx_uint_t ngx_pimap_subscriber_ready(void);


#endif /* _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_ */
