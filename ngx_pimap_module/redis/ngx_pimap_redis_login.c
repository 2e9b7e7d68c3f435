
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the login.  To Redis: AUTH, SELECT, and with sentinels ROLE, because an
 * old master that comes back must not be written to.  To a sentinel: AUTH and
 * the question for the master's address.
 */


#include "ngx_pimap_redis.h"
#include "ngx_pimap_zone.h"


static ngx_int_t ngx_pimap_redis_ask_sentinel(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_ask_redis(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_auth(ngx_pimap_redis_t *redis,
    ngx_str_t *user, ngx_str_t *password);
static ngx_int_t ngx_pimap_redis_ask(ngx_pimap_redis_t *redis,
    const char *format, ngx_str_t *first, ngx_str_t *second);
static void ngx_pimap_redis_refused(ngx_pimap_redis_t *redis,
    const char *command, redisReply *reply);
static ngx_int_t ngx_pimap_redis_master(ngx_pimap_redis_t *redis,
    redisReply *reply);
static ngx_uint_t ngx_pimap_redis_is_master(redisReply *reply);
static void ngx_pimap_redis_welcome(ngx_pimap_redis_t *redis);


void
ngx_pimap_redis_greet(ngx_pimap_redis_t *redis)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = redis->connection;

    redis->ngreetings = 0;
    redis->greeted = 0;

    ngx_pimap_redis_set_state(redis, NGX_PIMAP_REDIS_GREETING);

    c->read->handler = ngx_pimap_redis_read_handler;

    rc = redis->sentinel ? ngx_pimap_redis_ask_sentinel(redis)
                     : ngx_pimap_redis_ask_redis(redis);

    if (rc != NGX_OK || ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_pimap_redis_fail(redis, "no memory");
        return;
    }

    /* Redis may have spoken first, "-ERR max number of clients reached" */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static ngx_int_t
ngx_pimap_redis_ask_sentinel(ngx_pimap_redis_t *redis)
{
    ngx_pimap_conf_redis_t  *conf;

    conf = redis->conf;

    if (ngx_pimap_redis_auth(redis, &conf->sentinel_user,
                             &conf->sentinel_password)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_redis_ask(redis, "SENTINEL get-master-addr-by-name %b",
                               &conf->master, NULL);
}


static ngx_int_t
ngx_pimap_redis_ask_redis(ngx_pimap_redis_t *redis)
{
    ngx_pimap_conf_redis_t  *conf;

    conf = redis->conf;

    if (ngx_pimap_redis_auth(redis, &conf->user, &conf->password) != NGX_OK
        || (conf->db.len
            && ngx_pimap_redis_ask(redis, "SELECT %b", &conf->db, NULL)
               != NGX_OK)
        || (conf->master.len
            && ngx_pimap_redis_ask(redis, "ROLE", NULL, NULL) != NGX_OK))
    {
        return NGX_ERROR;
    }

    return ngx_pimap_redis_ask(redis, "PING", NULL, NULL);
}


static ngx_int_t
ngx_pimap_redis_auth(ngx_pimap_redis_t *redis, ngx_str_t *user,
    ngx_str_t *password)
{
    if (password->len == 0) {
        return NGX_OK;
    }

    return user->len ? ngx_pimap_redis_ask(redis, "AUTH %b %b", user, password)
                     : ngx_pimap_redis_ask(redis, "AUTH %b", password, NULL);
}


/* The first word of the format says later to which command a reply belongs. */

static ngx_int_t
ngx_pimap_redis_ask(ngx_pimap_redis_t *redis, const char *format,
    ngx_str_t *first, ngx_str_t *second)
{
    redis->greetings[redis->ngreetings++] = format;

    return ngx_pimap_redis_send(redis, format, first ? first->data : NULL,
                                first ? first->len : 0,
                                second ? second->data : NULL,
                                second ? second->len : 0);
}


void
ngx_pimap_redis_greeted(ngx_pimap_redis_t *redis, redisReply *reply)
{
    const char  *command;

    if (redis->greeted == redis->ngreetings) {
        ngx_pimap_redis_fail(redis, "unexpected reply");
        return;
    }

    command = redis->greetings[redis->greeted++];

    if (reply->type == REDIS_REPLY_ERROR) {

        /* PING may be forbidden, but then the login was good */

        if (ngx_strncmp(command, "PING", 4) != 0
            || ngx_strncmp(reply->str, "NOPERM", 6) != 0)
        {
            ngx_pimap_redis_refused(redis, command, reply);
            return;
        }

    } else if (ngx_strncmp(command, "SENTINEL", 8) == 0) {

        if (ngx_pimap_redis_master(redis, reply) == NGX_OK) {
            redis->redirected = 1;

        } else {
            ngx_pimap_redis_fail(redis, "the sentinel knows no address "
                                        "of the master");
        }

        return;

    } else if (ngx_strncmp(command, "ROLE", 4) == 0
               && !ngx_pimap_redis_is_master(reply))
    {
        ngx_pimap_redis_fail(redis, "it is not the master");
        return;
    }

    if (redis->greeted == redis->ngreetings) {
        ngx_pimap_redis_welcome(redis);
    }
}


static void
ngx_pimap_redis_refused(ngx_pimap_redis_t *redis, const char *command,
    redisReply *reply)
{
    /* a Redis without AUTH repeats the command with the password */

    if (ngx_strncmp(command, "AUTH", 4) == 0) {
        reply->str[strcspn(reply->str, " ")] = '\0';

        if (ngx_strcmp(reply->str, "ERR") == 0) {
            ngx_pimap_redis_fail(redis, "ERR AUTH is refused");
            return;
        }
    }

    ngx_pimap_redis_fail(redis, reply->str);
}


/* [address, port], or nil if it does not know this master */

static ngx_int_t
ngx_pimap_redis_master(ngx_pimap_redis_t *redis, redisReply *reply)
{
    ngx_int_t    port;
    ngx_addr_t   addr;
    redisReply  *host, *number;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return NGX_ERROR;
    }

    host = reply->element[0];
    number = reply->element[1];

    if (host->type != REDIS_REPLY_STRING
        || number->type != REDIS_REPLY_STRING)
    {
        return NGX_ERROR;
    }

    port = ngx_atoi((u_char *) number->str, number->len);

    if (port < 1 || port > 65535
        || ngx_parse_addr(redis->connection->pool, &addr,
                          (u_char *) host->str, host->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(&redis->master, addr.sockaddr, addr.socklen);
    redis->master_len = addr.socklen;

    ngx_inet_set_port(&redis->master.sockaddr, (in_port_t) port);

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_redis_is_master(redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements
           && reply->element[0]->type == REDIS_REPLY_STRING
           && ngx_strcmp(reply->element[0]->str, "master") == 0;
}


static void
ngx_pimap_redis_welcome(ngx_pimap_redis_t *redis)
{
    ngx_pimap_redis_set_state(redis, NGX_PIMAP_REDIS_UP);

    ngx_pimap_redis_set_log(redis->connection, ngx_cycle->log);

    ngx_del_timer(&redis->timer);

    ngx_pimap_count(redis_connects);

    ngx_pimap_redis_connected_line(redis);

    redis->up(redis);
}
