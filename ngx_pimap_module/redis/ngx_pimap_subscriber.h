
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The subscriptions of this room.
 */


#ifndef _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_
#define _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_conf_redis.h"


/*
 * ngx_pimap_subscription_tree.c: Owns the tree of subscriptions, by the hash
 * of their names: one for each account of this worker.  Called by the
 * subscriber, for each look-up of an account, and for each walk over
 * accounts.  Invariant: the account has its subscription as first member,
 * so a pointer to one is a pointer to both.
 */

typedef struct {
    ngx_str_node_t   sn;            /* sn.str is the account's name */
    ngx_queue_t      link;          /* the subscriber's */
    uint64_t         sequence:40;   /* of its SUBSCRIBE */
    uint64_t         since:23;      /* when it began to wait for that */
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


/*
 * ngx_pimap_subscriber.c: Owns the worker's subscribing connection.  Called
 * by the account, and by the room's client.  Invariant: Redis'
 * subscriptions mirror the tree of subscriptions; they are made again after
 * each loss of the connection.
 */

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
    void  (*own)(u_char *data, size_t len);     /* of the own channel */

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

/* How long the account waits that waits longest, in msec; 0: none waits. */
ngx_msec_t ngx_pimap_subscriber_waits(void);


/*
 * ngx_pimap_presence.c: Owns the announcements on the channel P:presence:
 * "+ <account>" when the first device of an account parks in this worker,
 * "- <account>" when the last one leaves.  Called by the subscriber.
 */

void ngx_pimap_presence_init_process(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf);

/* The account is subscribed, and will be so no longer. */
void ngx_pimap_presence_attached(ngx_pimap_subscription_t *sub);
void ngx_pimap_presence_detached(ngx_pimap_subscription_t *sub);


/*
 * ngx_pimap_own_channel.c: Owns the channel of this worker.  Probes come by
 * it, and answers of other workers: "!<request> <text>".
 */

ngx_int_t ngx_pimap_own_channel_init_process(ngx_pimap_conf_redis_t *conf);

ngx_str_t *ngx_pimap_own_channel(void);
ngx_str_t *ngx_pimap_own_channel_id(void);

/* Answers the worker with this id.  If Redis is away, no answer comes. */
void ngx_pimap_own_channel_answer(ngx_str_t *id, ngx_str_t *request,
    const char *text, size_t len);


/*
 * ngx_pimap_probe.c: Owns the proof that delivery works: a probe that we
 * publish to a channel of our own has to come back by our subscription.
 * Called by the room's client.  Invariant: the worker's slot has the last time
 * at which it could deliver, also if the worker hangs.
 */

void ngx_pimap_probe_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf);

/* A connection is up: if both are, sends a probe. */
void ngx_pimap_probe_start(void);

/* A connection is lost: nothing is proved until a probe has come back. */
void ngx_pimap_probe_lost(void);

void ngx_pimap_probe_received(u_char *data, size_t len);


/*
 * ngx_pimap_redis_client.c: Owns the room's two connections, and reports
 * their events to the rooms above.  Called by ngx_pimap_module.c.
 * Invariant: no other file of the room knows a handler.
 */

typedef struct {
    /* a message on the channel of an account */
    ngx_pimap_subscriber_message_pt      message;

    /* an account is subscribed, first or again; ends with a NULL */
    const ngx_pimap_subscriber_row_t    *subscribed;

    /* an answer of another worker: "<request> <text>" */
    void  (*answer)(u_char *data, size_t len);

    /* no account is subscribed any more */
    void  (*subscriber_gone)(void);

    void  (*commands_ready)(void);
    void  (*commands_gone)(void);
} ngx_pimap_redis_handlers_t;

ngx_int_t ngx_pimap_redis_client_open(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf, const ngx_pimap_redis_handlers_t *handlers);
void ngx_pimap_redis_client_close(void);


#endif /* _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_ */
