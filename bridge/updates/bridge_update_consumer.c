
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Entries of dead bridges are claimed.  A claim makes an entry young, so that
 * only the first of several bridges gets it.
 */


#include "bridge_update.h"
#include "bridge_supervisor.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_COUNT  50         /* entries at a time */
#define BRIDGE_UPDATE_LATE   1000       /* late entries that are counted */
#define BRIDGE_UPDATE_IDLE   3600000    /* msec until a consumer is removed */


static void bridge_update_consumer_open(void);
static void bridge_update_consumer_close(void);
static void bridge_update_consumer_tend(evutil_socket_t fd, short what,
    void *data);
static void bridge_update_consumer_tend_stream(
    bridge_update_stream_t *stream);
static void bridge_update_consumer_list(void *data, redisReply *reply);
static void bridge_update_consumer_name(bridge_update_stream_t *stream,
    redisReply *consumer);
static void bridge_update_consumer_pending(void *data, redisReply *reply);
static void bridge_update_consumer_claim(bridge_update_stream_t *stream,
    const char *id, size_t len, bridge_msec_t idle);
static void bridge_update_consumer_claimed(void *data, redisReply *reply);
static void bridge_update_consumer_age(void *data, redisReply *reply);
static int bridge_update_consumer_is_held(bridge_update_stream_t *stream,
    const char *id);
static void bridge_update_consumer_aged(bridge_update_stream_t *stream,
    unsigned late, redisReply *oldest);


static struct event  bridge_update_tender;
static int           bridge_update_on;


void
bridge_update_consumer_init(void)
{
    evtimer_assign(&bridge_update_tender, bridge_base,
                   bridge_update_consumer_tend, NULL);

    if (bridge_config->updates.on) {
        bridge_update_on = 1;
        bridge_update_consumer_open();
    }
}


static void
bridge_update_consumer_open(void)
{
    unsigned  i;

    bridge_update_streams_init();

    for (i = 0; i < bridge_update_nstreams; i++) {
        bridge_update_reader_open(&bridge_update_streams[i]);
    }
}


static void
bridge_update_consumer_close(void)
{
    unsigned  i;

    for (i = 0; i < bridge_update_nstreams; i++) {
        bridge_update_reader_close(&bridge_update_streams[i]);
    }
}


void
bridge_update_consumer_changed(void)
{
    if (bridge_update_on) {
        bridge_update_consumer_close();
        bridge_update_consumer_open();
    }
}


void
bridge_update_consumer_done(void)
{
    if (bridge_update_on) {
        bridge_update_on = 0;

        evtimer_del(&bridge_update_tender);
        bridge_update_consumer_close();
    }

    bridge_update_entries_done();
}


unsigned
bridge_update_consumer_late(void)
{
    unsigned  i, late;

    late = 0;

    for (i = 0; i < bridge_update_nstreams; i++) {
        late += bridge_update_streams[i].late;
    }

    return late;
}


int
bridge_update_consumer_overdue(void)
{
    unsigned                 i;
    bridge_update_stream_t  *stream;

    for (i = 0; i < bridge_update_nstreams; i++) {
        stream = &bridge_update_streams[i];

        if (stream->late
            && stream->oldest > bridge_config->lease.time
                                + bridge_config->updates.timeout)
        {
            return 1;
        }
    }

    return 0;
}


void
bridge_update_consumer_redis_ready(void)
{
    unsigned  i;

    if (bridge_update_on) {

        for (i = 0; i < bridge_update_nstreams; i++) {
            bridge_update_reader_group(&bridge_update_streams[i]);
            bridge_update_reader_own(&bridge_update_streams[i]);
        }

        bridge_update_consumer_tend(-1, 0, NULL);
    }
}


void
bridge_update_consumer_offered(const char *name, size_t len)
{
    size_t                   n;
    bridge_update_stream_t  *stream;

    stream = bridge_update_on ? bridge_update_stream_of(name, &n) : NULL;

    if (stream) {
        bridge_update_consumer_claim(stream, name, n, 0);
    }
}


/*
 * Looks for consumers that are dead bridges.  The group is made before, also
 * after an error.
 */

static void
bridge_update_consumer_tend(evutil_socket_t fd, short what, void *data)
{
    unsigned  i;

    for (i = 0; i < bridge_update_nstreams; i++) {
        bridge_update_consumer_tend_stream(&bridge_update_streams[i]);
    }

    bridge_timer_set(&bridge_update_tender, bridge_config->lease.time / 3);
}


