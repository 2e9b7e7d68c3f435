
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The stream is P:updates.  A connection of its own waits for entries.  Those
 * of dead bridges are claimed.  A claim makes an entry young, so that only the
 * first of several bridges gets it.
 *
 * An answer of Redis may be lost with its connection.  Then Redis counts its
 * entries as read by this bridge.  So after each loss of a connection this
 * bridge reads its own entries first: those that it has are passed over.
 */


#include "bridge_update.h"
#include "bridge_supervisor.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_BLOCK  2000       /* msec that Redis waits */
#define BRIDGE_UPDATE_COUNT  50         /* entries at a time */
#define BRIDGE_UPDATE_LATE   1000       /* late entries that are counted */
#define BRIDGE_UPDATE_IDLE   3600000    /* msec until a consumer is removed */


static void bridge_update_consumer_up(bridge_redis_t *redis);
static void bridge_update_consumer_down(bridge_redis_t *redis);
static void bridge_update_consumer_read_own(void);
static void bridge_update_consumer_read(void);
static void bridge_update_consumer_reply(bridge_redis_t *redis,
    redisReply *reply);
static void bridge_update_consumer_own_read(redisReply *entries);
static void bridge_update_consumer_timer_handler(evutil_socket_t fd,
    short what, void *data);
static void bridge_update_consumer_group(void);
static void bridge_update_consumer_grouped(void *data, redisReply *reply);
static void bridge_update_consumer_tend(evutil_socket_t fd, short what,
    void *data);
static void bridge_update_consumer_list(void *data, redisReply *reply);
static void bridge_update_consumer_name(redisReply *consumer);
static void bridge_update_consumer_pending(void *data, redisReply *reply);
static void bridge_update_consumer_claim(const char *id, bridge_msec_t idle);
static void bridge_update_consumer_claimed(void *data, redisReply *reply);
static void bridge_update_consumer_add(redisReply *entries);
static void bridge_update_consumer_age(void *data, redisReply *reply);


static bridge_redis_t  bridge_update_reader;
static struct event    bridge_update_timer;
static struct event    bridge_update_tender;
static int             bridge_update_on;
static int             bridge_update_asked;
static int             bridge_update_has_group;
static char           *bridge_update_own;       /* NULL: all own are read */
static int             bridge_update_asked_own;
static unsigned        bridge_update_late;
static bridge_msec_t   bridge_update_oldest;    /* of the late ones */


void
bridge_update_consumer_init(void)
{
    evtimer_assign(&bridge_update_timer, bridge_base,
                   bridge_update_consumer_timer_handler, NULL);
    evtimer_assign(&bridge_update_tender, bridge_base,
                   bridge_update_consumer_tend, NULL);

    if (!bridge_config->updates.on) {
        return;
    }

    bridge_update_on = 1;

    bridge_redis_open(&bridge_update_reader, "updates",
                      bridge_update_consumer_up, bridge_update_consumer_down,
                      bridge_update_consumer_reply);
}


void
bridge_update_consumer_done(void)
{
    if (bridge_update_on) {
        bridge_update_on = 0;

        evtimer_del(&bridge_update_timer);
        evtimer_del(&bridge_update_tender);
        bridge_redis_close(&bridge_update_reader);
        g_clear_pointer(&bridge_update_own, free);
    }

    bridge_update_entries_done();
}


unsigned
bridge_update_consumer_late(void)
{
    return bridge_update_late;
}


int
bridge_update_consumer_overdue(void)
{
    return bridge_update_late
           && bridge_update_oldest > bridge_config->lease.time
                                     + bridge_config->updates.timeout;
}


void
bridge_update_consumer_redis_ready(void)
{
    if (bridge_update_on) {
        bridge_update_consumer_group();
        bridge_update_consumer_read_own();
        bridge_update_consumer_tend(-1, 0, NULL);
    }
}


void
bridge_update_consumer_offered(const char *id, size_t len)
{
    if (bridge_update_on) {
        bridge_update_consumer_claim(id, 0);
    }
}


