
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
#include "ngx_pimap_node.h"


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
    uint64_t         sequence:26;   /* of its SUBSCRIBE, the last bits; 0:
                                       not sent */
    uint64_t         since:23;      /* when it began to wait for that */
    uint64_t         slot:14;
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
/* It is looked for soon: asks for the root of its tree, which may be it. */
void ngx_pimap_subscription_ahead(ngx_str_t *name);

/* For all accounts, or those of a node; the handler may not free any. */
void ngx_pimap_subscription_each(ngx_pimap_account_pt handler);
void ngx_pimap_subscription_each_of(ngx_pimap_node_t *node,
    ngx_pimap_account_pt handler);

/* The next 1/parts of the accounts: their number. */
ngx_uint_t ngx_pimap_subscription_part(ngx_pimap_subscription_walk_t *walk,
    ngx_uint_t parts);

/* For the next n accounts, round and round; the handler may not free any. */
void ngx_pimap_subscription_walk(ngx_pimap_subscription_walk_t *walk,
    ngx_uint_t n, ngx_pimap_account_pt handler);


/*
 * ngx_pimap_subscriber.c: Owns the nodes' subscribing connections.  Called by
 * the account, and by the room's client.  Invariant: Redis' subscriptions
 * mirror the tree of subscriptions; they are made again after each loss of a
 * connection, and when their slot moves.
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
    ngx_pimap_node_pt   up;             /* also: the node's channel is there */
    ngx_pimap_node_pt   down;
    void  (*own)(ngx_pimap_node_t *node, u_char *data, size_t len);
                                        /* of the node's channel */

    ngx_pimap_subscriber_message_pt      message;
    const ngx_pimap_subscriber_row_t    *subscribed;

    /* the account is subscribed no more, because its slot has moved */
    ngx_pimap_account_pt                 gone;
} ngx_pimap_subscriber_callbacks_t;

void ngx_pimap_subscriber_init_process(
    const ngx_pimap_subscriber_callbacks_t *callbacks);

/* For the room's client: events of a node, and slots that have moved. */
void ngx_pimap_subscriber_created(ngx_pimap_node_t *node);
void ngx_pimap_subscriber_destroyed(ngx_pimap_node_t *node);
void ngx_pimap_subscriber_up(ngx_pimap_redis_t *redis);
void ngx_pimap_subscriber_down(ngx_pimap_redis_t *redis);
void ngx_pimap_subscriber_reply(ngx_pimap_redis_t *redis, redisReply *reply);
void ngx_pimap_subscriber_ahead(ngx_pimap_redis_t *redis, redisReply *reply);
void ngx_pimap_subscriber_moved(pimap_redis_slot_set_t *slots);

/* From the account: it is new, or about to be freed. */
void ngx_pimap_subscriber_add(ngx_pimap_subscription_t *sub);
void ngx_pimap_subscriber_remove(ngx_pimap_subscription_t *sub);

/* Drops a connection that is up; all subscriptions are made again. */
void ngx_pimap_subscriber_renew(ngx_pimap_node_t *node, const char *why);

/* True if the channel of the slot's node, the first one, is subscribed. */
ngx_uint_t ngx_pimap_subscriber_listening(ngx_uint_t slot);

/* How long the account waits that waits longest, in msec; 0: none waits. */
ngx_msec_t ngx_pimap_subscriber_waits(ngx_pimap_node_t *node);


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

ngx_str_t *ngx_pimap_own_channel_id(void);
ngx_uint_t ngx_pimap_own_channel_slot(void);

/* Chooses the channel of a node's probes; it is empty if it has no slot. */
void ngx_pimap_own_channel_of_node(ngx_pimap_node_t *node);

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
void ngx_pimap_probe_created(ngx_pimap_node_t *node);

/* A connection is up: if both are, sends a probe. */
void ngx_pimap_probe_start(ngx_pimap_node_t *node);

/* A connection is lost: nothing is proved until a probe has come back. */
void ngx_pimap_probe_lost(ngx_pimap_node_t *node);

void ngx_pimap_probe_received(ngx_pimap_node_t *node, u_char *data,
    size_t len);


#endif /* _NGX_PIMAP_SUBSCRIBER_H_INCLUDED_ */
