
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The commanding connection: what is asked of Redis, and answered in order.
 */


#ifndef _BRIDGE_COMMANDER_H_INCLUDED_
#define _BRIDGE_COMMANDER_H_INCLUDED_


#include "bridge.h"
#include "bridge_redis.h"


typedef struct bridge_command_s  bridge_command_t;

/* reply == NULL: no answer, and nobody knows whether it was carried out. */
typedef void (*bridge_command_pt)(void *data, redisReply *reply);


void bridge_redis_command_init(void);
void bridge_redis_command_done(void);

int bridge_redis_command_ready(void);

/*
 * The handler (or NULL) is called once, not before this returns.  NULL: Redis
 * is away or too far behind, nothing was sent.  The format is hiredis': "%s",
 * "%b" (pointer and size_t), "%d", one argument of the command between spaces.
 */
bridge_command_t *bridge_redis_command_send(bridge_command_pt handler,
    void *data, const char *format, ...);
bridge_command_t *bridge_redis_command_send_argv(bridge_command_pt handler,
    void *data, int argc, const char **argv, const size_t *len);

/* The handler's data goes: it will not be called. */
void bridge_redis_command_forget(bridge_command_t *command);


#endif /* _BRIDGE_COMMANDER_H_INCLUDED_ */
