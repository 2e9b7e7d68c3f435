
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the connection for subscriptions, and the probe that tells whether it
 * still receives messages.
 */


#ifndef _BRIDGE_SUBSCRIBER_H_INCLUDED_
#define _BRIDGE_SUBSCRIBER_H_INCLUDED_


#include "bridge.h"


void bridge_subscriber_init(void);
void bridge_subscriber_done(void);

/* Subscribed, and the last probe came back. */
int bridge_subscriber_ready(void);

/* Sends a message to the inbox of the bridge, the channel P:bridge:<id>. */
void bridge_subscriber_tell(const char *bridge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* _BRIDGE_SUBSCRIBER_H_INCLUDED_ */
