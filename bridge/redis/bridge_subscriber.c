
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection that only listens can be dead without an error.  So a probe is
 * published to the inbox of this process every few seconds.  If the probe does
 * not come back, the connection is closed and opened again.
 */


#include "bridge_redis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


static void bridge_subscriber_up(bridge_redis_t *redis);
static void bridge_subscriber_add(const char *channel);
static void bridge_subscriber_down(bridge_redis_t *redis);
static void bridge_subscriber_reply(bridge_redis_t *redis, redisReply *reply);
static void bridge_subscriber_message(const char *channel,
    redisReply *payload);
static void bridge_subscriber_timer_handler(evutil_socket_t fd, short what,
    void *data);


static bridge_redis_t  bridge_subscriber;
static struct event    bridge_subscriber_timer;
static unsigned long   bridge_subscriber_probe;
static int             bridge_subscriber_returned;
static int             bridge_subscriber_wanted;    /* answers */


void
bridge_subscriber_init(void)
{
    evtimer_assign(&bridge_subscriber_timer, bridge_base,
                   bridge_subscriber_timer_handler, NULL);

    bridge_redis_open(&bridge_subscriber, "subscriber", bridge_subscriber_up,
                      bridge_subscriber_down, bridge_subscriber_reply);
}


void
bridge_subscriber_done(void)
{
    evtimer_del(&bridge_subscriber_timer);

    bridge_redis_close(&bridge_subscriber);
}


int
bridge_subscriber_ready(void)
{
    return bridge_subscriber.state == BRIDGE_REDIS_UP
           && bridge_subscriber_returned;
}


void
bridge_subscriber_tell(const char *bridge, const char *format, ...)
{
    char     *text;
    va_list   args;

    va_start(args, format);
    text = bridge_vformat(format, args);
    va_end(args);

    bridge_redis_call(NULL, NULL, "PUBLISH %s:bridge:%s %s", bridge, text);
    free(text);
}


static void
bridge_subscriber_up(bridge_redis_t *redis)
{
    char                          *inbox;
    const bridge_redis_message_t  *channel;

    bridge_subscriber_wanted = 0;
    bridge_subscriber_returned = 0;

    for (channel = bridge_redis_handlers->channels; channel->name; channel++) {
        bridge_subscriber_add(channel->name);
    }

    inbox = bridge_format("bridge:%s", bridge_redis_conf->id);
    bridge_subscriber_add(inbox);
    free(inbox);

    bridge_timer_set(&bridge_subscriber_timer, bridge_redis_conf->timeout);
}


static void
bridge_subscriber_add(const char *channel)
{
    if (bridge_redis_format(&bridge_subscriber, "SUBSCRIBE %s:%s",
                            bridge_redis_conf->prefix, channel)
        != 0)
    {
        bridge_redis_fail(&bridge_subscriber, "no memory to subscribe");
    }

    bridge_subscriber_wanted++;
}


static void
bridge_subscriber_down(bridge_redis_t *redis)
{
    bridge_subscriber_returned = 0;

    evtimer_del(&bridge_subscriber_timer);
}


/* "subscribe" channel n, "message" channel payload */

static void
bridge_subscriber_reply(bridge_redis_t *redis, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        bridge_redis_fail(redis, reply->str);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        bridge_redis_fail(redis, "unexpected reply");
        return;
    }

    if (strcmp(reply->element[0]->str, "subscribe") == 0) {

        if (--bridge_subscriber_wanted == 0) {
            bridge_subscriber_timer_handler(-1, 0, NULL);
            bridge_redis_handlers->listening();
        }

        return;
    }

    if (reply->element[2]->type == REDIS_REPLY_STRING) {
        bridge_subscriber_message(reply->element[1]->str, reply->element[2]);
    }
}


static void
bridge_subscriber_message(const char *channel, redisReply *payload)
{
    size_t                         len;
    unsigned long                  n;
    const bridge_redis_message_t  *m;

    channel += strlen(bridge_redis_conf->prefix) + 1;

    for (m = bridge_redis_handlers->channels; m->name; m++) {
        if (strcmp(channel, m->name) == 0) {
            m->handler(payload->str, payload->len);
            return;
        }
    }

    /* the inbox */

    if (sscanf(payload->str, "probe %lu", &n) == 1) {
        bridge_subscriber_returned |= n == bridge_subscriber_probe;

        if (bridge_subscriber_returned) {
            bridge_redis_works();
        }

        return;
    }

    for (m = bridge_redis_handlers->inbox; m->name; m++) {
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


/* The probe was sent the last time, and has not come back? */

static void
bridge_subscriber_timer_handler(evutil_socket_t fd, short what, void *data)
{
    static int  asked;

    if (bridge_subscriber.state != BRIDGE_REDIS_UP) {
        return;
    }

    if (asked && what && !bridge_subscriber_returned) {
        asked = 0;
        bridge_redis_fail(&bridge_subscriber, "a probe has not come back");
        return;
    }

    asked = bridge_redis_command_ready();

    if (asked) {
        bridge_subscriber_returned = 0;
        bridge_subscriber_tell(bridge_redis_conf->id, "probe %lu",
                               ++bridge_subscriber_probe);
    }

    bridge_timer_set(&bridge_subscriber_timer, bridge_redis_conf->timeout);
}
