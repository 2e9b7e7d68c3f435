
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The tables of the settings, and the checks between settings.
 */


#include "bridge_config.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <unistd.h>


#define BRIDGE_SECOND   1000
#define BRIDGE_MINUTE   (60 * BRIDGE_SECOND)
#define BRIDGE_HOUR     (60 * BRIDGE_MINUTE)
#define BRIDGE_DAY      (24 * (int64_t) BRIDGE_HOUR)

#define at(member)      offsetof(bridge_config_t, member)
#define in(member)      offsetof(bridge_server_t, member)
#define imap(member)    offsetof(bridge_server_t, imap.member)
#define dav(member)     offsetof(bridge_server_t, dav.member)
#define opt(member)     offsetof(bridge_server_t, imap.options.member)

#define text(name, to, value)                                                 \
    { name, BRIDGE_OPTION_TEXT, to, value, 0, 0, NULL, NULL }
#define secret(name, to)                                                      \
    { name, BRIDGE_OPTION_SECRET, to, NULL, 0, 0, NULL, NULL },               \
    { name "_file", BRIDGE_OPTION_SECRET_FILE, to, NULL, 0, 0, NULL, NULL }
#define flag(name, to, value)                                                 \
    { name, BRIDGE_OPTION_FLAG, to, value, 0, 0, NULL, NULL }
#define number(name, to, value, min, max)                                     \
    { name, BRIDGE_OPTION_NUMBER, to, value, min, max, NULL, NULL }
#define msec(name, to, value, min, max)                                       \
    { name, BRIDGE_OPTION_TIME, to, value, min, max, NULL, NULL }
#define msec32(name, to, value, min, max)                                     \
    { name, BRIDGE_OPTION_MSEC, to, value, min, max, NULL, NULL }
#define choice(name, to, value, choices)                                      \
    { name, BRIDGE_OPTION_CHOICE, to, value, 0, 0, choices, NULL }
#define group(name, options)                                                  \
    { name, BRIDGE_OPTION_GROUP, 0, NULL, 0, 0, NULL, options }
#define end                                                                   \
    { NULL, BRIDGE_OPTION_TEXT, 0, NULL, 0, 0, NULL, NULL }


static int bridge_config_parse(bridge_config_t *config, config_t *file);
static int bridge_config_servers(bridge_config_t *config,
    config_setting_t *root);
static bridge_server_t *bridge_config_server_read(bridge_config_t *config,
    config_setting_t *setting);
static int bridge_config_server_check(bridge_server_t *server,
    config_setting_t *setting);
static void bridge_config_server_imap(bridge_server_t *server);
static void bridge_config_id(bridge_config_t *config, const char *id);


bridge_config_t  *bridge_config;


static const char *bridge_config_tls[] = {
    "off", "starttls", "imaps", NULL
};


static const bridge_option_t bridge_config_redis_options[] = {
    secret("address", at(redis.address)),
    text("host", at(redis.host), NULL),
    number("port", at(redis.port), NULL, 1, 65535),
    number("db", at(redis.db), NULL, 0, 65535),
    text("user", at(redis.user), NULL),
    secret("password", at(redis.password)),
    text("sentinel_user", at(redis.sentinel_user), NULL),
    secret("sentinel_password", at(redis.sentinel_password)),
    flag("tls", at(redis.tls), "0"),
    flag("verify", at(redis.verify), "1"),
    text("ca_file", at(redis.ca_file), NULL),
    text("prefix", at(redis.prefix), "pimap"),
    number("maxlen", at(redis.maxlen), "1000", 1, 1000000),
    msec("ttl", at(redis.ttl), "7d", BRIDGE_MINUTE, 366 * BRIDGE_DAY),
    msec("timeout", at(redis.timeout), "5s", 100, BRIDGE_MINUTE),
    number("max_waiting", at(redis.max_waiting), "100000", 100, 10000000),
    number("max_bytes", at(redis.max_bytes), "67108864", 1048576,
           1073741824),
    end
};

