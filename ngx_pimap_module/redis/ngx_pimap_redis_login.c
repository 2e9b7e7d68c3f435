
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The first words on a connection.  To Redis: AUTH, SELECT, and with
 * sentinels ROLE, since an old master that comes back is not to be written
 * to.  To a sentinel: AUTH and where the master is.
 */


#include "ngx_pimap_redis_connect.h"
#include "ngx_pimap_zone.h"


static ngx_int_t ngx_pimap_redis_ask_sentinel(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_ask_redis(ngx_pimap_redis_t *redis);
static ngx_int_t ngx_pimap_redis_ask(ngx_pimap_redis_t *redis,
    const char *command, ngx_str_t *first, ngx_str_t *second);
static void ngx_pimap_redis_refused(ngx_pimap_redis_t *redis,
    const char *command, redisReply *reply);
static ngx_int_t ngx_pimap_redis_told(ngx_pimap_redis_t *redis,
    redisReply *reply);
static ngx_uint_t ngx_pimap_redis_is_master(redisReply *reply);
static void ngx_pimap_redis_welcome(ngx_pimap_redis_t *redis);


static ngx_str_t  ngx_pimap_redis_none = ngx_null_string;


void
ngx_pimap_redis_greet(ngx_pimap_redis_t *redis)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = redis->connection;

    redis->state = NGX_PIMAP_REDIS_GREETING;
    redis->ngreetings = 0;
    redis->greeted = 0;

    c->read->handler = ngx_pimap_redis_read_handler;

    rc = redis->asks ? ngx_pimap_redis_ask_sentinel(redis)
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

    static ngx_str_t  question = ngx_string("get-master-addr-by-name");

    conf = redis->conf;

    if (conf->sentinel_password.len
        && ngx_pimap_redis_ask(redis, "AUTH", &conf->sentinel_user,
                               &conf->sentinel_password)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_redis_ask(redis, "SENTINEL", &question, &conf->master);
}


static ngx_int_t
ngx_pimap_redis_ask_redis(ngx_pimap_redis_t *redis)
{
    ngx_pimap_conf_redis_t  *conf;

    conf = redis->conf;

    if (conf->password.len
        && ngx_pimap_redis_ask(redis, "AUTH", &conf->user, &conf->password)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->db.len
        && ngx_pimap_redis_ask(redis, "SELECT", &conf->db,
                               &ngx_pimap_redis_none)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->master.len
        && ngx_pimap_redis_ask(redis, "ROLE", &ngx_pimap_redis_none,
                               &ngx_pimap_redis_none)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_redis_ask(redis, "PING", &ngx_pimap_redis_none,
                               &ngx_pimap_redis_none);
}


/* A command with up to two arguments; those that are empty are left out. */

static ngx_int_t
ngx_pimap_redis_ask(ngx_pimap_redis_t *redis, const char *command,
    ngx_str_t *first, ngx_str_t *second)
{
    int          n;
    size_t       len[3];
    const char  *argv[3];

    argv[0] = command;
    len[0] = ngx_strlen(command);
    n = 1;

    if (first->len) {
        argv[n] = (char *) first->data;
        len[n++] = first->len;
    }

    if (second->len) {
        argv[n] = (char *) second->data;
        len[n++] = second->len;
    }

    redis->greetings[redis->ngreetings++] = command;

    return ngx_pimap_redis_send(redis, n, argv, len);
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

        if (ngx_strcmp(command, "PING") != 0
            || ngx_strncmp(reply->str, "NOPERM", 6) != 0)
        {
            ngx_pimap_redis_refused(redis, command, reply);
            return;
        }

    } else if (ngx_strcmp(command, "SENTINEL") == 0) {

        if (ngx_pimap_redis_told(redis, reply) == NGX_OK) {
            redis->moves = 1;

        } else {
            ngx_pimap_redis_fail(redis, "the sentinel knows no address "
                                        "of the master");
        }

        return;

    } else if (ngx_strcmp(command, "ROLE") == 0
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
    /* a Redis that knows no AUTH repeats it with the password */

    if (ngx_strcmp(command, "AUTH") == 0) {
        reply->str[strcspn(reply->str, " ")] = '\0';
    }

    ngx_pimap_redis_fail(redis, reply->str);
}


/* [address, port], or nil if it does not know this master */

static ngx_int_t
ngx_pimap_redis_told(ngx_pimap_redis_t *redis, redisReply *reply)
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
    redis->state = NGX_PIMAP_REDIS_UP;
    redis->told = 0;

    ngx_pimap_redis_set_log(redis->connection, ngx_cycle->log);

    ngx_del_timer(&redis->timer);

    ngx_pimap_count(redis_connects);

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "pimap connected to redis, %s of %V, at %V",
                  redis->role, &redis->conf->name, &redis->host);

    redis->up(redis);
}