static void
bridge_update_consumer_up(bridge_redis_t *redis)
{
    bridge_update_asked = 0;
    bridge_update_consumer_read_own();
    bridge_update_consumer_read();
}


/* An answer that is under way is of an earlier request: it moves nothing. */

static void
bridge_update_consumer_read_own(void)
{
    free(bridge_update_own);
    bridge_update_own = bridge_string("0");
    bridge_update_asked_own = 0;
}


static void
bridge_update_consumer_down(bridge_redis_t *redis)
{
    evtimer_del(&bridge_update_timer);
}


/* The rest waits in Redis. */

static void
bridge_update_consumer_read(void)
{
    if (bridge_update_asked || !bridge_update_on) {
        return;
    }

    if (!bridge_update_has_group || bridge_update_queue_full()) {
        bridge_timer_set(&bridge_update_timer, 100);
        return;
    }

    bridge_update_asked_own = bridge_update_own != NULL;
    bridge_update_asked = bridge_redis_format(&bridge_update_reader,
                              "XREADGROUP GROUP %s %s COUNT %d BLOCK %d "
                              "STREAMS %s:updates %s",
                              bridge_config->updates.group,
                              bridge_config->lease.id, BRIDGE_UPDATE_COUNT,
                              BRIDGE_UPDATE_BLOCK,
                              bridge_config->redis.prefix,
                              bridge_update_own ? bridge_update_own : ">")
                          == 0;

    bridge_timer_set(&bridge_update_timer, BRIDGE_UPDATE_BLOCK
                                           + bridge_config->redis.timeout);
}


/* [ [ stream, [ entry, ... ] ] ], or nil */

static void
bridge_update_consumer_reply(bridge_redis_t *redis, redisReply *reply)
{
    redisReply  *entries;

    bridge_update_asked = 0;

    if (reply->type == REDIS_REPLY_ERROR) {

        if (strncmp(reply->str, "NOGROUP", 7) == 0) {
            bridge_update_has_group = 0;
            bridge_update_consumer_group();
            bridge_timer_set(&bridge_update_timer, 100);
            return;
        }

        bridge_redis_fail(redis, reply->str);
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1
        && reply->element[0]->type == REDIS_REPLY_ARRAY
        && reply->element[0]->elements == 2)
    {
        entries = reply->element[0]->element[1];

        bridge_update_consumer_add(entries);

        if (bridge_update_asked_own) {
            bridge_update_consumer_own_read(entries);
        }
    }

    bridge_update_consumer_read();
}


/* The next page begins after the last entry of this one. */

static void
bridge_update_consumer_own_read(redisReply *entries)
{
    const char  *last;

    last = entries->elements
           ? bridge_redis_text(entries->element[entries->elements - 1], 0)
           : NULL;

    free(bridge_update_own);
    bridge_update_own = last ? bridge_string(last) : NULL;
}


static void
bridge_update_consumer_timer_handler(evutil_socket_t fd, short what,
    void *data)
{
    if (bridge_update_asked) {
        bridge_redis_fail(&bridge_update_reader, "no answer in time");
        return;
    }

    if (bridge_update_reader.state == BRIDGE_REDIS_UP) {
        bridge_update_consumer_read();
    }
}


static void
bridge_update_consumer_group(void)
{
    bridge_redis_call(bridge_update_consumer_grouped, NULL,
                      "XGROUP CREATE %s:updates %s 0 MKSTREAM",
                      bridge_config->updates.group);
}


static void
bridge_update_consumer_grouped(void *data, redisReply *reply)
{
    bridge_log_level_t  level;

    static bridge_msec_t  said;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ERROR
        || strncmp(reply->str, "BUSYGROUP", 9) == 0)
    {
        bridge_update_has_group = 1;
        return;
    }

    level = bridge_log_once(&said);

    bridge_log(level, "updates: cannot create the consumer group \"%s\": %s",
               bridge_config->updates.group, reply->str);
}


/*
 * Looks for consumers that are dead bridges.  The group is made before, also
 * after an error.
 */

