
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection that only listens can be dead without an error.  So a probe is
 * published every few seconds, at each node.  If the probe does not come back,
 * the connection is closed and opened again.
 *
 * A cluster takes a subscription away when the slot moves, without being
 * asked.  The channel is subscribed to at the new master as soon as that is
 * known.  Messages in between are lost; "listening" makes up for them.
 */


#include "bridge_subscriber.h"

#include "pimap_redis_key.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define BRIDGE_SUBSCRIBER_CHANNELS  64
#define BRIDGE_SUBSCRIBER_RETRY     200     /* msec after a refusal */


typedef enum {
    BRIDGE_CHANNEL_NONE = 0,
    BRIDGE_CHANNEL_SENT,                /* the command, no answer yet */
    BRIDGE_CHANNEL_SUBSCRIBED
} bridge_channel_state_t;


typedef struct {
    char                          *name;
    unsigned                       slot;
    const bridge_redis_message_t  *message;     /* NULL: the inbox */
    bridge_node_t                 *node;        /* NULL: none has the slot */
    bridge_channel_state_t         state;
} bridge_channel_t;


static void bridge_subscriber_add(char *name,
    const bridge_redis_message_t *message);
static void bridge_subscriber_place_probe(bridge_node_t *node);
static void bridge_subscriber_up(bridge_redis_t *redis);
static void bridge_subscriber_subscribe(bridge_node_t *node);
static int bridge_subscriber_send(bridge_node_t *node, const char *channel);
static void bridge_subscriber_down(bridge_redis_t *redis);
static void bridge_subscriber_retry(evutil_socket_t fd, short what,
    void *data);
static void bridge_subscriber_reply(bridge_redis_t *redis, redisReply *reply);
static void bridge_subscriber_error(bridge_node_t *node, redisReply *reply);
static void bridge_subscriber_confirmed(bridge_node_t *node,
    const char *channel);
static void bridge_subscriber_taken(bridge_node_t *node, const char *channel);
static void bridge_subscriber_message(bridge_node_t *node,
    const char *channel, redisReply *payload);
static void bridge_subscriber_inbox(bridge_node_t *node, redisReply *payload);
static bridge_channel_t *bridge_subscriber_find(const char *name);
static void bridge_subscriber_timer_handler(evutil_socket_t fd, short what,
    void *data);


static const bridge_redis_message_t  *bridge_subscriber_messages;
static void                         (*bridge_subscriber_listening)(void);

static bridge_channel_t   bridge_channels[BRIDGE_SUBSCRIBER_CHANNELS];
static unsigned           bridge_nchannels;


void
bridge_subscriber_start(const bridge_redis_message_t *channels,
    const bridge_redis_message_t *inbox, void (*listening)(void))
{
    unsigned     i;
    const char  *prefix;

    bridge_subscriber_messages = inbox;
    bridge_subscriber_listening = listening;

    prefix = bridge_redis_conf->prefix;

    for ( /* void */ ; channels->name; channels++) {

        if (!bridge_redis_conf_is_cluster(bridge_redis_conf)) {
            bridge_subscriber_add(bridge_format("%s:%s", prefix,
                                                channels->name),
                                  channels);
            continue;
        }

        for (i = 0; i < PIMAP_REDIS_PARTITIONS; i++) {
            bridge_subscriber_add(bridge_format("%s:%s" PIMAP_REDIS_PARTITION,
                                                prefix, channels->name, i),
                                  channels);
        }
    }

    bridge_subscriber_add(bridge_format("%s:bridge:%s", prefix,
                                        bridge_redis_conf->id),
                          NULL);
}


static void
bridge_subscriber_add(char *name, const bridge_redis_message_t *message)
{
    bridge_channel_t  *channel;

    channel = &bridge_channels[bridge_nchannels++];

    channel->name = name;
    channel->slot = bridge_topology_slot(name, strlen(name));
    channel->message = message;
    channel->node = NULL;
    channel->state = BRIDGE_CHANNEL_NONE;
}


void
bridge_subscriber_stop(void)
{
    while (bridge_nchannels) {
        free(bridge_channels[--bridge_nchannels].name);
    }
}


