
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the names of keys and channels in Redis.  Called by the module and the
 * bridge.  Invariant: all of an account is in one slot of a cluster, because
 * the braces are its hash tag.
 */


#ifndef _PIMAP_REDIS_KEY_H_INCLUDED_
#define _PIMAP_REDIS_KEY_H_INCLUDED_


#include <stddef.h>


/*
 * A format of hiredis or printf().  "prefix" and "account" are "%s" or "%b".
 * It is the channel of an account, and the key of its log.  It begins the
 * names of the account's other keys.
 */
#define PIMAP_REDIS_KEY(prefix, account)  prefix ":{" account "}"

/* The rest of a key of an account. */
#define PIMAP_REDIS_REVOKED   ":revoked"
#define PIMAP_REDIS_BRIDGE    ":bridge"

/*
 * For all accounts, after the prefix.  In a cluster each of these has several
 * partitions, with the number of the partition as the hash tag: so they are
 * spread over the masters.
 */
#define PIMAP_REDIS_PRESENCE  ":presence"
#define PIMAP_REDIS_POKE      ":poke"
#define PIMAP_REDIS_UPDATES   ":updates"

#define PIMAP_REDIS_PARTITION   ":{%u}"     /* after one of these */
#define PIMAP_REDIS_PARTITIONS  16


/*
 * Finds the account in P:{account}<rest>: its length, and where it begins in
 * "key"; 0 if the key has another form.
 */
size_t pimap_redis_key_account(const char *key, size_t len, size_t prefix_len,
    const char *rest, const char **account);

/* The partition of an account, which is given by its channel. */
unsigned pimap_redis_key_partition(const char *channel, size_t len);


#endif /* _PIMAP_REDIS_KEY_H_INCLUDED_ */
