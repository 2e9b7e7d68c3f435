
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis is asked at once, and a minute later, as workers of nginx may come
 * back to a Redis that has restarted later than this bridge.
 *
 * Without a master user the bridge has no login for an account that it finds.
 * Its devices are told to log in again.
 */


#include "bridge_supervisor.h"
#include "pimap_account.h"

#include <stdlib.h>


#define BRIDGE_ACCOUNT_SCAN_AGAIN  60000    /* msec */
#define BRIDGE_ACCOUNT_SCAN_RETRY  10000    /* msec after an error */


static void bridge_account_scan(evutil_socket_t fd, short what, void *data);
static void bridge_account_scan_answered(void *data, redisReply *reply);
static void bridge_account_scan_refused(redisReply *reply);
static void bridge_account_scan_end(int lost);
static int bridge_account_scan_channel(const char *channel);


static struct event  bridge_account_scan_timer;
static unsigned      bridge_account_scan_waiting;   /* answers */
static unsigned      bridge_account_scan_found;     /* without a login */
static int           bridge_account_scan_wanted;    /* once more */
static int           bridge_account_scan_again;
static int           bridge_account_scan_failed;
static int           bridge_account_scan_last;


void
bridge_account_scan_start(void)
{
    if (bridge_account_leaving || !bridge_config->sessions.on) {
        return;
    }

    if (!event_initialized(&bridge_account_scan_timer)) {
        evtimer_assign(&bridge_account_scan_timer, bridge_base,
                       bridge_account_scan, NULL);
    }

    bridge_account_scan_last = 0;
    bridge_timer_set(&bridge_account_scan_timer, 0);
}


void
bridge_account_scan_done(void)
{
    if (event_initialized(&bridge_account_scan_timer)) {
        evtimer_del(&bridge_account_scan_timer);
    }
}


/* Each master knows its own subscribers. */

static void
bridge_account_scan(evutil_socket_t fd, short what, void *data)
{
    bridge_node_t  *node;

    if (bridge_account_scan_waiting) {
        bridge_account_scan_wanted = 1;
        return;
    }

    bridge_account_scan_wanted = 0;
    bridge_account_scan_found = 0;
    bridge_account_scan_again = 0;

    bridge_node_each(node) {
        if (bridge_redis_command_node(node, bridge_account_scan_answered,
                                      NULL, "PUBSUB %s "
                                      PIMAP_REDIS_KEY("%s", "*"),
                                      bridge_redis_conf_is_cluster(
                                          bridge_redis_conf)
                                      ? "SHARDCHANNELS" : "CHANNELS",
                                      bridge_redis_conf->prefix))
        {
            bridge_account_scan_waiting++;
        }
    }
}


/* Without an answer the next connection to Redis asks again. */

static void
bridge_account_scan_answered(void *data, redisReply *reply)
{
    size_t       i;
    const char  *channel;

    bridge_account_scan_waiting--;

    if (bridge_account_leaving) {
        return;
    }

    if (reply && reply->type == REDIS_REPLY_ARRAY) {

        for (i = 0; i < reply->elements; i++) {
            channel = bridge_redis_text(reply, i);
            bridge_account_scan_found += channel
                                      && bridge_account_scan_channel(channel);
        }

    } else if (reply) {
        bridge_account_scan_refused(reply);
    }

    if (bridge_account_scan_waiting == 0) {
        bridge_account_scan_end(reply == NULL);
    }
}


static void
bridge_account_scan_refused(redisReply *reply)
{
    bridge_log(bridge_account_scan_failed ? BRIDGE_LOG_INFO
               : BRIDGE_LOG_ERROR, "the bridge does not learn which "
               "devices are parked already, trying again: %s",
               reply->type == REDIS_REPLY_ERROR ? reply->str
               : "unexpected reply of redis");

    bridge_account_scan_failed = 1;
    bridge_account_scan_again = 1;
}


static void
bridge_account_scan_end(int lost)
{
    if (bridge_account_scan_found) {
        bridge_log(BRIDGE_LOG_NOTICE, "%u accounts have a device parked and "
                   "no login here, their devices are told to log in again "
                   "unless another bridge has them",
                   bridge_account_scan_found);
    }

    if (bridge_account_scan_wanted) {
        bridge_timer_set(&bridge_account_scan_timer, 0);
        return;
    }

    if (bridge_account_scan_again) {
        bridge_timer_set(&bridge_account_scan_timer,
                         BRIDGE_ACCOUNT_SCAN_RETRY);
        return;
    }

    if (lost) {
        return;
    }

    bridge_account_scan_failed = 0;

    if (!bridge_account_scan_last) {
        bridge_account_scan_last = 1;
        bridge_timer_set(&bridge_account_scan_timer,
                         BRIDGE_ACCOUNT_SCAN_AGAIN);
    }
}


/* prefix:{account}.  Returns 1 if its devices have to log in again. */

static int
bridge_account_scan_channel(const char *channel)
{
    char              *name;
    size_t             len;
    const char        *text;
    bridge_account_t  *account;

    len = pimap_redis_key_account(channel, strlen(channel),
                                  strlen(bridge_config->redis.prefix), "",
                                  &text);

    if (len > BRIDGE_ACCOUNT_MAX || pimap_account_refusal(text, len)) {
        return 0;
    }

    name = bridge_copy(text, len);
    account = bridge_config_server(bridge_config, name)
              ? bridge_account_get(name) : NULL;
    free(name);

    if (account == NULL) {
        return 0;
    }

    bridge_presence_found(account);

    return bridge_supervisor_parked(account);
}
