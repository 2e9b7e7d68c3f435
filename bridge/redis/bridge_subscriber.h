
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the subscriptions of this bridge: channels that span accounts, and its
 * inbox P:bridge:<id>; and the probes that tell whether messages still come.
 * Called by bridge_redis_service.c.  Invariant: a channel is subscribed to at
 * the master of its slot.
 */


#ifndef _BRIDGE_SUBSCRIBER_H_INCLUDED_
#define _BRIDGE_SUBSCRIBER_H_INCLUDED_


#include "bridge_redis_command.h"


/* A channel, or the first word of a message in the inbox. */

typedef struct {
    const char  *name;                  /* NULL: the end of the table */
    void       (*handler)(const char *text, size_t len);
} bridge_redis_message_t;


/* "listening" is called when the channels of a node are subscribed to. */
void bridge_subscriber_start(const bridge_redis_message_t *channels,
    const bridge_redis_message_t *inbox, void (*listening)(void));
void bridge_subscriber_stop(void);

void bridge_subscriber_open(bridge_node_t *node);
void bridge_subscriber_close(bridge_node_t *node);

/* Slots may have moved. */
void bridge_subscriber_placed(void);

/* Subscribed, and the last probe came back: at this node, for most slots. */
int bridge_subscriber_works(bridge_node_t *node);
int bridge_subscriber_ready(void);

/* Sends a message to the inbox of a bridge. */
void bridge_subscriber_tell(const char *bridge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* _BRIDGE_SUBSCRIBER_H_INCLUDED_ */
