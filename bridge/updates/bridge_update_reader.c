
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection for each stream waits for entries, because Redis answers a
 * command that waits before any other.
 *
 * An answer of Redis may be lost with its connection.  Then Redis counts its
 * entries as read by this bridge.  So after each loss of a connection this
 * bridge reads its own entries first: those that it has are passed over.
 *
 * In a cluster the stream may be on its way to another master.  Then it is
 * read there, after ASKING.
 */


#include "bridge_update.h"

#include <stdlib.h>


#define BRIDGE_UPDATE_BLOCK  2000       /* msec that Redis waits */
#define BRIDGE_UPDATE_COUNT  50         /* entries at a time */
#define BRIDGE_UPDATE_PAUSE  100        /* msec until it is asked again */
#define BRIDGE_UPDATE_ASK    3          /* attempts to connect there */


static void bridge_update_reader_choose(bridge_redis_t *redis);
static void bridge_update_reader_up(bridge_redis_t *redis);
static void bridge_update_reader_down(bridge_redis_t *redis);
static void bridge_update_reader_read(bridge_update_stream_t *stream);
static void bridge_update_reader_reply(bridge_redis_t *redis,
    redisReply *reply);
static void bridge_update_reader_entries(bridge_update_stream_t *stream,
    redisReply *reply);
static void bridge_update_reader_own_read(bridge_update_stream_t *stream,
    redisReply *entries);
static void bridge_update_reader_error(bridge_update_stream_t *stream,
    redisReply *reply);
static void bridge_update_reader_timer_handler(evutil_socket_t fd,
    short what, void *data);
static void bridge_update_reader_grouped(void *data, redisReply *reply);


void
bridge_update_reader_open(bridge_update_stream_t *stream)
{
    bridge_redis_t  *redis;

    evtimer_assign(&stream->timer, bridge_base,
                   bridge_update_reader_timer_handler, stream);

    redis = &stream->redis;
    memset(redis, 0, sizeof(bridge_redis_t));

    redis->role = "updates";
    redis->data = stream;
    redis->choose = bridge_redis_conf_is_cluster(bridge_redis_conf)
                    ? bridge_update_reader_choose : NULL;
    redis->up = bridge_update_reader_up;
    redis->down = bridge_update_reader_down;
    redis->reply = bridge_update_reader_reply;

    stream->has_group = 0;
    stream->ask_tries = 0;

    bridge_redis_open(redis);
}


void
bridge_update_reader_close(bridge_update_stream_t *stream)
{
    evtimer_del(&stream->timer);
    bridge_redis_close(&stream->redis);
    g_clear_pointer(&stream->own, free);
}


/* As long as the topology is unknown the first node of the settings is as
   good as any. */

static void
bridge_update_reader_choose(bridge_redis_t *redis)
{
    bridge_node_t           *node;
    pimap_redis_url_host_t  *host;
    bridge_update_stream_t  *stream = redis->data;

    node = bridge_node_of(stream->slot);

    if (stream->ask_tries) {
        stream->ask_tries--;
        strcpy(redis->host, stream->ask_host);
        redis->port = stream->ask_port;

    } else if (node) {
        strcpy(redis->host, node->host);
        redis->port = node->port;

    } else {
        host = &bridge_redis_conf->url.hosts[0];
        g_strlcpy(redis->host, host->name, sizeof(redis->host));
        redis->port = host->port;
    }
}


static void
bridge_update_reader_up(bridge_redis_t *redis)
{
    bridge_update_stream_t  *stream = redis->data;

    stream->asked = 0;

    if (stream->ask_tries) {
        stream->ask_tries = BRIDGE_UPDATE_ASK;
    }

    bridge_update_reader_own(stream);
    bridge_update_reader_read(stream);
}


/* An answer that is under way is of an earlier request: it moves nothing. */

void
bridge_update_reader_own(bridge_update_stream_t *stream)
{
    free(stream->own);
    stream->own = bridge_string("0");
    stream->asked_own = 0;
}


static void
bridge_update_reader_down(bridge_redis_t *redis)
{
    bridge_update_stream_t  *stream = redis->data;

    evtimer_del(&stream->timer);
}


/* The rest waits in Redis. */

static void
bridge_update_reader_read(bridge_update_stream_t *stream)
{
    if (stream->asked) {
        return;
    }

    if (!stream->has_group || bridge_update_queue_full()) {
        bridge_timer_set(&stream->timer, BRIDGE_UPDATE_PAUSE);
        return;
    }

    if (stream->ask_tries) {
        (void) bridge_redis_format(&stream->redis, "ASKING");
    }

    stream->asked_own = stream->own != NULL;
    stream->asked = bridge_redis_format(&stream->redis,
                              "XREADGROUP GROUP %s %s COUNT %d BLOCK %d "
                              "STREAMS %s%s %s",
                              bridge_config->updates.group,
                              bridge_config->lease.id, BRIDGE_UPDATE_COUNT,
                              BRIDGE_UPDATE_BLOCK,
                              bridge_config->redis.prefix, stream->name,
                              stream->own ? stream->own : ">")
                    == 0;

    bridge_timer_set(&stream->timer, BRIDGE_UPDATE_BLOCK
                                     + bridge_config->redis.timeout);
}


