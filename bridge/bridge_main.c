
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The program: options, signals, the order of start and end, and the tables by
 * which lower rooms report to higher ones.
 */


#include "bridge_http.h"
#include "bridge_redis_service.h"
#include "bridge_supervisor.h"
#include "bridge_update.h"
#include "dav_http.h"
#include "mime_header.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>


#define BRIDGE_MAIN_CONFIG  "/etc/pimap/bridge.conf"
#define BRIDGE_MAIN_LEAVE    2000       /* msec for the last commands */
#define BRIDGE_MAIN_LINGER   200
#define BRIDGE_MAIN_SIGNALS  4


static const char *bridge_main_options(int argc, char **argv, int *check);
static void bridge_main_limits(void);
static int bridge_main_start(void);
static void bridge_main_functions_ready(void);
static void bridge_main_listening(void);
static void bridge_main_gone(const char *bridge);
static void bridge_main_signals(void);
static void bridge_main_reload(evutil_socket_t fd, short what, void *data);
static void bridge_main_reopen(evutil_socket_t fd, short what, void *data);
static void bridge_main_stop(evutil_socket_t fd, short what, void *data);
static void bridge_main_answered(void *data, redisReply *reply);
static void bridge_main_end(void);


/* The reports of lower rooms to higher ones.  No order of rows is needed. */

static const bridge_redis_message_t  bridge_main_channels[] = {
    { "presence", bridge_presence_message },
    { "poke", bridge_session_dav_poke },
    { NULL, NULL }
};

static const bridge_redis_message_t  bridge_main_inbox[] = {
    { "give", bridge_lease_give },
    { "take", bridge_lease_given },
    { "update", bridge_update_consumer_offered },
    { NULL, NULL }
};

static const bridge_redis_handlers_t  bridge_main_redis = {
    .functions_ready = bridge_main_functions_ready,
    .listening = bridge_main_listening,
    .changed = bridge_update_consumer_changed,
    .channels = bridge_main_channels,
    .inbox = bridge_main_inbox
};

static const bridge_supervisor_ops_t  bridge_main_supervisor = {
    .moved = bridge_update_entries_run,
    .refused = bridge_auth_refused
};


static struct event  bridge_main_events[BRIDGE_MAIN_SIGNALS];
static int           bridge_main_leaving;
static int           bridge_main_answers;   /* that are waited for */


static const char  bridge_main_usage[] =
    "Usage: " BRIDGE_NAME " [-c FILE] [-t] [-v] [-h]\n"
    "\n"
    "  -c, --config FILE   the settings, " BRIDGE_MAIN_CONFIG "\n"
    "  -t, --check         only check them\n"
    "  -v, --version       say which version this is\n"
    "  -h, --help          this\n"
    "\n"
    "Signals: HUP reads the settings again, USR1 opens the log again,\n"
    "TERM and INT end.\n";


int
main(int argc, char **argv)
{
    int          check;
    const char  *file;

    file = bridge_main_options(argc, argv, &check);

    bridge_memory_init();
    event_set_log_callback(bridge_log_libevent);

    bridge_base = event_base_new();

    if (bridge_base == NULL || dav_http_init() == -1) {
        bridge_log(BRIDGE_LOG_EMERG, "cannot create an event base, or start "
                   "libcurl");
        return 1;
    }

    if (!check) {
        bridge_dns_init();
        mime_init();
    }

    json_object_seed(0);
    bridge_config = bridge_config_read(file, NULL);

    if (bridge_config == NULL) {
        return 1;
    }

    if (check) {
        bridge_log(BRIDGE_LOG_NOTICE, "the settings in \"%s\" are good", file);
        bridge_config_release(bridge_config);
        event_base_free(bridge_base);
        return 0;
    }

    bridge_main_limits();

    if (bridge_log_open(bridge_config->log, bridge_config->log_level) != 0
        || bridge_main_start() != 0)
    {
        return 1;
    }

    bridge_log(BRIDGE_LOG_NOTICE, "%s %s starts as \"%s\"", BRIDGE_NAME,
               BRIDGE_VERSION, bridge_config->lease.id);
    bridge_systemd_ready();

    event_base_dispatch(bridge_base);

    bridge_main_end();

    return 0;
}


static const char *
bridge_main_options(int argc, char **argv, int *check)
{
    int          c;
    const char  *file;

    static const struct option  options[] = {
        { "config", required_argument, NULL, 'c' },
        { "check", no_argument, NULL, 't' },
        { "version", no_argument, NULL, 'v' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 }
    };

    file = BRIDGE_MAIN_CONFIG;
    *check = 0;

    while ((c = getopt_long(argc, argv, "c:tvh", options, NULL)) != -1) {
        switch (c) {

        case 'c':
            file = optarg;
            break;

        case 't':
            *check = 1;
            break;

        case 'v':
            printf("%s %s\n", BRIDGE_NAME, BRIDGE_VERSION);
            exit(0);

        case 'h':
            printf("%s", bridge_main_usage);
            exit(0);

        default:
            fprintf(stderr, "%s", bridge_main_usage);
            exit(2);
        }
    }

    if (optind < argc) {
        fprintf(stderr, "%s", bridge_main_usage);
        exit(2);
    }

    return file;
}