static const bridge_option_t bridge_config_auth[] = {
    msec("cache", at(auth.cache), "5m", 0, BRIDGE_DAY),
    msec("failed", at(auth.failed), "30s", 0, BRIDGE_HOUR),
    msec("delay", at(auth.delay), "2s", 0, BRIDGE_MINUTE),
    msec("timeout", at(auth.timeout), "10s", BRIDGE_SECOND, BRIDGE_MINUTE),
    number("max_cached", at(auth.max_cached), "200000", 1, 10000000),
    number("max_waiting", at(auth.max_waiting), "10000", 1, 1000000),
    flag("lowercase", at(auth.lowercase), "1"),
    number("max_failures", at(auth.max_failures), "20", 0, 100000),
    number("max_account_failures", at(auth.max_account_failures), "100", 0,
           100000),
    msec("failures_time", at(auth.failures_time), "10m", BRIDGE_SECOND,
         BRIDGE_DAY),
    msec("known_time", at(auth.known_time), "7d", 0, 366 * BRIDGE_DAY),
    text("trusted", at(auth.trusted), "127.0.0.0/8 ::1"),
    end
};

static const bridge_option_t bridge_config_sessions[] = {
    flag("enabled", at(sessions.on), "1"),
    msec("linger", at(sessions.linger), "10m", 0, BRIDGE_DAY),
    msec("presence", at(sessions.presence), "60s", 100, BRIDGE_HOUR),
    msec("backoff_min", at(sessions.backoff_min), "2s", 10, BRIDGE_HOUR),
    msec("backoff_max", at(sessions.backoff_max), "10m", 10, BRIDGE_DAY),
    number("connect_rate", at(sessions.connect_rate), "50", 1, 100000),
    number("max_accounts", at(sessions.max_accounts), "100000", 1, 10000000),
    end
};

static const bridge_option_t bridge_config_lease[] = {
    text("id", at(lease.id), NULL),
    msec("time", at(lease.time), "30s", 500, 10 * BRIDGE_MINUTE),
    number("rebalance", at(lease.rebalance), "10", 0, 10000),
    end
};

static const bridge_option_t bridge_config_updates[] = {
    flag("enabled", at(updates.on), "1"),
    text("group", at(updates.group), "pimap-bridge"),
    number("max_waiting", at(updates.max_waiting), "1000", 1, 100000),
    number("max_result", at(updates.max_result), "65536", 4096, 1048576),
    msec("timeout", at(updates.timeout), "60s", BRIDGE_SECOND, BRIDGE_HOUR),
    end
};

static const bridge_option_t bridge_config_main[] = {
    text("log", at(log), "stderr"),
    choice("log_level", at(log_level), "notice", bridge_log_names),
    text("listen", at(listen), "127.0.0.1:8025"),
    group("redis", bridge_config_redis_options),
    group("auth", bridge_config_auth),
    group("sessions", bridge_config_sessions),
    group("lease", bridge_config_lease),
    group("updates", bridge_config_updates),
    group("servers", NULL),
    end
};

static const bridge_option_t bridge_config_dav_options[] = {
    text("url", dav(url), NULL),
    text("path", dav(path), NULL),
    text("ca_file", dav(http_conf.ca_file), NULL),
    text("master_user", dav(master_user), NULL),
    secret("master_password", dav(master_password)),
    text("master_header", dav(master_header), NULL),
    flag("verify", dav(verify), "1"),
    number("max_connections", dav(http_conf.max_connections), "8", 1, 1000),
    number("max_requests", dav(http_conf.max_waiting), "10000", 10, 1000000),
    number("max_collections", dav(server.max_collections), "100", 1, 10000),
    number("max_known", dav(server.max_known), "20000", 0, 1000000),
    number("max_object", dav(server.max_object), "262144", 1024, 16777216),
    number("content", dav(server.max_content), "0", 0, 16384),
    number("rate", dav(rate), "100", 1, 10000),
    msec32("connect_timeout", dav(http_conf.connect), "10s", 100, BRIDGE_HOUR),
    msec32("answer_timeout", dav(http_conf.answer), "60s", 100, BRIDGE_HOUR),
    msec32("poll_min", dav(server.poll_min), "30s", 100, BRIDGE_HOUR),
    msec32("poll_max", dav(server.poll_max), "15m", 100, 24 * BRIDGE_HOUR),
    msec32("poke_min", dav(server.poke_min), "1s", 10, BRIDGE_HOUR),
    end
};

