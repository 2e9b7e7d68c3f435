
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names of keys and channels in Redis, and the account in a name.
 */


#include <string.h>

#include "pimap_redis_key.h"
#include "pimap_redis_slot.h"


size_t
pimap_redis_key_account(const char *key, size_t len, size_t prefix_len,
    const char *rest, const char **account)
{
    size_t  tail;

    tail = 1 + strlen(rest);

    if (len <= prefix_len + 2 + tail
        || key[prefix_len] != ':' || key[prefix_len + 1] != '{'
        || key[len - tail] != '}'
        || memcmp(key + len - tail + 1, rest, tail - 1) != 0)
    {
        return 0;
    }

    *account = key + prefix_len + 2;

    return len - prefix_len - 2 - tail;
}


unsigned
pimap_redis_key_partition(const char *channel, size_t len)
{
    return pimap_redis_slot(channel, len) % PIMAP_REDIS_PARTITIONS;
}
