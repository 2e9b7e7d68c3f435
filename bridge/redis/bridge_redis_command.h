
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the connection for commands, which Redis answers in their order.
 */


#ifndef _BRIDGE_REDIS_COMMAND_H_INCLUDED_
#define _BRIDGE_REDIS_COMMAND_H_INCLUDED_


#include "bridge.h"
#include "bridge_redis.h"


typedef struct bridge_command_s  bridge_command_t;

/* reply == NULL: no answer, Redis may have executed the command or not. */
typedef void (*bridge_command_pt)(void *data, redisReply *reply);


void bridge_redis_command_init(void);
void bridge_redis_command_done(void);

int bridge_redis_command_ready(void);

/*
 * The handler (or NULL) is called once, after this has returned.  Returns NULL
 * if Redis is away or too far behind, and nothing was sent.  The format is
 * that of hiredis: "%s", "%d", "%b" (pointer and size_t); a space ends an
 * argument.
 */
bridge_command_t *bridge_redis_command_send(bridge_command_pt handler,
    void *data, const char *format, ...);
bridge_command_t *bridge_redis_command_send_argv(bridge_command_pt handler,
    void *data, int argc, const char **argv, const size_t *len);

/* The handler is not called any more. */
void bridge_redis_command_forget(bridge_command_t *command);


#endif /* _BRIDGE_REDIS_COMMAND_H_INCLUDED_ */
