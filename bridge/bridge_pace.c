
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A bucket of tokens, one for each connection, that fills with time.  A login
 * that a device waits for takes one even if there is none: the watchers wait
 * for longer then.
 *
 * Connections are counted by the name of the server, as its settings may be
 * read anew while there are some.
 */


#include "bridge_pace.h"
#include "bridge_config.h"
#include "bridge_lease.h"
#include "bridge_function_library.h"
#include "bridge_watch.h"

#include <stdlib.h>


#define BRIDGE_PACE_TICK  100           /* msec */


typedef struct bridge_pace_server_s  bridge_pace_server_t;

struct bridge_pace_server_s {
    bridge_pace_server_t  *next;
    char                  *name;
    int                    connections;
};


static void bridge_pace_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_pace_fill(void);
static int bridge_pace_full(bridge_account_t *account);
static bridge_pace_server_t *bridge_pace_server(const char *name);


static struct event           bridge_pace_timer;
static double                 bridge_pace_tokens = 1;
static bridge_msec_t          bridge_pace_filled;
static unsigned               bridge_pace_length;
static bridge_pace_server_t  *bridge_pace_servers;

static TAILQ_HEAD(, bridge_account_s)  bridge_pace_queue =
    TAILQ_HEAD_INITIALIZER(bridge_pace_queue);


void
bridge_pace_init(void)
{
    bridge_pace_filled = bridge_now();

    evtimer_assign(&bridge_pace_timer, bridge_base, bridge_pace_timer_handler,
                   NULL);
}


void
bridge_pace_done(void)
{
    bridge_pace_server_t  *server;

    evtimer_del(&bridge_pace_timer);

    while (bridge_pace_servers) {
        server = bridge_pace_servers;
        bridge_pace_servers = server->next;

        free(server->name);
        free(server);
    }
}


void
bridge_pace_add(bridge_account_t *account)
{
    account->state = BRIDGE_ACCOUNT_QUEUED;

    TAILQ_INSERT_TAIL(&bridge_pace_queue, account, link);
    bridge_pace_length++;

    if (!evtimer_pending(&bridge_pace_timer, NULL)) {
        bridge_timer_set(&bridge_pace_timer, 0);
    }
}


void
bridge_pace_remove(bridge_account_t *account)
{
    account->state = BRIDGE_ACCOUNT_IDLE;

    TAILQ_REMOVE(&bridge_pace_queue, account, link);
    bridge_pace_length--;
}


unsigned
bridge_pace_waiting(void)
{
    return bridge_pace_length;
}


void
bridge_pace_run(void)
{
    bridge_account_t  *account;

    bridge_pace_fill();

    while (bridge_pace_tokens >= 1 && bridge_function_library_ready()
           && !TAILQ_EMPTY(&bridge_pace_queue))
    {
        account = TAILQ_FIRST(&bridge_pace_queue);
        bridge_pace_remove(account);

        if (bridge_pace_full(account)) {
            bridge_watch_later(account, bridge_config->watch.backoff_max);
            continue;
        }

        bridge_pace_tokens -= 1;
        bridge_lease_take(account);
    }

    if (!TAILQ_EMPTY(&bridge_pace_queue)) {
        bridge_timer_set(&bridge_pace_timer, BRIDGE_PACE_TICK);
    }
}


static void
bridge_pace_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_pace_run();
}


static void
bridge_pace_fill(void)
{
    int            rate;
    double         most;
    bridge_msec_t  now;

    now = bridge_now();
    rate = bridge_config->watch.connect_rate;

    /* what comes in two ticks, or one at least */

    most = rate * BRIDGE_PACE_TICK * 2 / 1000.0;
    most = most > 1 ? most : 1;

    bridge_pace_tokens += (now - bridge_pace_filled) * rate / 1000.0;

    if (bridge_pace_tokens > most) {
        bridge_pace_tokens = most;
    }

    bridge_pace_filled = now;
}


void
bridge_pace_refund(void)
{
    bridge_pace_tokens += 1;
}


int
bridge_pace_login(bridge_server_t *server)
{
    if (server->max_connections
        && bridge_pace_server(server->name)->connections
           >= server->max_connections)
    {
        return -1;
    }

    bridge_pace_fill();
    bridge_pace_tokens -= 1;

    return 0;
}


static int
bridge_pace_full(bridge_account_t *account)
{
    bridge_server_t  *server;

    server = bridge_config_server(bridge_config, account->login
                                  ? account->login->user : account->name);

    return server && server->max_connections
           && bridge_pace_server(server->name)->connections
              >= server->max_connections;
}


void
bridge_pace_opened(bridge_server_t *server)
{
    bridge_pace_server(server->name)->connections++;
}


void
bridge_pace_closed(bridge_server_t *server)
{
    bridge_pace_server(server->name)->connections--;
}


static bridge_pace_server_t *
bridge_pace_server(const char *name)
{
    bridge_pace_server_t  *server;

    for (server = bridge_pace_servers; server; server = server->next) {
        if (strcmp(server->name, name) == 0) {
            return server;
        }
    }

    server = bridge_alloc(sizeof(bridge_pace_server_t));

    server->name = bridge_string(name);
    server->next = bridge_pace_servers;
    bridge_pace_servers = server;

    return server;
}
