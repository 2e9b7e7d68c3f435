
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the masters of Redis that this bridge is connected to.  Called by the
 * commands, the subscriber and the function library, which keep here what they
 * know of a node.  Invariant: each master with slots is here, and a node that
 * has lost its slots stays as long as commands are under way to it.
 */


#ifndef _BRIDGE_NODE_H_INCLUDED_
#define _BRIDGE_NODE_H_INCLUDED_


#include "bridge_topology.h"


typedef struct bridge_node_s     bridge_node_t;
typedef struct bridge_command_s  bridge_command_t;


/* Of bridge_redis_command.c. */
typedef struct {
    bridge_redis_t                       redis;
    TAILQ_HEAD(, bridge_command_s)       sent;      /* without an answer */
    struct event                         timer;     /* of the oldest */
} bridge_node_commands_t;


/* Of bridge_subscriber.c. */
typedef struct {
    bridge_redis_t     redis;
    char              *probe_channel;   /* the inbox if there is no cluster */
    unsigned           probe_slot;
    unsigned long      probe;
    struct event       timer;           /* of the probe */
    struct event       retry;           /* of channels that are refused */
    unsigned           probe_sent:1;
    unsigned           probe_subscribed:1;
    unsigned           returned:1;      /* the last probe came back */
    unsigned           listening:1;     /* to all its channels */
} bridge_node_subscriber_t;


/* Of bridge_function_library.c. */
typedef struct {
    struct event       timer;
    unsigned           ready:1;
    unsigned           logged:1;
} bridge_node_library_t;


struct bridge_node_s {
    LIST_ENTRY(bridge_node_s)  link;
    char                       host[PIMAP_REDIS_HOST];
    unsigned                   port;
    unsigned                   slots;
    bridge_msec_t              used;    /* the last time */

    bridge_node_commands_t     commands;
    bridge_node_subscriber_t   subscriber;
    bridge_node_library_t      library;
};


/* The files above report by this table, which bridge_redis_service.c has. */
typedef struct {
    void  (*opened)(bridge_node_t *node);
    void  (*closed)(bridge_node_t *node);
    int   (*is_idle)(bridge_node_t *node);  /* no command is under way */
    int   (*works)(bridge_node_t *node);
    void  (*placed)(void);                  /* slots may have moved */
} bridge_node_ops_t;


void bridge_node_start(const bridge_node_ops_t *ops);
void bridge_node_stop(void);

#define bridge_node_each(node)                                                \
    for (node = bridge_node_first(); node; node = LIST_NEXT(node, link))

bridge_node_t *bridge_node_first(void);

/* The master of a slot; NULL if none is known. */
bridge_node_t *bridge_node_of(unsigned slot);

/* The node of an address, which is connected to if it is new. */
bridge_node_t *bridge_node_get(const char *host, unsigned port);

/* A redirection: this is the master of the slot.  NULL: there are too many. */
bridge_node_t *bridge_node_moved(unsigned slot, const char *host,
    unsigned port);

/*
 * An error: 1 if the command has not been executed and is to be sent again,
 * which may be to "ask", after ASKING.
 */
int bridge_node_redirect(bridge_node_t *node, redisReply *reply,
    bridge_node_t **ask);

/* A slot of this node; PIMAP_REDIS_SLOTS if it has none. */
unsigned bridge_node_slot(bridge_node_t *node);

/* For "choose" of a connection: NULL if there is no cluster. */
void bridge_node_choose(bridge_redis_t *redis);

/* How many slots the nodes have that work so. */
unsigned bridge_node_share(int (*works)(bridge_node_t *node));

/* The connection for commands is up: to this node; to most slots. */
int bridge_node_is_up(bridge_node_t *node);
int bridge_node_ready(void);


#endif /* _BRIDGE_NODE_H_INCLUDED_ */