/* [ [ stream, [ entry, ... ] ] ], or nil; "OK" is ASKING's */

static void
bridge_update_reader_reply(bridge_redis_t *redis, redisReply *reply)
{
    bridge_update_stream_t  *stream = redis->data;

    if (reply->type == REDIS_REPLY_STATUS) {
        return;
    }

    stream->asked = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        bridge_update_reader_error(stream, reply);
        return;
    }

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1
        && reply->element[0]->type == REDIS_REPLY_ARRAY
        && reply->element[0]->elements == 2)
    {
        bridge_update_reader_entries(stream, reply->element[0]->element[1]);
    }

    bridge_update_reader_read(stream);
}


static void
bridge_update_reader_entries(bridge_update_stream_t *stream,
    redisReply *entries)
{
    size_t  i;

    for (i = 0; i < entries->elements; i++) {
        bridge_update_entry_add(stream, entries->element[i]);
    }

    if (stream->asked_own) {
        bridge_update_reader_own_read(stream, entries);
    }
}


/* The next page begins after the last entry of this one. */

static void
bridge_update_reader_own_read(bridge_update_stream_t *stream,
    redisReply *entries)
{
    const char  *last;

    last = entries->elements
           ? bridge_redis_text(entries->element[entries->elements - 1], 0)
           : NULL;

    free(stream->own);
    stream->own = last ? bridge_string(last) : NULL;
}


/* The connection goes to where the stream is. */

static void
bridge_update_reader_error(bridge_update_stream_t *stream, redisReply *reply)
{
    pimap_redis_redirect_t  redirect;

    if (strncmp(reply->str, "NOGROUP", 7) == 0
        || strncmp(reply->str, "UNBLOCKED", 9) == 0)
    {
        stream->has_group = 0;
        bridge_update_reader_group(stream);
        bridge_timer_set(&stream->timer, BRIDGE_UPDATE_PAUSE);
        return;
    }

    if (!bridge_redis_conf_is_cluster(bridge_redis_conf)) {
        bridge_redis_fail(&stream->redis, reply->str);
        return;
    }

    switch (pimap_redis_redirect_parse(&redirect, reply->str, reply->len,
                                       stream->redis.host))
    {

    case PIMAP_REDIS_REDIRECT_MOVED:
        stream->ask_tries = 0;

        if (redirect.port) {
            (void) bridge_node_moved(redirect.slot, redirect.host,
                                     redirect.port);
        }

        break;

    case PIMAP_REDIS_REDIRECT_ASK:
        stream->ask_tries = redirect.port ? BRIDGE_UPDATE_ASK : 0;
        stream->ask_port = redirect.port;
        strcpy(stream->ask_host, redirect.host);
        break;

    case PIMAP_REDIS_REDIRECT_TRYAGAIN:
    case PIMAP_REDIS_REDIRECT_DOWN:
        bridge_topology_refresh();
        bridge_timer_set(&stream->timer, BRIDGE_UPDATE_PAUSE);
        return;

    default:
        bridge_redis_fail(&stream->redis, reply->str);
        return;
    }

    bridge_topology_refresh();
    bridge_redis_end(&stream->redis);
}


static void
bridge_update_reader_timer_handler(evutil_socket_t fd, short what,
    void *data)
{
    bridge_update_stream_t  *stream = data;

    if (stream->asked) {
        bridge_redis_fail(&stream->redis, "no answer in time");
        return;
    }

    if (stream->redis.state == BRIDGE_REDIS_UP) {
        bridge_update_reader_read(stream);
    }
}


void
bridge_update_reader_group(bridge_update_stream_t *stream)
{
    bridge_redis_call(stream->slot, bridge_update_reader_grouped, stream,
                      "XGROUP CREATE %s%s %s 0 MKSTREAM", stream->name,
                      bridge_config->updates.group);
}


static void
bridge_update_reader_grouped(void *data, redisReply *reply)
{
    bridge_log_level_t       level;
    bridge_update_stream_t  *stream = data;

    static bridge_msec_t  said;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_ERROR
        || strncmp(reply->str, "BUSYGROUP", 9) == 0)
    {
        stream->has_group = 1;
        return;
    }

    level = bridge_log_once(&said);

    bridge_log(level, "updates: cannot create the consumer group \"%s\": %s",
               bridge_config->updates.group, reply->str);
}
