
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "bridge_update_stream.h"

#include <stdio.h>
#include <stdlib.h>


bridge_update_stream_t  bridge_update_streams[PIMAP_REDIS_PARTITIONS];
unsigned                bridge_update_nstreams;


void
bridge_update_streams_init(void)
{
    char                    *key;
    unsigned                 i, n;
    bridge_update_stream_t  *stream;

    n = bridge_redis_partitions();

    for (i = 0; i < n; i++) {
        stream = &bridge_update_streams[i];
        stream->partition = i;

        snprintf(stream->name, sizeof(stream->name),
                 n > 1 ? PIMAP_REDIS_UPDATES PIMAP_REDIS_PARTITION
                       : PIMAP_REDIS_UPDATES, i);

        key = bridge_format("%s%s", bridge_redis_conf->prefix, stream->name);
        stream->slot = bridge_topology_slot(key, strlen(key));
        free(key);
    }

    bridge_update_nstreams = n;
}


char *
bridge_update_stream_entry(bridge_update_stream_t *stream, const char *id)
{
    return bridge_update_nstreams > 1
           ? bridge_format("%s@%u", id, stream->partition) : bridge_string(id);
}


bridge_update_stream_t *
bridge_update_stream_of(const char *name, size_t *len)
{
    int            n;
    unsigned long  i;

    *len = strcspn(name, "@");

    if (name[*len] == '\0') {
        return bridge_update_nstreams == 1 ? &bridge_update_streams[0] : NULL;
    }

    if (sscanf(name + *len, "@%lu%n", &i, &n) != 1 || name[*len + n]
        || bridge_update_nstreams == 1 || i >= bridge_update_nstreams)
    {
        return NULL;
    }

    return &bridge_update_streams[i];
}
