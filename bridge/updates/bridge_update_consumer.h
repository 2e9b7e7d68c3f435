
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the connection that reads the devices' updates from the stream, and the
 * consumer group of the bridges.
 */


#ifndef _BRIDGE_UPDATE_CONSUMER_H_INCLUDED_
#define _BRIDGE_UPDATE_CONSUMER_H_INCLUDED_


#include "bridge.h"


void bridge_update_consumer_init(void);

/* Updates that were not begun are left to another bridge. */
void bridge_update_consumer_done(void);

/* The functions are in Redis. */
void bridge_update_consumer_redis_ready(void);

/* A message: another bridge has got this entry, of an account of ours. */
void bridge_update_consumer_offered(const char *id, size_t len);


#endif /* _BRIDGE_UPDATE_CONSUMER_H_INCLUDED_ */
