
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Runs the DAV half of the bridge for an account (or for many, with a name and
 * a number) in a test. The argument has the settings. Standard output has the
 * results and standard input has the updates, each a line of JSON.
 * {"update":"poke"} pokes the account, {"update":"count"} returns the number
 * of requests. The driver ends at the end of the input.
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
#include "dav_client.h"
#include "dav_url.h"


static int driver_server(json_t *set);
static void driver_number(json_t *set, const char *name, uint32_t *n,
    uint32_t value);
static void driver_open(void);
static void driver_close(void);
static void driver_say(const char *what, json_t *members);
static void driver_logged_in(void *data, dav_client_t *c);
static void driver_publish(void *data, dav_client_t *c, const char *key,
    json_t *events, json_t *state);
static void driver_ready(void *data, dav_client_t *c);
static void driver_failed(void *data, dav_client_t *c, dav_fail_t reason,
    const char *why);
static void driver_log(void *data, dav_client_t *c, int level,
    const char *text);
static void driver_input(struct bufferevent *bev, void *data);
static int driver_command(json_t *update);
static void driver_end(struct bufferevent *bev, short what, void *data);
static void driver_done(void *ctx, json_t *result);


static const dav_callbacks_t  driver_callbacks = {
    driver_logged_in,
    driver_publish,
    driver_ready,
    driver_failed,
    driver_log
};


static json_t              *set;
static struct bufferevent  *input;
static dav_http_conf_t      conf;
static dav_server_t         server;
static dav_schedule_t           turns;
static dav_client_t       **clients;
static uint32_t             nclients;
static uint32_t             nready;


int
main(int argc, char **argv)
{
    set = argc == 2 ? json_loads(argv[1], 0, NULL) : NULL;

    if (set == NULL) {
        fprintf(stderr, "usage: dav_driver JSON\n");
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);       /* as the bridge does */

    bridge_base = event_base_new();

    if (dav_http_init() == -1 || driver_server(set) == -1) {
        return 2;
    }

    evutil_make_socket_nonblocking(STDIN_FILENO);
    input = bufferevent_socket_new(bridge_base, STDIN_FILENO, 0);
    bufferevent_setcb(input, driver_input, NULL, driver_end, NULL);
    bufferevent_enable(input, EV_READ);

    driver_open();

    event_base_dispatch(bridge_base);

    driver_close();

    bufferevent_free(input);
    dav_schedule_done(&turns);
    dav_http_free(server.http);
    dav_http_done();
    free((char *) server.origin);
    event_base_free(bridge_base);
    json_decref(set);

    return 0;
}


static int
driver_server(json_t *set)
{
    char      *origin, *path;
    uint32_t   rate;

    conf.base = bridge_base;
    conf.ca_file = json_string_value(json_object_get(set, "ca"));
    conf.verify = 1;

    driver_number(set, "connect", &conf.connect, 5000);
    driver_number(set, "answer", &conf.answer, 30000);
    driver_number(set, "max_connections", &conf.max_connections, 8);
    driver_number(set, "max_waiting", &conf.max_waiting, 10000);
    driver_number(set, "rate", &rate, 100);

    if (dav_url_split(json_string_value(json_object_get(set, "url")),
                      &origin, &path) == -1)
    {
        fprintf(stderr, "dav_driver: no such URL\n");
        return -1;
    }

    free(path);

    server.origin = origin;
    server.path = json_string_value(json_object_get(set, "path"));
    server.http = dav_http_create(&conf);
    server.schedule = &turns;

    driver_number(set, "poll_min", &server.poll_min, 200);
    driver_number(set, "poll_max", &server.poll_max, 500);
    driver_number(set, "poke_min", &server.poke_min, 100);
    driver_number(set, "max_collections", &server.max_collections, 100);
    driver_number(set, "max_known", &server.max_known, 20000);
    driver_number(set, "max_content", &server.max_content, 0);
    driver_number(set, "max_object", &server.max_object, 262144);
    driver_number(set, "max_answer", &server.max_answer, 16777216);

    dav_schedule_init(&turns, bridge_base, rate, conf.max_connections * 4);

    return 0;
}