static const bridge_option_t bridge_config_server_options[] = {
    text("name", in(name), NULL),
    text("match", in(match), "*"),
    text("host", imap(host), NULL),
    number("port", in(port), NULL, 1, 65535),
    choice("tls", imap(tls), "starttls", bridge_config_tls),
    flag("verify", in(verify), "1"),
    text("ca_file", in(ca_file), NULL),
    text("master_user", in(master_user), NULL),
    secret("master_password", in(master_password)),
    text("master_separator", in(master_separator), NULL),
    number("max_connections", in(max_connections), "0", 0, 10000000),
    number("max_mailboxes", opt(max_mailboxes), "10000", 1, 100000),
    number("max_message", opt(max_message), "1048576", 1024, 67108864),
    number("max_known", opt(max_known), "20000", 0, 10000000),
    flag("client_address", in(client_address), "1"),
    flag("mail", in(mail), "1"),
    flag("jmap", in(jmap), "0"),
    flag("preview", in(preview), "1"),
    flag("notify", in(notify), "1"),
    flag("idle", in(idle), "1"),
    flag("qresync", in(qresync), "1"),
    flag("condstore", in(condstore), "1"),
    msec32("connect_timeout", imap(connect), "10s", 100, 5 * BRIDGE_MINUTE),
    msec32("answer_timeout", opt(answer), "30s", 100, 10 * BRIDGE_MINUTE),
    msec32("quiet_time", opt(quiet), "90s", 100, BRIDGE_HOUR),
    msec32("idle_time", opt(idle), "24m", BRIDGE_SECOND, BRIDGE_HOUR),
    msec32("poll_time", opt(poll), "60s", 100, BRIDGE_DAY),
    msec32("round_time", opt(round), "5m", 100, BRIDGE_DAY),
    msec32("flags_time", opt(flags_round), "30m", 100, 7 * BRIDGE_DAY),
    group("dav", bridge_config_dav_options),
    end
};


bridge_config_t *
bridge_config_read(const char *name, const char *id)
{
    int               rc;
    config_t          file;
    const char       *where;
    bridge_config_t  *config;

    config_init(&file);

    if (!config_read_file(&file, name)) {
        where = config_error_file(&file) ? config_error_file(&file) : name;

        if (config_error_type(&file) == CONFIG_ERR_FILE_IO) {
            bridge_log(BRIDGE_LOG_EMERG, "cannot read \"%s\": %s", where,
                       strerror(errno));

        } else {
            bridge_log(BRIDGE_LOG_EMERG, "%s, each setting is \"name = "
                       "value;\", in %s:%d", config_error_text(&file), where,
                       config_error_line(&file));
        }

        config_destroy(&file);
        return NULL;
    }

    config = bridge_alloc(sizeof(bridge_config_t));

    config->refs = 1;
    config->file = bridge_string(name);

    rc = bridge_config_parse(config, &file);
    bridge_config_id(config, id);

    config_destroy(&file);

    if (rc != 0) {
        bridge_config_release(config);
        return NULL;
    }

    return config;
}


bridge_config_t *
bridge_config_hold(bridge_config_t *config)
{
    config->refs++;

    return config;
}


void
bridge_config_release(bridge_config_t *config)
{
    bridge_server_t  *server;

    if (config == NULL || --config->refs) {
        return;
    }

    while (config->servers) {
        server = config->servers;
        config->servers = server->next;

        SSL_CTX_free(server->imap.ssl);
        bridge_config_dav_free(&server->dav);
        bridge_option_free(bridge_config_server_options, server);
        free(server);
    }

    bridge_config_redis_free(&config->redis);

    bridge_option_free(bridge_config_main, config);

    free(config->listen_host);
    free(config->file);
    free(config);
}


bridge_server_t *
bridge_config_server(bridge_config_t *config, const char *account)
{
    int               flags;
    bridge_server_t  *server;

    flags = config->auth.lowercase ? FNM_CASEFOLD : 0;

    for (server = config->servers; server; server = server->next) {
        if (fnmatch(server->match, account, flags) == 0) {
            return server;
        }
    }

    return NULL;
}


static int
bridge_config_parse(bridge_config_t *config, config_t *file)
{
    int                rc;
    config_setting_t  *root;

    root = config_root_setting(file);

    bridge_option_init(bridge_config_main, config);

    rc = bridge_option_read(bridge_config_main, root, config, config->file);
    rc |= bridge_config_servers(config, root);

    if (rc != 0) {
        return -1;
    }

    rc = bridge_config_http_check(config, root);
    rc |= bridge_config_redis(config, root);
    rc |= bridge_config_lease_check(config, root);

    if (config->sessions.backoff_max < config->sessions.backoff_min) {
        bridge_option_error(config_setting_get_member(root, "sessions"),
                            config->file,
                            "\"backoff_max\" is less than \"backoff_min\"");
        rc = -1;
    }

    return rc;
}


