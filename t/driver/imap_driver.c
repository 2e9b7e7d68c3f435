
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Runs an IMAP session of the bridge for a test. The argument has the
 * settings. Standard output has the results and standard input has the
 * updates, each a line of JSON. The driver logs out at the end of the input.
 */


#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "bridge.h"
#include "imap_client.h"


static void driver_say(const char *what, json_t *members);
static void driver_logged_in(void *data);
static void driver_publish(void *data, const char *mailbox,
    json_t *events, json_t *state);
static void driver_ready(void *data, const char *how);
static void driver_failed(void *data, imap_fail_t reason,
    const char *why);
static void driver_log(void *data, int level,
    const char *text);
static void driver_input(struct bufferevent *bev, void *data);
static void driver_end(struct bufferevent *bev, short what, void *data);
static void driver_done(void *ctx, json_t *result);
static int driver_server(json_t *set, imap_server_t *server);
static void driver_number(json_t *set, const char *name, uint32_t *n);


static const imap_callbacks_t  driver_callbacks = {
    driver_logged_in,
    driver_publish,
    driver_ready,
    driver_failed,
    driver_log
};


static json_t              *set;
static imap_client_t       *client;
static struct bufferevent  *input;


int
main(int argc, char **argv)
{
    imap_login_t   login;
    imap_server_t  server;

    set = argc == 2 ? json_loads(argv[1], 0, NULL) : NULL;

    if (set == NULL) {
        fprintf(stderr, "usage: imap_driver JSON\n");
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);       /* as the bridge does */
    event_set_log_callback(bridge_log_libevent);

    bridge_base = event_base_new();
    memset(&server, 0, sizeof(server));

    if (driver_server(set, &server) == -1) {
        return 2;
    }

    memset(&login, 0, sizeof(login));
    login.user = json_string_value(json_object_get(set, "user"));
    login.secret = json_string_value(json_object_get(set, "secret"));
    login.authzid = json_string_value(json_object_get(set, "authzid"));
    login.bearer = json_is_true(json_object_get(set, "bearer"));

    evutil_make_socket_nonblocking(STDIN_FILENO);
    input = bufferevent_socket_new(bridge_base, STDIN_FILENO, 0);
    bufferevent_setcb(input, driver_input, NULL, driver_end, NULL);
    bufferevent_enable(input, EV_READ);

    client = imap_client_open(&server, &driver_callbacks, NULL, &login);

    event_base_dispatch(bridge_base);

    if (client) {
        imap_client_close(client, 0);
    }

    bufferevent_free(input);
    evdns_base_free(server.dns, 1);
    event_base_loop(bridge_base, EVLOOP_NONBLOCK);
    event_base_free(bridge_base);
    SSL_CTX_free(server.ssl);
    json_decref(set);

    return 0;
}


static int
driver_server(json_t *set, imap_server_t *server)
{
    uint32_t         port, without;
    json_t          *options;
    const char      *tls, *ca;
    imap_options_t  *o = &server->options;

    imap_options_init(o);

    server->base = bridge_base;
    server->dns = evdns_base_new(bridge_base,
                                EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    evdns_base_resolv_conf_parse(server->dns, DNS_OPTIONS_ALL,
                                 "/etc/resolv.conf");
    server->host = json_string_value(json_object_get(set, "host"));

    driver_number(set, "port", &port);
    server->port = port;

    tls = json_string_value(json_object_get(set, "tls"));
    server->tls = tls == NULL ? IMAP_TLS_NONE
                  : strcmp(tls, "starttls") == 0 ? IMAP_TLS_STARTTLS
                  : IMAP_TLS_IMPLICIT;

    if (tls) {
        server->ssl = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(server->ssl, SSL_VERIFY_PEER, NULL);

        ca = json_string_value(json_object_get(set, "ca"));

        if (ca && SSL_CTX_load_verify_locations(server->ssl, ca, NULL) != 1) {
            fprintf(stderr, "imap_driver: %s is no CA\n", ca);
            return -1;
        }
    }

    options = json_object_get(set, "options");

    driver_number(options, "answer", &o->answer);
    driver_number(options, "answers", &o->answers);
    driver_number(options, "quiet", &o->quiet);
    driver_number(options, "idle", &o->idle);
    driver_number(options, "poll", &o->poll);
    driver_number(options, "round", &o->round);
    driver_number(options, "flags_round", &o->flags_round);
    driver_number(options, "max_mailboxes", &o->max_mailboxes);
    driver_number(options, "max_known", &o->max_known);
    driver_number(options, "max_message", &o->max_message);

    without = 0;
    driver_number(options, "without", &without);
    o->without = without;

    return 0;
}


static void
driver_number(json_t *set, const char *name, uint32_t *n)
{
    json_t  *value;

    value = json_object_get(set, name);

    if (value) {
        *n = json_integer_value(value);
    }
}


/* Takes the reference to "members". */

static void
driver_say(const char *what, json_t *members)
{
    json_object_set_new(members, "what", json_string(what));
    json_dumpf(members, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(members);
}


static void
driver_logged_in(void *data)
{
    driver_say("logged_in", json_object());

    if (!json_is_true(json_object_get(set, "login_only"))) {
        imap_session_watch(imap_client_session(client),
                           json_object_get(set, "states"));
    }
}


static void
driver_publish(void *data, const char *mailbox,
    json_t *events, json_t *state)
{
    driver_say("publish", json_pack("{s:s, s:O, s:o}", "mailbox", mailbox,
                                    "events", events, "state",
                                    state ? json_incref(state)
                                          : json_null()));
}


static void
driver_ready(void *data, const char *how)
{
    struct rusage  usage;

    getrusage(RUSAGE_SELF, &usage);

    driver_say("ready", json_pack("{s:s, s:I}", "how", how, "kb",
                                  (json_int_t) usage.ru_maxrss));
}


static void
driver_failed(void *data, imap_fail_t reason,
    const char *why)
{
    static const char  *reasons[] = {
        "credentials", "away", "limit", "tls", "protocol"
    };

    driver_say("failed", json_pack("{s:s, s:s}", "reason", reasons[reason],
                                   "why", why));

    imap_client_close(client, 0);
    client = NULL;
    bufferevent_disable(input, EV_READ);
}


static void
driver_log(void *data, int level, const char *text)
{
    driver_say("log", json_pack("{s:i, s:s}", "level", level, "text", text));
}


static void
driver_input(struct bufferevent *bev, void *data)
{
    char    *line;
    json_t  *update;

    while ((line = evbuffer_readln(bufferevent_get_input(bev), NULL,
                                   EVBUFFER_EOL_LF)))
    {
        update = json_loads(line, JSON_ALLOW_NUL, NULL);

        if (update && client) {
            imap_session_update(imap_client_session(client), update,
                                driver_done, json_incref(update));
        }

        json_decref(update);
        free(line);
    }
}


static void
driver_end(struct bufferevent *bev, short what, void *data)
{
    driver_input(bev, NULL);

    if (client) {
        imap_client_close(client, 1);
        client = NULL;
    }
}


static void
driver_done(void *ctx, json_t *result)
{
    json_t  *update = ctx;

    driver_say("result", json_pack("{s:O?, s:O}", "id",
                                   json_object_get(update, "id"), "result",
                                   result));
    json_decref(update);
}