void
bridge_subscriber_open(bridge_node_t *node)
{
    bridge_redis_t  *redis;

    evtimer_assign(&node->subscriber.timer, bridge_base,
                   bridge_subscriber_timer_handler, node);
    evtimer_assign(&node->subscriber.retry, bridge_base,
                   bridge_subscriber_retry, node);

    node->subscriber.probe_slot = PIMAP_REDIS_SLOTS;

    redis = &node->subscriber.redis;

    redis->role = "subscriber";
    redis->data = node;
    redis->choose = bridge_redis_conf_is_cluster(bridge_redis_conf)
                    ? bridge_node_choose : NULL;
    redis->up = bridge_subscriber_up;
    redis->down = bridge_subscriber_down;
    redis->reply = bridge_subscriber_reply;

    bridge_redis_open(redis);
}


void
bridge_subscriber_close(bridge_node_t *node)
{
    unsigned  i;

    bridge_redis_close(&node->subscriber.redis);
    evtimer_del(&node->subscriber.timer);
    evtimer_del(&node->subscriber.retry);

    free(node->subscriber.probe_channel);

    for (i = 0; i < bridge_nchannels; i++) {
        if (bridge_channels[i].node == node) {
            bridge_channels[i].node = NULL;
            bridge_channels[i].state = BRIDGE_CHANNEL_NONE;
        }
    }
}


int
bridge_subscriber_works(bridge_node_t *node)
{
    return node->subscriber.redis.state == BRIDGE_REDIS_UP
           && node->subscriber.listening && node->subscriber.returned;
}


int
bridge_subscriber_ready(void)
{
    return bridge_node_share(bridge_subscriber_works) > PIMAP_REDIS_SLOTS / 2;
}


void
bridge_subscriber_tell(const char *bridge, const char *format, ...)
{
    char     *text, *name;
    va_list   args;

    va_start(args, format);
    text = bridge_vformat(format, args);
    va_end(args);

    name = bridge_format("bridge:%s", bridge);

    (void) bridge_redis_command_send(bridge_redis_slot(name), NULL, NULL,
                                     "%s %s:%s %s",
                                     bridge_redis_command_publish(),
                                     bridge_redis_conf->prefix, name, text);
    free(name);
    free(text);
}


/* The old master takes its subscriptions away by itself. */

void
bridge_subscriber_placed(void)
{
    unsigned           i;
    bridge_node_t     *node;
    bridge_channel_t  *channel;

    for (i = 0; i < bridge_nchannels; i++) {
        channel = &bridge_channels[i];
        node = bridge_node_of(channel->slot);

        if (channel->node != node) {
            channel->node = node;
            channel->state = BRIDGE_CHANNEL_NONE;
        }
    }

    bridge_node_each(node) {
        bridge_subscriber_place_probe(node);

        if (node->subscriber.redis.state == BRIDGE_REDIS_UP) {
            bridge_subscriber_subscribe(node);
        }
    }
}


/* In a cluster the channel of the probe has a slot of the node. */

static void
bridge_subscriber_place_probe(bridge_node_t *node)
{
    char                       tag[PIMAP_REDIS_SLOT_TAG];
    unsigned                   slot;
    bridge_node_subscriber_t  *s = &node->subscriber;

    if (s->probe_slot < PIMAP_REDIS_SLOTS
        && bridge_node_of(s->probe_slot) == node)
    {
        return;
    }

    slot = bridge_node_slot(node);

    free(s->probe_channel);
    s->probe_channel = NULL;
    s->probe_slot = slot;
    s->probe_subscribed = 0;
    s->returned = 0;

    if (!bridge_redis_conf_is_cluster(bridge_redis_conf)) {
        s->probe_channel = bridge_format("%s:bridge:%s",
                                         bridge_redis_conf->prefix,
                                         bridge_redis_conf->id);

    } else if (slot < PIMAP_REDIS_SLOTS) {
        (void) pimap_redis_slot_tag(slot, tag);
        s->probe_channel = bridge_format("%s:bridge:{%s}:%s",
                                         bridge_redis_conf->prefix, tag,
                                         bridge_redis_conf->id);
    }
}


static void
bridge_subscriber_up(bridge_redis_t *redis)
{
    bridge_node_t  *node = redis->data;

    node->subscriber.returned = 0;
    node->subscriber.listening = 0;
    node->subscriber.probe_sent = 0;

    bridge_subscriber_subscribe(node);

    bridge_timer_set(&node->subscriber.timer, bridge_redis_conf->timeout);
}


