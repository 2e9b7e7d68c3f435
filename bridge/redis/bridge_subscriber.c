
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection that only listens can be dead without anybody noticing.  So a
 * probe is published to our own inbox, every few seconds, and when it does
 * not come back the connection is made anew.
 */


#include "bridge_subscriber.h"
#include "bridge_redis_command.h"
#include "bridge_config.h"
#include "bridge_session_dav.h"
#include "bridge_presence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


static void bridge_subscriber_up(bridge_redis_t *redis);
static void bridge_subscriber_down(bridge_redis_t *redis);
static void bridge_subscriber_reply(bridge_redis_t *redis,
    redisReply *reply);
static void bridge_subscriber_message(const char *channel,
    redisReply *payload);
static void bridge_subscriber_timer_handler(evutil_socket_t fd, short what,
    void *data);


static bridge_redis_t        bridge_subscriber;
static struct event          bridge_subscriber_timer;
static unsigned long         bridge_subscriber_probe;
static int                   bridge_subscriber_returned;
static int                   bridge_subscriber_channels;
static bridge_subscriber_pt  bridge_subscriber_presence;
static bridge_subscriber_pt  bridge_subscriber_inbox;


void
bridge_subscriber_listen(bridge_subscriber_pt presence,
    bridge_subscriber_pt inbox)
{
    if (presence) {
        bridge_subscriber_presence = presence;
    }

    if (inbox) {
        bridge_subscriber_inbox = inbox;
    }
}


void
bridge_subscriber_init(void)
{
    evtimer_assign(&bridge_subscriber_timer, bridge_base,
                   bridge_subscriber_timer_handler, NULL);

    bridge_subscriber.role = "subscriber";
    bridge_subscriber.up = bridge_subscriber_up;
    bridge_subscriber.down = bridge_subscriber_down;
    bridge_subscriber.reply = bridge_subscriber_reply;

    bridge_redis_open(&bridge_subscriber);
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
    char     text[BRIDGE_ACCOUNT_MAX + 64];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    bridge_redis_command_send(NULL, NULL, "PUBLISH %s:bridge:%s %s",
                          bridge_config->redis.prefix, bridge, text);
}


static void
bridge_subscriber_up(bridge_redis_t *redis)
{
    int    len;
    char  *command;

    bridge_subscriber_channels = 0;
    bridge_subscriber_returned = 0;

    len = redisFormatCommand(&command, "SUBSCRIBE %s:presence %s:poke "
                             "%s:bridge:%s",
                             bridge_config->redis.prefix,
                             bridge_config->redis.prefix,
                             bridge_config->redis.prefix,
                             bridge_config->lease.id);

    if (len < 0 || bridge_redis_send(redis, command, len) != 0) {
        bridge_redis_fail(redis, "no memory to subscribe");
    }

    if (len >= 0) {
        free(command);
    }

    bridge_timer_set(&bridge_subscriber_timer, bridge_config->redis.timeout);
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

        if (++bridge_subscriber_channels == 3) {
            bridge_subscriber_timer_handler(-1, 0, NULL);
            bridge_presence_listening();
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
    unsigned long  n;

    channel += strlen(bridge_config->redis.prefix) + 1;

    if (strcmp(channel, "presence") == 0) {
        bridge_subscriber_presence(payload->str, payload->len);
        return;
    }

    if (strcmp(channel, "poke") == 0) {
        bridge_session_dav_poke(payload->str, payload->len);
        return;
    }

    if (sscanf(payload->str, "probe %lu", &n) == 1) {
        bridge_subscriber_returned |= n == bridge_subscriber_probe;
        return;
    }

    bridge_subscriber_inbox(payload->str, payload->len);
}


/* Published while the commander is up, and not back since the last time? */

static void
bridge_subscriber_timer_handler(evutil_socket_t fd, short what, void *data)
{
    static int  asked;

    if (bridge_subscriber.state != BRIDGE_REDIS_UP) {
        return;
    }

    if (asked && what && !bridge_subscriber_returned) {
        asked = 0;
        bridge_redis_fail(&bridge_subscriber, "probe did not come back");
        return;
    }

    asked = bridge_redis_command_ready();

    if (asked) {
        bridge_subscriber_returned = 0;
        bridge_subscriber_tell(bridge_config->lease.id, "probe %lu",
                               ++bridge_subscriber_probe);
    }

    bridge_timer_set(&bridge_subscriber_timer, bridge_config->redis.timeout);
}
