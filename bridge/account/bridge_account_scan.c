
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each of them has a key with the states of its mailboxes.  The keys are
 * scanned in steps of a millisecond or two of Redis' time.  Only a master user
 * can log in for an account that is found.
 */


#include "bridge_supervisor.h"

#include <stdlib.h>


#define BRIDGE_ACCOUNT_SCAN_STEP   50   /* msec between two steps */
#define BRIDGE_ACCOUNT_SCAN_COUNT  500  /* keys in a step */


static int bridge_account_scan_wanted(void);
static void bridge_account_scan_step(evutil_socket_t fd, short what,
    void *data);
static void bridge_account_scan_answered(void *data, redisReply *reply);
static void bridge_account_scan_key(const char *key);


static struct event  bridge_account_scan_timer;
static char         *bridge_account_scan_cursor;    /* NULL: it is done */
static int           bridge_account_scan_finished;


void
bridge_account_scan_start(void)
{
    if (bridge_account_scan_finished || bridge_account_scan_cursor
        || !bridge_account_scan_wanted())
    {
        return;
    }

    if (!event_initialized(&bridge_account_scan_timer)) {
        evtimer_assign(&bridge_account_scan_timer, bridge_base,
                       bridge_account_scan_step, NULL);
    }

    bridge_account_scan_cursor = bridge_string("0");
    bridge_timer_set(&bridge_account_scan_timer, 0);
}


void
bridge_account_scan_again(void)
{
    bridge_account_scan_finished = 0;

    if (bridge_function_library_ready()) {
        bridge_account_scan_start();
    }
}


void
bridge_account_scan_done(void)
{
    if (event_initialized(&bridge_account_scan_timer)) {
        evtimer_del(&bridge_account_scan_timer);
    }

    free(bridge_account_scan_cursor);
    bridge_account_scan_cursor = NULL;
}


static int
bridge_account_scan_wanted(void)
{
    bridge_server_t  *server;

    for (server = bridge_config->servers; server; server = server->next) {
        if (server->master_user) {
            return 1;
        }
    }

    return 0;
}


static void
bridge_account_scan_step(evutil_socket_t fd, short what, void *data)
{
    if (bridge_redis_command_send(bridge_account_scan_answered, NULL,
                                  "SCAN %s MATCH " PIMAP_REDIS_KEY("%s", "*")
                                  PIMAP_REDIS_BRIDGE " COUNT %d",
                                  bridge_account_scan_cursor,
                                  bridge_config->redis.prefix,
                                  BRIDGE_ACCOUNT_SCAN_COUNT)
        == NULL)
    {
        bridge_account_scan_done();
    }
}


/* [ cursor, [ key, ... ] ]; without an answer the next connection to Redis
   begins a new scan */

static void
bridge_account_scan_answered(void *data, redisReply *reply)
{
    size_t       i;
    const char  *cursor, *key;

    free(bridge_account_scan_cursor);
    bridge_account_scan_cursor = NULL;

    cursor = bridge_redis_text(reply, 0);

    if (cursor == NULL || reply->elements != 2) {
        return;
    }

    for (i = 0; (key = bridge_redis_text(reply->element[1], i)); i++) {
        bridge_account_scan_key(key);
    }

    if (strcmp(cursor, "0") == 0) {
        bridge_account_scan_finished = 1;
        return;
    }

    bridge_account_scan_cursor = bridge_string(cursor);
    bridge_timer_set(&bridge_account_scan_timer, BRIDGE_ACCOUNT_SCAN_STEP);
}


/* prefix:{account}:bridge */

static void
bridge_account_scan_key(const char *key)
{
    char             *name;
    size_t            len;
    const char       *account;
    bridge_server_t  *server;

    len = pimap_redis_key_account(key, strlen(key),
                                  strlen(bridge_config->redis.prefix),
                                  PIMAP_REDIS_BRIDGE, &account);

    if (len == 0 || len > BRIDGE_ACCOUNT_MAX) {
        return;
    }

    name = bridge_copy(account, len);
    server = bridge_config_server(bridge_config, name);

    if (server && server->master_user) {
        (void) bridge_account_get(name);
    }

    free(name);
}