static void
bridge_update_consumer_tend(evutil_socket_t fd, short what, void *data)
{
    if (!bridge_update_has_group) {
        bridge_update_consumer_group();

    } else if (bridge_function_library_ready()) {
        bridge_redis_call(bridge_update_consumer_list, NULL,
                          "XINFO CONSUMERS %s:updates %s",
                          bridge_config->updates.group);
        bridge_redis_call(bridge_update_consumer_age, NULL,
                          "XPENDING %s:updates %s IDLE %d - + %d",
                          bridge_config->updates.group,
                          (int) bridge_config->lease.time,
                          BRIDGE_UPDATE_LATE);
    }

    bridge_timer_set(&bridge_update_tender, bridge_config->lease.time / 3);
}


static void
bridge_update_consumer_list(void *data, redisReply *reply)
{
    size_t  i;

    if (reply && reply->type == REDIS_REPLY_ARRAY && bridge_update_on
        && bridge_peers_has(bridge_config->lease.id))
    {
        for (i = 0; i < reply->elements; i++) {
            bridge_update_consumer_name(reply->element[i]);
        }
    }
}


/* [ "name", name, "pending", n, "idle", msec, ... ] */

static void
bridge_update_consumer_name(redisReply *consumer)
{
    const char  *name;

    name = bridge_redis_text(consumer, 1);

    if (name == NULL || consumer->elements < 6 || bridge_peers_has(name)) {
        return;
    }

    if (consumer->element[3]->integer > 0) {
        bridge_redis_call(bridge_update_consumer_pending, NULL,
                          "XPENDING %s:updates %s IDLE %d - + %d %s",
                          bridge_config->updates.group,
                          (int) bridge_config->lease.time / 2,
                          BRIDGE_UPDATE_COUNT, name);

    } else if (consumer->element[5]->integer > BRIDGE_UPDATE_IDLE) {
        bridge_redis_call(NULL, NULL, "XGROUP DELCONSUMER %s:updates %s %s",
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
            bridge_update_consumer_claim(id, bridge_config->lease.time / 2);
        }
    }
}


static void
bridge_update_consumer_claim(const char *id, bridge_msec_t idle)
{
    bridge_redis_call(bridge_update_consumer_claimed, NULL,
                      "XCLAIM %s:updates %s %s %d %s",
                      bridge_config->updates.group, bridge_config->lease.id,
                      (int) idle, id);
}


static void
bridge_update_consumer_claimed(void *data, redisReply *reply)
{
    if (reply && bridge_update_on) {
        bridge_update_consumer_add(reply);
    }
}


/* [ entry, ... ] */

static void
bridge_update_consumer_add(redisReply *entries)
{
    size_t  i;

    for (i = 0; i < entries->elements; i++) {
        bridge_update_entry_add(entries->element[i]);
    }
}


/*
 * The first of several late ones is logged, and the end of it.  One that is
 * held waits for others of its account, which is no fault of this bridge.
 */

static void
bridge_update_consumer_age(void *data, redisReply *reply)
{
    size_t                  i;
    unsigned                late;
    redisReply             *entry, *oldest;
    bridge_update_entry_t  *held;

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

        held = bridge_update_queue_find(bridge_redis_text(entry, 0));

        if (held && !held->placed) {
            continue;
        }

        late++;

        if (oldest == NULL
            || entry->element[2]->integer > oldest->element[2]->integer)
        {
            oldest = entry;
        }
    }

    if (oldest && bridge_update_late == 0) {
        bridge_log(BRIDGE_LOG_WARN, "updates: %u have been read over %d s "
                   "ago and have no result yet, first entry %s, by bridge "
                   "\"%s\"", late, (int) (bridge_config->lease.time / 1000),
                   oldest->element[0]->str, oldest->element[1]->str);

    } else if (oldest == NULL && bridge_update_late) {
        bridge_log(BRIDGE_LOG_NOTICE, "updates: none is late any more");
    }

    bridge_update_late = late;
    bridge_update_oldest = oldest ? oldest->element[2]->integer : 0;
}