/* To all channels of the node that are not subscribed to. */

static void
bridge_subscriber_subscribe(bridge_node_t *node)
{
    int                rc;
    unsigned           i;
    bridge_channel_t  *channel;

    rc = 0;

    for (i = 0; i < bridge_nchannels; i++) {
        channel = &bridge_channels[i];

        if (channel->node == node && channel->state == BRIDGE_CHANNEL_NONE) {
            rc |= bridge_subscriber_send(node, channel->name);
            channel->state = BRIDGE_CHANNEL_SENT;
            node->subscriber.listening = 0;
        }
    }

    if (node->subscriber.probe_channel && !node->subscriber.probe_subscribed
        && bridge_redis_conf_is_cluster(bridge_redis_conf))
    {
        rc |= bridge_subscriber_send(node, node->subscriber.probe_channel);
        node->subscriber.listening = 0;
    }

    if (rc != 0) {
        bridge_redis_fail(&node->subscriber.redis, "no memory to subscribe");
    }
}


static int
bridge_subscriber_send(bridge_node_t *node, const char *channel)
{
    return bridge_redis_format(&node->subscriber.redis, "%s %s",
                               bridge_redis_conf_is_cluster(bridge_redis_conf)
                               ? "SSUBSCRIBE" : "SUBSCRIBE", channel);
}


static void
bridge_subscriber_down(bridge_redis_t *redis)
{
    unsigned        i;
    bridge_node_t  *node = redis->data;

    node->subscriber.returned = 0;
    node->subscriber.listening = 0;
    node->subscriber.probe_subscribed = 0;

    for (i = 0; i < bridge_nchannels; i++) {
        if (bridge_channels[i].node == node) {
            bridge_channels[i].state = BRIDGE_CHANNEL_NONE;
        }
    }

    evtimer_del(&node->subscriber.timer);
    evtimer_del(&node->subscriber.retry);

    bridge_topology_refresh();
}


static void
bridge_subscriber_retry(evutil_socket_t fd, short what, void *data)
{
    unsigned        i;
    bridge_node_t  *node = data;

    for (i = 0; i < bridge_nchannels; i++) {
        if (bridge_channels[i].node == node
            && bridge_channels[i].state == BRIDGE_CHANNEL_SENT)
        {
            bridge_channels[i].state = BRIDGE_CHANNEL_NONE;
        }
    }

    bridge_subscriber_subscribe(node);
}


/* "subscribe" channel n, "message" channel payload; or with an "s" before */

static void
bridge_subscriber_reply(bridge_redis_t *redis, redisReply *reply)
{
    const char     *type, *channel;
    bridge_node_t  *node = redis->data;

    if (reply->type == REDIS_REPLY_ERROR) {
        bridge_subscriber_error(node, reply);
        return;
    }

    type = bridge_redis_text(reply, 0);
    channel = bridge_redis_text(reply, 1);

    if (type == NULL || channel == NULL || reply->elements != 3) {
        bridge_redis_fail(redis, "unexpected reply");
        return;
    }

    if (strcmp(type, "subscribe") == 0 || strcmp(type, "ssubscribe") == 0) {
        bridge_subscriber_confirmed(node, channel);

    } else if (strcmp(type, "sunsubscribe") == 0) {
        bridge_subscriber_taken(node, channel);

    } else if (reply->element[2]->type == REDIS_REPLY_STRING) {
        bridge_subscriber_message(node, channel, reply->element[2]);
    }
}


/* It does not say which channel is refused: all are asked for again. */

static void
bridge_subscriber_error(bridge_node_t *node, redisReply *reply)
{
    pimap_redis_redirect_t  redirect;

    switch (pimap_redis_redirect_parse(&redirect, reply->str, reply->len,
                                       node->host))
    {

    case PIMAP_REDIS_REDIRECT_MOVED:
    case PIMAP_REDIS_REDIRECT_ASK:
    case PIMAP_REDIS_REDIRECT_TRYAGAIN:
    case PIMAP_REDIS_REDIRECT_DOWN:
        if (bridge_redis_conf_is_cluster(bridge_redis_conf)) {
            bridge_topology_refresh();
            bridge_timer_set(&node->subscriber.retry, BRIDGE_SUBSCRIBER_RETRY);
            return;
        }

        break;

    default:
        break;
    }

    bridge_redis_fail(&node->subscriber.redis, reply->str);
}


