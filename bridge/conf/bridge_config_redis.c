
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the checks of the settings of Redis, and what follows from them.
 * Called by bridge_config.c.  Invariant: an error shows nothing of an address,
 * because a password may be in it.
 */


#include "bridge_config.h"

#include <stdlib.h>


static int bridge_config_redis_check(bridge_config_t *config,
    config_setting_t *group);
static int bridge_config_redis_address(bridge_config_t *config,
    config_setting_t *group);
static int bridge_config_redis_parse(bridge_config_t *config,
    config_setting_t *group, const char *text);
static int bridge_config_redis_login(bridge_config_t *config,
    config_setting_t *group);
static void bridge_config_redis_text(pimap_redis_text_t *text,
    const char *value);


int
bridge_config_redis(bridge_config_t *config, config_setting_t *root)
{
    config_setting_t     *group;
    bridge_redis_conf_t  *redis;

    redis = &config->redis;
    group = config_setting_get_member(root, "redis");
    group = group ? group : root;

    if (bridge_config_redis_check(config, group) != 0
        || bridge_config_redis_address(config, group) != 0
        || bridge_config_redis_login(config, group) != 0)
    {
        return -1;
    }

    if (redis->url.tls) {
        redis->ssl = bridge_config_ssl(group, config->file, redis->verify,
                                       redis->ca_file);
        return redis->ssl ? 0 : -1;
    }

    return 0;
}


void
bridge_config_redis_free(bridge_redis_conf_t *redis)
{
    SSL_CTX_free(redis->ssl);

    if (redis->url.password) {
        explicit_bzero(redis->url.password, strlen(redis->url.password));
    }

    pimap_redis_url_free(&redis->url);
    free(redis->db_text);
}


/* The bridge refuses what nginx refuses in "pimap_redis". */

static int
bridge_config_redis_check(bridge_config_t *config, config_setting_t *group)
{
    const char           *prefix;
    bridge_redis_conf_t  *redis;

    redis = &config->redis;
    prefix = redis->prefix;

    if (*prefix == '\0' || strlen(prefix) > 64 || strpbrk(prefix, "{} \t*?["))
    {
        bridge_option_error(config_setting_get_member(group, "prefix"),
                            config->file,
                            "\"prefix\" of redis is not a name of 1 to 64 "
                            "bytes without spaces and {}*?[");
        return -1;
    }

    if (redis->address == NULL) {
        return redis->host == NULL || redis->host[0] == '/' ? 0
               : bridge_config_host_check(group, config->file, redis->host);
    }

    if (!redis->host && !redis->port && !redis->db && !redis->tls) {
        return 0;
    }

    bridge_option_error(group, config->file, "\"address\" of redis says "
                        "where it is: leave out \"host\", \"port\", \"db\" "
                        "and \"tls\"");
    return -1;
}


/* "host" and "port" become an address, too. */

static int
bridge_config_redis_address(bridge_config_t *config, config_setting_t *group)
{
    int                   rc;
    char                 *text;
    const char           *host;
    bridge_redis_conf_t  *redis;

    redis = &config->redis;

    if (redis->address) {
        return bridge_config_redis_parse(config, group, redis->address);
    }

    host = redis->host ? redis->host : "127.0.0.1";

    if (host[0] == '/') {
        text = bridge_format("unix:%s", host);

    } else {
        text = bridge_format(strchr(host, ':') ? "%s[%s]:%d/%d"
                                               : "%s%s:%d/%d",
                             redis->tls ? "rediss://" : "redis://", host,
                             redis->port ? redis->port : 6379, redis->db);
    }

    rc = bridge_config_redis_parse(config, group, text);
    free(text);

    if (rc == 0 && redis->db) {
        redis->db_text = bridge_format("%d", redis->db);
    }

    return rc;
}


static int
bridge_config_redis_parse(bridge_config_t *config, config_setting_t *group,
    const char *text)
{
    const char           *why, *db;
    config_setting_t     *setting;
    bridge_redis_conf_t  *redis;

    redis = &config->redis;

    why = pimap_redis_url_parse(&redis->url, text, strlen(text));
    db = redis->url.db;

    if (why == NULL && db
        && (*db == '\0' || strlen(db) > 5 || db[strspn(db, "0123456789")]))
    {
        why = "has an invalid database, must be a number";
    }

    if (why == NULL) {
        return 0;
    }

    setting = config_setting_get_member(group, redis->address ? "address"
                                                              : "host");
    bridge_option_error(setting ? setting : group, config->file,
                        "\"%s\" of redis %s",
                        redis->address ? "address" : "host", why);
    return -1;
}


/* A login is in the address, or in settings of its own. */

static int
bridge_config_redis_login(bridge_config_t *config, config_setting_t *group)
{
    const char           *user, *password;
    bridge_redis_conf_t  *redis;

    redis = &config->redis;
    user = redis->user ? redis->user : redis->url.user;
    password = redis->password ? redis->password : redis->url.password;

    if ((redis->user && redis->url.user)
        || (redis->password && redis->url.password))
    {
        bridge_option_error(group, config->file, "\"address\" of redis has a "
                            "login, and \"user\" or \"password\" is set: "
                            "write it once");
        return -1;
    }

    if ((user && password == NULL)
        || (redis->sentinel_user && redis->sentinel_password == NULL))
    {
        bridge_option_error(group, config->file, "\"%s\" of redis needs "
                            "\"%s\" or \"%s_file\"",
                            user && !password ? "user" : "sentinel_user",
                            user && !password ? "password"
                                              : "sentinel_password",
                            user && !password ? "password"
                                              : "sentinel_password");
        return -1;
    }

    if (redis->sentinel_password
        && redis->url.type != PIMAP_REDIS_URL_SENTINEL)
    {
        bridge_option_error(group, config->file, "\"sentinel_password\" of "
                            "redis needs an \"address\" with sentinel://");
        return -1;
    }

    bridge_config_redis_text(&redis->credentials.user, user);
    bridge_config_redis_text(&redis->credentials.password, password);
    bridge_config_redis_text(&redis->credentials.db,
                             redis->db_text ? redis->db_text
                             : redis->address ? redis->url.db : NULL);

    bridge_config_redis_text(&redis->sentinel.user, redis->sentinel_user);
    bridge_config_redis_text(&redis->sentinel.password,
                             redis->sentinel_password);
    bridge_config_redis_text(&redis->sentinel.master, redis->url.master);

    return 0;
}


static void
bridge_config_redis_text(pimap_redis_text_t *text, const char *value)
{
    text->data = value;
    text->len = value ? strlen(value) : 0;
}