static void
driver_number(json_t *set, const char *name, uint32_t *n, uint32_t value)
{
    json_t  *json;

    json = json_object_get(set, name);
    *n = json ? (uint32_t) json_integer_value(json) : value;
}


static void
driver_open(void)
{
    char         *user;
    uint32_t      i;
    dav_login_t   login;

    memset(&login, 0, sizeof(login));
    login.secret = json_string_value(json_object_get(set, "secret"));
    login.bearer = json_is_true(json_object_get(set, "bearer"));
    login.as_header = json_string_value(json_object_get(set, "as_header"));
    login.as = json_string_value(json_object_get(set, "as"));

    driver_number(set, "accounts", &nclients, 0);
    clients = bridge_alloc((nclients + 1) * sizeof(dav_client_t *));

    for (i = 0; i == 0 || i < nclients; i++) {
        user = nclients
               ? bridge_format("%s%u",
                    json_string_value(json_object_get(set, "user")), i)
               : bridge_string(json_string_value(
                                   json_object_get(set, "user")));

        login.user = user;
        clients[i] = dav_client_open(&server, &driver_callbacks, &clients[i],
                                     &login, json_object_get(set, "states"));
        free(user);
    }

    nclients = i;
}


static void
driver_close(void)
{
    uint32_t  i;

    for (i = 0; i < nclients; i++) {
        if (clients[i]) {
            dav_client_close(clients[i]);
        }
    }

    free(clients);
    nclients = 0;
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
driver_logged_in(void *data, dav_client_t *c)
{
    if (nclients <= 1) {
        driver_say("logged_in", json_object());
    }
}


static void
driver_publish(void *data, dav_client_t *c, const char *key, json_t *events,
    json_t *state)
{
    if (nclients > 1 && json_array_size(events) == 0) {
        return;
    }

    driver_say("publish", json_pack("{s:s, s:O, s:o}", "mailbox", key,
                                    "events", events, "state",
                                    state ? json_incref(state)
                                          : json_null()));
}


static void
driver_ready(void *data, dav_client_t *c)
{
    struct rusage  usage;

    if (++nready < nclients) {
        return;
    }

    getrusage(RUSAGE_SELF, &usage);

    driver_say("ready", json_pack("{s:s, s:I}", "how", "polling", "kb",
                                  (json_int_t) usage.ru_maxrss));
}


static void
driver_failed(void *data, dav_client_t *c, dav_fail_t reason, const char *why)
{
    dav_client_t **client = data;

    static const char  *reasons[] = {
        "credentials", "away", "tls", "protocol"
    };

    driver_say("failed", json_pack("{s:s, s:s}", "reason", reasons[reason],
                                   "why", why));

    dav_client_close(c);
    *client = NULL;

    if (nclients == 1) {
        bufferevent_disable(input, EV_READ);
    }
}


static void
driver_log(void *data, dav_client_t *c, int level, const char *text)
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

        if (update && nclients && clients[0] && !driver_command(update)) {
            dav_client_update(clients[0], update, driver_done,
                              json_incref(update));
        }

        json_decref(update);
        free(line);
    }
}


static int
driver_command(json_t *update)
{
    const char     *verb;
    struct rusage   usage;

    verb = json_string_value(json_object_get(update, "update"));

    if (verb && strcmp(verb, "poke") == 0) {
        dav_client_poke(clients[0]);
        return 1;
    }

    if (verb && strcmp(verb, "count") == 0) {
        getrusage(RUSAGE_SELF, &usage);

        driver_say("result", json_pack("{s:O?, s:{s:I, s:I, s:I}}", "id",
            json_object_get(update, "id"), "result",
            "requests", (json_int_t) dav_http_requests(server.http),
            "ms", (json_int_t) (usage.ru_utime.tv_sec * 1000
                                + usage.ru_utime.tv_usec / 1000
                                + usage.ru_stime.tv_sec * 1000
                                + usage.ru_stime.tv_usec / 1000),
            "kb", (json_int_t) usage.ru_maxrss));
        return 1;
    }

    return 0;
}


static void
driver_end(struct bufferevent *bev, short what, void *data)
{
    driver_input(bev, NULL);
    driver_close();
    clients = NULL;

    event_base_loopbreak(bridge_base);
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
