
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the streams of updates: P:updates, or in a cluster a partition each.
 * Called by the files of this room.  Invariant: all updates of an account are
 * in one stream, and an update's name is unique over all of them.
 */


#ifndef _BRIDGE_UPDATE_STREAM_H_INCLUDED_
#define _BRIDGE_UPDATE_STREAM_H_INCLUDED_


#include "bridge_redis_command.h"

#include "pimap_redis_key.h"


typedef struct {
    unsigned           partition;
    char               name[24];        /* after the prefix: ":updates:{7}" */
    unsigned           slot;

    bridge_redis_t     redis;           /* the reader */
    struct event       timer;
    int                asked;
    char              *own;             /* NULL: all own are read */
    int                asked_own;
    char               ask_host[PIMAP_REDIS_HOST];  /* of a slot on its way */
    unsigned           ask_port;
    unsigned           ask_tries;       /* 0: it is not */

    int                has_group;
    unsigned           late;
    bridge_msec_t      oldest;          /* of the late ones */
} bridge_update_stream_t;


extern bridge_update_stream_t  bridge_update_streams[PIMAP_REDIS_PARTITIONS];
extern unsigned                bridge_update_nstreams;


/* The names and the slots, for the settings in force. */
void bridge_update_streams_init(void);

/* The name of an entry: "<id>", in a cluster "<id>@<partition>". */
char *bridge_update_stream_entry(bridge_update_stream_t *stream,
    const char *id);

/* The stream of a name, and the length of the id in it; NULL if there is
   none. */
bridge_update_stream_t *bridge_update_stream_of(const char *name,
    size_t *len);


/* bridge_update_reader.c owns the connections that wait for entries. */

void bridge_update_reader_open(bridge_update_stream_t *stream);
void bridge_update_reader_close(bridge_update_stream_t *stream);

/* Reads the entries again that Redis has given to this bridge. */
void bridge_update_reader_own(bridge_update_stream_t *stream);

/* Makes the consumer group. */
void bridge_update_reader_group(bridge_update_stream_t *stream);


#endif /* _BRIDGE_UPDATE_STREAM_H_INCLUDED_ */
