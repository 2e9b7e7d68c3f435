
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the nodes: the Redis servers that this worker uses, each with its two
 * connections, and which of them has a slot.  Called by all files of the room.
 * Invariant: without a cluster there is one node, and all keys are in slot 0,
 * which it has.
 */


#ifndef _NGX_PIMAP_NODE_H_INCLUDED_
#define _NGX_PIMAP_NODE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_redis.h"

#include "pimap_redis_migration.h"
#include "pimap_redis_topology.h"


#define NGX_PIMAP_NODE_CHANNEL  128


typedef struct ngx_pimap_node_s  ngx_pimap_node_t;


typedef enum {
    NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN = 0,     /* not asked, or no answer */
    NGX_PIMAP_FUNCTION_LIBRARY_READY,
    NGX_PIMAP_FUNCTION_LIBRARY_MISSING          /* there is no log */
} ngx_pimap_function_library_state_t;


/* ngx_pimap_command.c */
typedef struct {
    ngx_queue_t              queue;     /* in flight, the oldest one first */
    ngx_uint_t               length;
    ngx_event_t              timer;     /* gives up a silent server */
} ngx_pimap_node_commands_t;


/* ngx_pimap_subscriber.c */
typedef struct {
    ngx_queue_t              waiting;   /* subscriptions to be sent */
    ngx_queue_t              sent;
    ngx_queue_t              subscribed;
    ngx_queue_t              commands;  /* that are not answered */
    uint64_t                 asked;     /* channels */
    uint64_t                 answered;

    u_char                   channel_data[NGX_PIMAP_NODE_CHANNEL];
    ngx_str_t                channel;   /* of the node's probes */
    ngx_uint_t               slot;      /* of that */
    uint64_t                 sequence;  /* of its SUBSCRIBE */
    unsigned                 listening:1;   /* it is subscribed */
} ngx_pimap_node_subscriptions_t;


/* ngx_pimap_function_library.c */
typedef struct {
    ngx_pimap_function_library_state_t  state;
    ngx_event_t              timer;
} ngx_pimap_node_library_t;


/* ngx_pimap_log_reader.c */
typedef struct {
    ngx_queue_t              queue;     /* readers that wait for a turn */
    ngx_uint_t               reading;
    ngx_event_t              event;     /* the queue goes on */
    ngx_event_t              timer;     /* ... after an error */
} ngx_pimap_node_readers_t;


/* ngx_pimap_probe.c */
typedef struct {
    ngx_event_t              timer;
    uint64_t                 sent;      /* usec, its text */
    uint64_t                 since;     /* usec, if not proved */
    unsigned                 in_flight:1;
    unsigned                 proved:1;
} ngx_pimap_node_probe_t;


struct ngx_pimap_node_s {
    ngx_queue_t                      link;
    ngx_pimap_redis_server_t         server;
    ngx_uint_t                       slots;     /* that it has */

    ngx_pimap_redis_t                commander;
    ngx_pimap_redis_t                subscriber;

    ngx_pimap_node_commands_t        commands;
    ngx_pimap_node_subscriptions_t   subscriptions;
    ngx_pimap_node_library_t         library;
    ngx_pimap_node_readers_t         readers;
    ngx_pimap_node_probe_t           probe;
    pimap_redis_slot_set_t           leaving;   /* slots, to another node */

    unsigned                         commanded:1;   /* it is, or was, open */
    unsigned                         listened:1;
    unsigned                         known:1;       /* its functions were */
    unsigned                         online:1;      /* by the topology */

    ngx_addr_t                       addr;
    ngx_sockaddr_t                   sockaddr;
    char                             host[PIMAP_REDIS_HOST];
    u_char                           name[PIMAP_REDIS_HOST + 16];
};

#define ngx_pimap_node_of_commander(redis)                                   \
    ngx_queue_data(redis, ngx_pimap_node_t, commander)
#define ngx_pimap_node_of_subscriber(redis)                                  \
    ngx_queue_data(redis, ngx_pimap_node_t, subscriber)


typedef void (*ngx_pimap_node_pt)(ngx_pimap_node_t *node);

/* What other files of the room do for a node. */
typedef struct {
    ngx_pimap_redis_pt        commander_up;
    ngx_pimap_redis_pt        commander_down;
    ngx_pimap_redis_reply_pt  commander_reply;
    ngx_pimap_redis_pt        subscriber_up;
    ngx_pimap_redis_pt        subscriber_down;
    ngx_pimap_redis_reply_pt  subscriber_reply;
    ngx_pimap_redis_reply_pt  subscriber_ahead;

    const ngx_pimap_node_pt  *created;      /* ends with NULL */
    const ngx_pimap_node_pt  *destroyed;    /* the same */

    /* these slots have another master, or none */
    void                    (*moved)(pimap_redis_slot_set_t *slots);

    /* the topology is wrong */
    void                    (*stale)(void);
} ngx_pimap_node_handlers_t;


void ngx_pimap_node_init_process(ngx_pimap_conf_redis_t *conf,
    const ngx_pimap_node_handlers_t *handlers);
void ngx_pimap_node_exit_process(void);

ngx_uint_t ngx_pimap_node_cluster(void);
ngx_str_t *ngx_pimap_node_prefix(void);
/* The account, a part of the channel's text; empty: it is no account's. */
void ngx_pimap_node_account(redisReply *channel, ngx_str_t *account);
ngx_msec_t ngx_pimap_node_timeout(void);

/* The slot of an account, and of any key. */
ngx_uint_t ngx_pimap_node_slot(ngx_str_t *account);
ngx_uint_t ngx_pimap_node_slot_of_key(ngx_str_t *key);

/* The node that has a slot; NULL: it is not known. */
ngx_pimap_node_t *ngx_pimap_node_owner(ngx_uint_t slot);

/* True before any topology has been read. */
ngx_uint_t ngx_pimap_node_unknown(void);

/* All nodes, in any order; NULL at the end. */
ngx_pimap_node_t *ngx_pimap_node_first(void);
ngx_pimap_node_t *ngx_pimap_node_next(ngx_pimap_node_t *node);

/* The node at this address, which may be a new one; NULL: no memory. */
ngx_pimap_node_t *ngx_pimap_node_get(const char *host, ngx_uint_t port);

/* The same, for an address of the configuration. */
ngx_pimap_node_t *ngx_pimap_node_seed(ngx_pimap_redis_server_t *server);

/* The only one, without a cluster.  NGX_ERROR: no memory. */
ngx_int_t ngx_pimap_node_single(void);

/* Open a connection, unless it is open. */
void ngx_pimap_node_command(ngx_pimap_node_t *node);
void ngx_pimap_node_listen(ngx_pimap_node_t *node);

/* The commander is up. */
#define ngx_pimap_node_ready(node)  ngx_pimap_redis_ready(&(node)->commander)

/* In a cluster: it is used for the first time, and nothing has failed yet. */
ngx_uint_t ngx_pimap_node_opens(ngx_pimap_node_t *node);

/* MOVED: the slot has another master.  The topology is to be read again. */
void ngx_pimap_node_moved(ngx_uint_t slot, const char *host, ngx_uint_t port);
void ngx_pimap_node_stale(void);

/* A topology has been read.  NGX_ERROR: there was no memory for all of it. */
ngx_int_t ngx_pimap_node_apply(pimap_redis_topology_t *topology);

/* Ends nodes without a slot that nothing uses any more. */
void ngx_pimap_node_sweep(ngx_pimap_node_t *keep);


#endif /* _NGX_PIMAP_NODE_H_INCLUDED_ */