static int
bridge_config_servers(bridge_config_t *config, config_setting_t *root)
{
    int                i;
    bridge_server_t   *server, **next;
    config_setting_t  *list, *setting;

    list = config_setting_get_member(root, "servers");

    if (list == NULL || !config_setting_is_list(list)
        || config_setting_length(list) == 0)
    {
        bridge_option_error(list ? list : root, config->file,
                            "\"servers\" is not a list of one group at least");
        return -1;
    }

    next = &config->servers;

    for (i = 0; (setting = config_setting_get_elem(list, i)); i++) {

        if (!config_setting_is_group(setting)) {
            bridge_option_error(setting, config->file,
                                "a server is not a group");
            return -1;
        }

        server = bridge_config_server_read(config, setting);
        if (server == NULL) {
            return -1;
        }

        *next = server;
        next = &server->next;

        if (bridge_config_server_check(server, setting) != 0) {
            return -1;
        }
    }

    return bridge_config_order_check(config, list);
}


static bridge_server_t *
bridge_config_server_read(bridge_config_t *config, config_setting_t *setting)
{
    bridge_server_t   *server;
    config_setting_t  *dav;

    server = bridge_alloc(sizeof(bridge_server_t));
    server->config = config;

    imap_options_init(&server->imap.options);
    bridge_option_init(bridge_config_server_options, server);

    dav = config_setting_get_member(setting, "dav");

    if (bridge_option_read(bridge_config_server_options, setting, server,
                           config->file)
        != 0
        || (dav
            && bridge_config_dav_check(&server->dav, dav, config->file) != 0))
    {
        bridge_config_dav_free(&server->dav);
        bridge_option_free(bridge_config_server_options, server);
        free(server);
        return NULL;
    }

    return server;
}


static int
bridge_config_server_check(bridge_server_t *server, config_setting_t *setting)
{
    const char  *file;

    file = server->config->file;

    if (server->imap.host == NULL) {
        bridge_option_error(setting, file, "a server has no \"host\"");
        return -1;
    }

    if (bridge_config_host_check(setting, file, server->imap.host) != 0) {
        return -1;
    }

    if (!server->master_user != !server->master_password) {
        bridge_option_error(setting, file, "\"master_user\" and "
                            "\"master_password\" need each other");
        return -1;
    }

    if (server->name == NULL) {
        server->name = bridge_string(server->imap.host);
    }

    if (server->port == 0) {
        server->port = server->imap.tls == IMAP_TLS_IMPLICIT ? 993 : 143;
    }

    bridge_config_server_imap(server);
    bridge_config_clear_check(server, setting);

    if (server->imap.tls == IMAP_TLS_NONE) {
        return 0;
    }

    server->imap.ssl = bridge_config_ssl(setting, file, server->verify,
                                         server->ca_file);

    return server->imap.ssl ? 0 : -1;
}


static void
bridge_config_server_imap(bridge_server_t *server)
{
    imap_server_t   *imap;
    imap_options_t  *o;

    imap = &server->imap;
    o = &imap->options;

    o->max_result = server->config->updates.max_result;
    o->preview = server->preview;

    o->without = (server->notify ? 0 : IMAP_WITHOUT_NOTIFY)
                 | (server->idle ? 0 : IMAP_WITHOUT_IDLE)
                 | (server->qresync ? 0 : IMAP_WITHOUT_QRESYNC)
                 | (server->condstore ? 0 : IMAP_WITHOUT_CONDSTORE);

    imap->port = server->port;
    imap->base = bridge_base;
    imap->dns = bridge_dns;
}


/*
 * The random number makes each start a new bridge, which holds no lease and
 * has begun no update.  In a container the process id is always the same.
 */

static void
bridge_config_id(bridge_config_t *config, const char *id)
{
    char      host[128];
    char     *name;
    uint32_t  number;

    name = config->lease.id;

    if (id) {
        config->lease.id = bridge_string(id);

    } else {
        if (name == NULL && gethostname(host, sizeof(host)) != 0) {
            strcpy(host, "bridge");
        }

        host[sizeof(host) - 1] = '\0';
        evutil_secure_rng_get_bytes(&number, sizeof(number));

        config->lease.id = bridge_format("%s-%d-%08x", name ? name : host,
                                         (int) getpid(), (unsigned) number);
    }

    config->redis.id = config->lease.id;
    free(name);
}