static void
bridge_update_consumer_tend_stream(bridge_update_stream_t *stream)
{
    if (!stream->has_group) {
        bridge_update_reader_group(stream);
        return;
    }

    if (bridge_function_library_ready()) {
        bridge_redis_call(stream->slot, bridge_update_consumer_list, stream,
                          "XINFO CONSUMERS %s%s %s", stream->name,
                          bridge_config->updates.group);
        bridge_redis_call(stream->slot, bridge_update_consumer_age, stream,
                          "XPENDING %s%s %s IDLE %d - + %d", stream->name,
                          bridge_config->updates.group,
                          (int) bridge_config->lease.time,
                          BRIDGE_UPDATE_LATE);
    }
}


static void
bridge_update_consumer_list(void *data, redisReply *reply)
{
    size_t  i;

    if (reply && reply->type == REDIS_REPLY_ARRAY && bridge_update_on
        && bridge_peers_has(bridge_config->lease.id))
    {
        for (i = 0; i < reply->elements; i++) {
            bridge_update_consumer_name(data, reply->element[i]);
        }
    }
}


/* [ "name", name, "pending", n, "idle", msec, ... ] */

static void
bridge_update_consumer_name(bridge_update_stream_t *stream,
    redisReply *consumer)
{
    const char  *name;

    name = bridge_redis_text(consumer, 1);

    if (name == NULL || consumer->elements < 6 || bridge_peers_has(name)) {
        return;
    }

    if (consumer->element[3]->integer > 0) {
        bridge_redis_call(stream->slot, bridge_update_consumer_pending, stream,
                          "XPENDING %s%s %s IDLE %d - + %d %s", stream->name,
                          bridge_config->updates.group,
                          (int) bridge_config->lease.time / 2,
                          BRIDGE_UPDATE_COUNT, name);

    } else if (consumer->element[5]->integer > BRIDGE_UPDATE_IDLE) {
        bridge_redis_call(stream->slot, NULL, NULL,
                          "XGROUP DELCONSUMER %s%s %s %s", stream->name,
                          bridge_config->updates.group, name);
    }
}


/* [ [ id, consumer, idle, n ], ... ] */

static void
bridge_update_consumer_pending(void *data, redisReply *reply)
{
    size_t       i;
    const char  *id;

    for (i = 0; reply && bridge_update_on && i < reply->elements; i++) {
        id = bridge_redis_text(reply->element[i], 0);

        if (id) {
            bridge_update_consumer_claim(data, id, strlen(id),
                                         bridge_config->lease.time / 2);
        }
    }
}


static void
bridge_update_consumer_claim(bridge_update_stream_t *stream, const char *id,
    size_t len, bridge_msec_t idle)
{
    bridge_redis_call(stream->slot, bridge_update_consumer_claimed, stream,
                      "XCLAIM %s%s %s %s %d %b", stream->name,
                      bridge_config->updates.group, bridge_config->lease.id,
                      (int) idle, id, len);
}


/* [ entry, ... ] */

static void
bridge_update_consumer_claimed(void *data, redisReply *reply)
{
    size_t  i;

    for (i = 0; reply && bridge_update_on && i < reply->elements; i++) {
        bridge_update_entry_add(data, reply->element[i]);
    }
}


/*
 * A held update waits for other updates of its account, which is no fault of
 * this bridge.
 */

static void
bridge_update_consumer_age(void *data, redisReply *reply)
{
    size_t       i;
    unsigned     late;
    redisReply  *entry, *oldest;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    oldest = NULL;
    late = 0;

    for (i = 0; i < reply->elements; i++) {
        entry = reply->element[i];

        if (bridge_redis_text(entry, 1) == NULL || entry->elements < 3) {
            return;
        }

        if (bridge_update_consumer_is_held(data, bridge_redis_text(entry, 0)))
        {
            continue;
        }

        late++;

        if (oldest == NULL
            || entry->element[2]->integer > oldest->element[2]->integer)
        {
            oldest = entry;
        }
    }

    bridge_update_consumer_aged(data, late, oldest);
}


static int
bridge_update_consumer_is_held(bridge_update_stream_t *stream, const char *id)
{
    char                   *name;
    bridge_update_entry_t  *entry;

    name = bridge_update_stream_entry(stream, id);
    entry = bridge_update_queue_find(name);
    free(name);

    return entry && !entry->placed;
}


/* The first of several late ones is logged, and the end of it. */

static void
bridge_update_consumer_aged(bridge_update_stream_t *stream, unsigned late,
    redisReply *oldest)
{
    unsigned  before;

    before = bridge_update_consumer_late();

    stream->late = late;
    stream->oldest = oldest ? oldest->element[2]->integer : 0;

    if (oldest && before == 0) {
        bridge_log(BRIDGE_LOG_WARN, "updates: %u have been read over %d s "
                   "ago and have no result yet, first entry %s, by bridge "
                   "\"%s\"", late, (int) (bridge_config->lease.time / 1000),
                   oldest->element[0]->str, oldest->element[1]->str);

    } else if (before && bridge_update_consumer_late() == 0) {
        bridge_log(BRIDGE_LOG_NOTICE, "updates: none is late any more");
    }
}
