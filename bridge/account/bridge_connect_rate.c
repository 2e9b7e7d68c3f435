
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A bucket of tokens, one for each connection, fills with time.  A login that
 * a device waits for does not wait, but takes a token, too.  Logins take a
 * half of the tokens at most, however many there are: strangers choose how
 * many.
 * An account whose user has just logged in has its turn before the others.
 * These are tried once more, or only told to log in again, and may be all
 * accounts of another bridge.
 * In the same way logins from unknown addresses leave a half of a server's
 * connections to others.
 *
 * Connections are counted by the name of the server, because its settings may
 * be read again while it has connections.
 */


#include "bridge_supervisor.h"


#define BRIDGE_CONNECT_RATE_TICK  100   /* msec */


typedef TAILQ_HEAD(, bridge_account_s)  bridge_connect_rate_queue_t;


static bridge_connect_rate_queue_t *bridge_connect_rate_queue(
    bridge_account_t *account);
static void bridge_connect_rate_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_connect_rate_fill(void);
static void bridge_connect_rate_fill_bucket(double *tokens, double rate);
static int bridge_connect_rate_full(bridge_server_t *server);
static void bridge_connect_rate_add_to(json_t *counts, bridge_server_t *server,
    int n);


static struct event   bridge_connect_rate_timer;
static double         bridge_connect_rate_tokens = 1;
static double         bridge_connect_rate_logins = 1;   /* tokens for these */
static bridge_msec_t  bridge_connect_rate_filled;
static unsigned       bridge_connect_rate_length;
static json_t        *bridge_connect_rate_servers;      /* counts */
static json_t        *bridge_connect_rate_strangers;    /* of these */

static bridge_connect_rate_queue_t  bridge_connect_rate_first =
    TAILQ_HEAD_INITIALIZER(bridge_connect_rate_first);
static bridge_connect_rate_queue_t  bridge_connect_rate_others =
    TAILQ_HEAD_INITIALIZER(bridge_connect_rate_others);


void
bridge_connect_rate_init(void)
{
    bridge_connect_rate_filled = bridge_now();
    bridge_connect_rate_servers = json_object();
    bridge_connect_rate_strangers = json_object();

    evtimer_assign(&bridge_connect_rate_timer, bridge_base,
                   bridge_connect_rate_timer_handler, NULL);
}


void
bridge_connect_rate_done(void)
{
    evtimer_del(&bridge_connect_rate_timer);

    json_decref(bridge_connect_rate_servers);
    json_decref(bridge_connect_rate_strangers);
}


void
bridge_connect_rate_add(bridge_account_t *account)
{
    TAILQ_INSERT_TAIL(bridge_connect_rate_queue(account), account, link);
    bridge_connect_rate_length++;

    if (!evtimer_pending(&bridge_connect_rate_timer, NULL)) {
        bridge_timer_set(&bridge_connect_rate_timer, 0);
    }
}


void
bridge_connect_rate_remove(bridge_account_t *account)
{
    TAILQ_REMOVE(bridge_connect_rate_queue(account), account, link);
    bridge_connect_rate_length--;
}


static bridge_connect_rate_queue_t *
bridge_connect_rate_queue(bridge_account_t *account)
{
    return account->fresh ? &bridge_connect_rate_first
                          : &bridge_connect_rate_others;
}


void
bridge_connect_rate_fresh(bridge_account_t *account)
{
    int  queued;

    if (account->fresh || account->session != BRIDGE_SESSION_NONE) {
        return;
    }

    queued = account->state == BRIDGE_ACCOUNT_QUEUED;

    if (queued) {
        bridge_connect_rate_remove(account);
    }

    account->fresh = 1;

    if (queued) {
        bridge_connect_rate_add(account);
    }
}


unsigned
bridge_connect_rate_waiting(void)
{
    return bridge_connect_rate_length;
}


void
bridge_connect_rate_run(void)
{
    int                full;
    bridge_server_t   *server;
    bridge_account_t  *account;

    bridge_connect_rate_fill();

    while (bridge_connect_rate_tokens >= 1 && bridge_function_library_ready()
           && bridge_connect_rate_length)
    {
        account = TAILQ_EMPTY(&bridge_connect_rate_first)
                  ? TAILQ_FIRST(&bridge_connect_rate_others)
                  : TAILQ_FIRST(&bridge_connect_rate_first);
        bridge_connect_rate_remove(account);
        account->fresh = 0;

        server = bridge_account_server(account);

        full = server && bridge_connect_rate_full(server);
        bridge_connect_rate_tokens -= !full;

        bridge_account_ops->turn(account, full);
    }

    if (bridge_connect_rate_length) {
        bridge_timer_set(&bridge_connect_rate_timer, BRIDGE_CONNECT_RATE_TICK);
    }
}


static void
bridge_connect_rate_timer_handler(evutil_socket_t fd, short what, void *data)
{
    bridge_connect_rate_run();
}


static void
bridge_connect_rate_fill(void)
{
    int  rate;

    rate = bridge_config->sessions.connect_rate;

    bridge_connect_rate_fill_bucket(&bridge_connect_rate_tokens, rate);
    bridge_connect_rate_fill_bucket(&bridge_connect_rate_logins, rate / 2.0);

    bridge_connect_rate_filled = bridge_now();
}


static void
bridge_connect_rate_fill_bucket(double *tokens, double rate)
{
    double  most;

    /* the tokens of two ticks, or one token at least */

    most = rate * BRIDGE_CONNECT_RATE_TICK * 2 / 1000.0;
    most = most > 1 ? most : 1;

    *tokens += (bridge_now() - bridge_connect_rate_filled) * rate / 1000.0;

    if (*tokens > most) {
        *tokens = most;
    }
}


void
bridge_connect_rate_refund(void)
{
    bridge_connect_rate_tokens += 1;
}


int
bridge_connect_rate_login(bridge_server_t *server, int stranger)
{
    json_t  *strangers;

    strangers = json_object_get(bridge_connect_rate_strangers, server->name);

    if (bridge_connect_rate_full(server)
        || (stranger && server->max_connections
            && json_integer_value(strangers) * 2 >= server->max_connections))
    {
        return -1;
    }

    bridge_connect_rate_fill();

    if (bridge_connect_rate_logins >= 1) {
        bridge_connect_rate_logins -= 1;
        bridge_connect_rate_tokens -= 1;
    }

    return 0;
}


static int
bridge_connect_rate_full(bridge_server_t *server)
{
    json_t  *count;

    count = json_object_get(bridge_connect_rate_servers, server->name);

    return server->max_connections
           && json_integer_value(count) >= server->max_connections;
}


void
bridge_connect_rate_count(bridge_server_t *server, int n)
{
    bridge_connect_rate_add_to(bridge_connect_rate_servers, server, n);
}


void
bridge_connect_rate_count_stranger(bridge_server_t *server, int n)
{
    bridge_connect_rate_add_to(bridge_connect_rate_strangers, server, n);
}


static void
bridge_connect_rate_add_to(json_t *counts, bridge_server_t *server, int n)
{
    json_t  *count;

    count = json_object_get(counts, server->name);

    json_object_set_new(counts, server->name,
                        json_integer(json_integer_value(count) + n));
}
