
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the way of events into Redis: the events of a mailbox or collection and
 * its new state are written in one step, under the lease of the session.
 */


#ifndef _BRIDGE_PUBLISH_H_INCLUDED_
#define _BRIDGE_PUBLISH_H_INCLUDED_


#include "bridge_account.h"
#include "bridge_redis_command.h"


/* The handler has to end the session, as the next one reports the events
   again.  "lost": another bridge has the lease. */
void bridge_publish_init(void (*failed)(bridge_account_t *account, int lost));

/* "name" is that of a mailbox or collection; state == NULL removes it. */
void bridge_publish(bridge_account_t *account, const char *name,
    json_t *events, json_t *state);

/* An object of the stored states, without those that are not JSON. */
json_t *bridge_publish_states(redisReply **states, size_t n);


#endif /* _BRIDGE_PUBLISH_H_INCLUDED_ */
