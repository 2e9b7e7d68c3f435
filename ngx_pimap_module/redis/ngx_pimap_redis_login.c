
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the login of a connection: sends its commands, and acts on the replies.
 * pimap_redis_login.c knows both.
 */


#include "ngx_pimap_redis.h"
#include "ngx_pimap_zone.h"


static ngx_int_t ngx_pimap_redis_login(ngx_pimap_redis_t *redis);
static pimap_redis_peer_t ngx_pimap_redis_peer(ngx_pimap_redis_t *redis);
static pimap_redis_text_t ngx_pimap_redis_text(ngx_str_t *s);
static ngx_int_t ngx_pimap_redis_master(ngx_pimap_redis_t *redis);
static void ngx_pimap_redis_welcome(ngx_pimap_redis_t *redis);


void
ngx_pimap_redis_greet(ngx_pimap_redis_t *redis)
{
    ngx_connection_t  *c;

    c = redis->connection;

    ngx_pimap_redis_set_state(redis, NGX_PIMAP_REDIS_GREETING);

    c->read->handler = ngx_pimap_redis_read_handler;

    if (ngx_pimap_redis_login(redis) != NGX_OK
        || ngx_handle_read_event(c->read, 0) != NGX_OK)
    {
        ngx_pimap_redis_fail(redis, "no memory");
        return;
    }

    /* Redis may have spoken first, "-ERR max number of clients reached" */

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static ngx_int_t
ngx_pimap_redis_login(ngx_pimap_redis_t *redis)
{
    int                            size;
    char                          *text;
    ngx_uint_t                     i;
    ngx_pimap_conf_redis_t        *conf;
    pimap_redis_credentials_t      credentials;
    pimap_redis_login_command_t   *command;

    conf = redis->conf;

    credentials.user = ngx_pimap_redis_text(redis->sentinel
                                            ? &conf->sentinel_user
                                            : &conf->user);
    credentials.password = ngx_pimap_redis_text(redis->sentinel
                                                ? &conf->sentinel_password
                                                : &conf->password);
    credentials.db = ngx_pimap_redis_text(&conf->db);
    credentials.master = ngx_pimap_redis_text(&conf->master);

    pimap_redis_login_start(&redis->login, ngx_pimap_redis_peer(redis),
                            &credentials);

    for (i = 0; i < redis->login.ncommands; i++) {
        command = &redis->login.commands[i];

        size = redisFormatCommandArgv(&text, command->argc, command->argv,
                                      command->len);

        if (size < 0
            || ngx_pimap_redis_send_text(redis, text, size) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static pimap_redis_peer_t
ngx_pimap_redis_peer(ngx_pimap_redis_t *redis)
{
    return redis->sentinel ? PIMAP_REDIS_PEER_SENTINEL
           : redis->conf->master.len ? PIMAP_REDIS_PEER_MASTER
           : redis->conf->seeds.nelts ? PIMAP_REDIS_PEER_NODE
                                      : PIMAP_REDIS_PEER_REDIS;
}


static pimap_redis_text_t
ngx_pimap_redis_text(ngx_str_t *s)
{
    pimap_redis_text_t  text;

    text.data = (char *) s->data;
    text.len = s->len;

    return text;
}


void
ngx_pimap_redis_greeted(ngx_pimap_redis_t *redis, redisReply *reply)
{
    const char  *why;

    switch (pimap_redis_login_reply(&redis->login, reply, &why)) {

    case PIMAP_REDIS_LOGIN_AGAIN:
        return;

    case PIMAP_REDIS_LOGIN_DONE:
        ngx_pimap_redis_welcome(redis);
        return;

    case PIMAP_REDIS_LOGIN_REDIRECTED:

        if (ngx_pimap_redis_master(redis) == NGX_OK) {
            redis->redirected = 1;
            return;
        }

        why = "the sentinel knows no address of the master";
        break;

    case PIMAP_REDIS_LOGIN_FAILED:
        break;
    }

    ngx_pimap_redis_fail(redis, why);
}


/* A sentinel may name the master by a host name, which is not looked up. */

static ngx_int_t
ngx_pimap_redis_master(ngx_pimap_redis_t *redis)
{
    ngx_addr_t  addr;

    if (ngx_parse_addr(redis->connection->pool, &addr,
                       (u_char *) redis->login.host,
                       ngx_strlen(redis->login.host))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(&redis->master, addr.sockaddr, addr.socklen);
    redis->master_len = addr.socklen;

    ngx_inet_set_port(&redis->master.sockaddr, (in_port_t) redis->login.port);

    return NGX_OK;
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