static void
bridge_subscriber_confirmed(bridge_node_t *node, const char *name)
{
    unsigned                   i;
    bridge_channel_t          *channel;
    bridge_node_subscriber_t  *s = &node->subscriber;

    channel = bridge_subscriber_find(name);

    if (channel && channel->node == node) {
        channel->state = BRIDGE_CHANNEL_SUBSCRIBED;
    }

    if (s->probe_channel && strcmp(s->probe_channel, name) == 0) {
        s->probe_subscribed = 1;
    }

    for (i = 0; i < bridge_nchannels; i++) {
        if (bridge_channels[i].node == node
            && bridge_channels[i].state != BRIDGE_CHANNEL_SUBSCRIBED)
        {
            return;
        }
    }

    if (!s->listening && s->probe_subscribed) {
        s->listening = 1;

        bridge_subscriber_timer_handler(-1, 0, node);
        bridge_subscriber_listening();
    }
}


/* The slot has moved. */

static void
bridge_subscriber_taken(bridge_node_t *node, const char *name)
{
    bridge_channel_t          *channel;
    bridge_node_subscriber_t  *s = &node->subscriber;

    channel = bridge_subscriber_find(name);

    if (channel && channel->node == node) {
        channel->state = BRIDGE_CHANNEL_NONE;
    }

    if (s->probe_channel && strcmp(s->probe_channel, name) == 0) {
        s->probe_subscribed = 0;
    }

    bridge_topology_refresh();
    bridge_timer_set(&s->retry, BRIDGE_SUBSCRIBER_RETRY);
}


static void
bridge_subscriber_message(bridge_node_t *node, const char *name,
    redisReply *payload)
{
    bridge_channel_t  *channel;

    channel = bridge_subscriber_find(name);

    if (channel && channel->message) {
        channel->message->handler(payload->str, payload->len);
        return;
    }

    bridge_subscriber_inbox(node, payload);
}


static void
bridge_subscriber_inbox(bridge_node_t *node, redisReply *payload)
{
    size_t                         len;
    unsigned long                  n;
    const bridge_redis_message_t  *m;

    if (sscanf(payload->str, "probe %lu", &n) == 1) {
        node->subscriber.returned |= n == node->subscriber.probe;

        if (bridge_node_share(bridge_subscriber_works) == PIMAP_REDIS_SLOTS) {
            bridge_redis_works();
        }

        return;
    }

    for (m = bridge_subscriber_messages; m->name; m++) {
        len = strlen(m->name);

        if (strncmp(payload->str, m->name, len) == 0
            && payload->str[len] == ' '
            && strlen(payload->str) == payload->len)
        {
            m->handler(payload->str + len + 1, payload->len - len - 1);
            return;
        }
    }
}


static bridge_channel_t *
bridge_subscriber_find(const char *name)
{
    unsigned  i;

    for (i = 0; i < bridge_nchannels; i++) {
        if (strcmp(bridge_channels[i].name, name) == 0) {
            return &bridge_channels[i];
        }
    }

    return NULL;
}


/* The probe was sent the last time, and has not come back? */

static void
bridge_subscriber_timer_handler(evutil_socket_t fd, short what, void *data)
{
    char                       text[32];
    bridge_node_t             *node = data;
    bridge_node_subscriber_t  *s = &node->subscriber;

    if (s->redis.state != BRIDGE_REDIS_UP) {
        return;
    }

    if (s->probe_sent && what && !s->returned) {
        s->probe_sent = 0;
        bridge_redis_fail(&s->redis, "a probe has not come back");
        return;
    }

    s->probe_sent = bridge_node_is_up(node) && s->probe_channel;

    if (s->probe_sent) {
        s->returned = 0;
        snprintf(text, sizeof(text), "probe %lu", ++s->probe);

        (void) bridge_redis_command_node(node, NULL, NULL, "%s %s %s",
                                         bridge_redis_command_publish(),
                                         s->probe_channel, text);
    }

    bridge_timer_set(&s->timer, bridge_redis_conf->timeout);
}
