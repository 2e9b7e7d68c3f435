
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the commands to Redis: each goes to the master of its slot, and again
 * if that has moved.  Called by all rooms above.  Commands of a slot are sent
 * in the order in which they were given.  One that is refused for now is sent
 * again, and a later one may come before it.
 */


#ifndef _BRIDGE_REDIS_COMMAND_H_INCLUDED_
#define _BRIDGE_REDIS_COMMAND_H_INCLUDED_


#include "bridge_node.h"


/* reply == NULL: no answer, Redis may have executed the command or not. */
typedef void (*bridge_command_pt)(void *data, redisReply *reply);


/*
 * The handler (or NULL) is called once, after this has returned.  Returns NULL
 * if the slot's master is away or too far behind, and nothing was sent.  The
 * format is that of hiredis: "%s", "%d", "%b" (pointer and size_t); a space
 * ends an argument.
 */
bridge_command_t *bridge_redis_command_send(unsigned slot,
    bridge_command_pt handler, void *data, const char *format, ...);
bridge_command_t *bridge_redis_command_send_argv(unsigned slot,
    bridge_command_pt handler, void *data, int argc, const char **argv,
    const size_t *len);

/* The same to a node, whatever slots it has. */
bridge_command_t *bridge_redis_command_node(bridge_node_t *node,
    bridge_command_pt handler, void *data, const char *format, ...);

/* The same; the format's first "%s" is the prefix of all keys. */
#define bridge_redis_call(slot, handler, data, format, ...)                   \
    bridge_redis_command_send(slot, handler, data, format,                    \
                              bridge_redis_conf->prefix, ##__VA_ARGS__)

/* "PUBLISH", or what it is in a cluster. */
const char *bridge_redis_command_publish(void);

/* In the channel of an account; -1 if nothing was sent. */
int bridge_redis_publish_account(const char *account, const char *text);

/* The slot of P:<name>, of P<name>:{<partition>}, and of an account. */
unsigned bridge_redis_slot(const char *name);
unsigned bridge_redis_slot_partition(const char *name, unsigned partition);
unsigned bridge_redis_slot_account(const char *account);

/* The partition of an account; there is one if there is no cluster. */
unsigned bridge_redis_partition(const char *account);
unsigned bridge_redis_partitions(void);

/* The handler is not called any more. */
void bridge_redis_command_forget(bridge_command_t *command);


/* For bridge_redis_service.c. */

void bridge_redis_command_start(void (*up)(bridge_node_t *node),
    void (*down)(bridge_node_t *node),
    void (*function_missing)(bridge_node_t *node));
void bridge_redis_command_stop(void);
void bridge_redis_command_forget_all(void);
void bridge_redis_command_open(bridge_node_t *node);
void bridge_redis_command_close(bridge_node_t *node);
int bridge_redis_command_is_idle(bridge_node_t *node);


#endif /* _BRIDGE_REDIS_COMMAND_H_INCLUDED_ */
