
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Slots and partitions of names.  Without a cluster all have the slot 0, and
 * there is one partition.
 */


#include "bridge_redis_command.h"

#include "pimap_redis_key.h"

#include <stdlib.h>


static unsigned bridge_redis_slot_free(char *key);


unsigned
bridge_redis_slot(const char *name)
{
    return bridge_redis_slot_free(bridge_format("%s:%s",
                                                bridge_redis_conf->prefix,
                                                name));
}


unsigned
bridge_redis_slot_partition(const char *name, unsigned partition)
{
    return bridge_redis_slot_free(bridge_format("%s%s" PIMAP_REDIS_PARTITION,
                                                bridge_redis_conf->prefix,
                                                name, partition));
}


unsigned
bridge_redis_slot_account(const char *account)
{
    return bridge_redis_slot_free(bridge_format(PIMAP_REDIS_KEY("%s", "%s"),
                                                bridge_redis_conf->prefix,
                                                account));
}


static unsigned
bridge_redis_slot_free(char *key)
{
    unsigned  slot;

    slot = bridge_topology_slot(key, strlen(key));
    free(key);

    return slot;
}


unsigned
bridge_redis_partition(const char *account)
{
    return bridge_redis_slot_account(account) % PIMAP_REDIS_PARTITIONS;
}


unsigned
bridge_redis_partitions(void)
{
    return bridge_redis_conf_is_cluster(bridge_redis_conf)
           ? PIMAP_REDIS_PARTITIONS : 1;
}


int
bridge_redis_publish_account(const char *account, const char *text)
{
    return bridge_redis_command_send(bridge_redis_slot_account(account), NULL,
                                     NULL, "%s " PIMAP_REDIS_KEY("%s", "%s")
                                     " %s", bridge_redis_command_publish(),
                                     bridge_redis_conf->prefix, account, text)
           ? 0 : -1;
}


const char *
bridge_redis_command_publish(void)
{
    return bridge_redis_conf_is_cluster(bridge_redis_conf) ? "SPUBLISH"
                                                           : "PUBLISH";
}