/* As many connections as the system allows, and no core file, as it would
   have passwords. */

static void
bridge_main_limits(void)
{
    struct rlimit  limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }

    limit.rlim_cur = 0;
    limit.rlim_max = 0;
    setrlimit(RLIMIT_CORE, &limit);
}


static int
bridge_main_start(void)
{
    bridge_main_signals();

    if (bridge_http_init(bridge_config) != 0) {
        return -1;
    }

    bridge_auth_init();
    bridge_supervisor_init(&bridge_main_supervisor);

    bridge_redis_service_start(&bridge_config->redis, &bridge_main_redis);

    bridge_update_consumer_init();
    bridge_peers_init(bridge_main_gone);

    return 0;
}


static void
bridge_main_functions_ready(void)
{
    static int  again;

    if (again) {
        bridge_supervisor_others_first();
    }

    again = 1;

    bridge_account_scan_start();
    bridge_connect_rate_run();
    bridge_update_consumer_redis_ready();
}


/* Messages may have been missed. */

static void
bridge_main_listening(void)
{
    bridge_presence_listening();
    bridge_account_scan_start();
}


/* No bridge may have a login for accounts of the bridge that is gone. */

static void
bridge_main_gone(const char *bridge)
{
    bridge_supervisor_others_first();
    bridge_lease_orphaned(bridge);
    bridge_account_scan_start();
}


static void
bridge_main_signals(void)
{
    int  i;

    static const struct {
        int                signo;
        event_callback_fn  handler;
    } signals[BRIDGE_MAIN_SIGNALS] = {
        { SIGHUP, bridge_main_reload },
        { SIGUSR1, bridge_main_reopen },
        { SIGTERM, bridge_main_stop },
        { SIGINT, bridge_main_stop }
    };

    signal(SIGPIPE, SIG_IGN);

    for (i = 0; i < BRIDGE_MAIN_SIGNALS; i++) {
        evsignal_assign(&bridge_main_events[i], bridge_base, signals[i].signo,
                        signals[i].handler, NULL);
        evsignal_add(&bridge_main_events[i], NULL);
    }
}


/*
 * Open sessions keep the settings that they began with.  The name of this
 * bridge stays, as its leases have it.
 */

static void
bridge_main_reload(evutil_socket_t fd, short what, void *data)
{
    bridge_config_t  *new, *old;

    if (bridge_main_leaving) {
        return;
    }

    bridge_systemd_reloading();

    old = bridge_config;
    new = bridge_config_read(old->file, old->lease.id);

    if (new && bridge_http_reload(new) == 0
        && bridge_log_open(new->log, new->log_level) == 0)
    {
        bridge_config = new;

        bridge_dns_reload();
        bridge_auth_flush();
        bridge_redis_service_reload(&new->redis);
        bridge_supervisor_reload();
        bridge_account_scan_start();

        bridge_config_release(old);
        bridge_log(BRIDGE_LOG_NOTICE, "the settings were read from \"%s\"",
                   new->file);

    } else {
        bridge_config_release(new);
        bridge_log(BRIDGE_LOG_ERROR, "the settings stay as they were, correct "
                   "\"%s\" and send HUP again", old->file);
    }

    bridge_systemd("READY=1");
}


static void
bridge_main_reopen(evutil_socket_t fd, short what, void *data)
{
    (void) !bridge_log_open(bridge_config->log, bridge_config->log_level);
}


/* A second signal ends the process at once. */

static void
bridge_main_stop(evutil_socket_t fd, short what, void *data)
{
    bridge_node_t   *node;
    struct timeval   tv;

    if (bridge_main_leaving++) {
        event_base_loopbreak(bridge_base);
        return;
    }

    bridge_log(BRIDGE_LOG_NOTICE, "ends");
    bridge_systemd_stopping();

    bridge_account_scan_done();
    bridge_update_consumer_done();
    bridge_auth_done();
    bridge_supervisor_done();
    bridge_peers_done();

    tv.tv_sec = BRIDGE_MAIN_LEAVE / 1000;
    tv.tv_usec = 0;
    event_base_loopexit(bridge_base, &tv);

    /* the last answer of Redis ends the loop */

    bridge_main_answers = 1;

    bridge_node_each(node) {
        bridge_main_answers += bridge_redis_command_node(node,
                                      bridge_main_answered, NULL, "PING")
                               != NULL;
    }

    bridge_main_answered(NULL, NULL);
}


/* The last bytes to the mail servers are still on their way. */

static void
bridge_main_answered(void *data, redisReply *reply)
{
    struct timeval  tv;

    if (--bridge_main_answers) {
        return;
    }

    tv.tv_sec = 0;
    tv.tv_usec = BRIDGE_MAIN_LINGER * 1000;
    event_base_loopexit(bridge_base, &tv);
}


static void
bridge_main_end(void)
{
    int  i;

    bridge_http_done();
    bridge_redis_service_stop();
    bridge_connect_rate_done();
    bridge_dns_done();

    for (i = 0; i < BRIDGE_MAIN_SIGNALS; i++) {
        event_del(&bridge_main_events[i]);
    }

    bridge_config_release(bridge_config);
    event_base_free(bridge_base);
    libevent_global_shutdown();
}
