
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * AUTH, SELECT, ROLE and PING for Redis, AUTH and SENTINEL for a sentinel.
 */


#include <string.h>

#include "pimap_redis_login.h"


static void pimap_redis_login_add(pimap_redis_login_t *login,
    const char *command, const pimap_redis_text_t *first,
    const pimap_redis_text_t *second);
static pimap_redis_login_result_t pimap_redis_login_error(
    pimap_redis_login_t *login, const char *command, const redisReply *reply,
    const char **why);
static int pimap_redis_login_redirect(pimap_redis_login_t *login,
    const redisReply *reply);
static int pimap_redis_login_is_master(const redisReply *reply);


void
pimap_redis_login_start(pimap_redis_login_t *login, pimap_redis_peer_t peer,
    const pimap_redis_credentials_t *credentials)
{
    static const pimap_redis_text_t  by_name = {
        "get-master-addr-by-name", sizeof("get-master-addr-by-name") - 1
    };

    memset(login, 0, sizeof(pimap_redis_login_t));

    if (credentials->password.len) {
        if (credentials->user.len) {
            pimap_redis_login_add(login, "AUTH", &credentials->user,
                                  &credentials->password);

        } else {
            pimap_redis_login_add(login, "AUTH", &credentials->password, NULL);
        }
    }

    if (peer == PIMAP_REDIS_PEER_SENTINEL) {
        pimap_redis_login_add(login, "SENTINEL", &by_name,
                              &credentials->master);
        return;
    }

    /* a cluster has one database */

    if (credentials->db.len && peer != PIMAP_REDIS_PEER_NODE) {
        pimap_redis_login_add(login, "SELECT", &credentials->db, NULL);
    }

    if (peer == PIMAP_REDIS_PEER_MASTER) {
        pimap_redis_login_add(login, "ROLE", NULL, NULL);
    }

    pimap_redis_login_add(login, "PING", NULL, NULL);
}


static void
pimap_redis_login_add(pimap_redis_login_t *login, const char *command,
    const pimap_redis_text_t *first, const pimap_redis_text_t *second)
{
    pimap_redis_login_command_t  *c;

    c = &login->commands[login->ncommands++];

    c->argv[0] = command;
    c->len[0] = strlen(command);
    c->argc = 1;

    if (first) {
        c->argv[1] = first->data;
        c->len[1] = first->len;
        c->argc = 2;
    }

    if (second) {
        c->argv[2] = second->data;
        c->len[2] = second->len;
        c->argc = 3;
    }
}


pimap_redis_login_result_t
pimap_redis_login_reply(pimap_redis_login_t *login, const redisReply *reply,
    const char **why)
{
    const char                  *command;
    pimap_redis_login_result_t   rc;

    if (login->answered == login->ncommands) {
        *why = "unexpected reply";
        return PIMAP_REDIS_LOGIN_FAILED;
    }

    command = login->commands[login->answered++].argv[0];

    if (reply->type == REDIS_REPLY_ERROR) {
        rc = pimap_redis_login_error(login, command, reply, why);

        if (rc == PIMAP_REDIS_LOGIN_FAILED) {
            return rc;
        }

    } else if (strcmp(command, "SENTINEL") == 0) {

        if (pimap_redis_login_redirect(login, reply) == 0) {
            return PIMAP_REDIS_LOGIN_REDIRECTED;
        }

        *why = "the sentinel knows no address of the master";
        return PIMAP_REDIS_LOGIN_FAILED;

    } else if (strcmp(command, "ROLE") == 0
               && !pimap_redis_login_is_master(reply))
    {
        *why = "it is not the master";
        return PIMAP_REDIS_LOGIN_FAILED;
    }

    return login->answered == login->ncommands ? PIMAP_REDIS_LOGIN_DONE
                                               : PIMAP_REDIS_LOGIN_AGAIN;
}


static pimap_redis_login_result_t
pimap_redis_login_error(pimap_redis_login_t *login, const char *command,
    const redisReply *reply, const char **why)
{
    size_t  len;

    /* PING may be forbidden, but then the login was good */

    if (strcmp(command, "PING") == 0
        && strncmp(reply->str, "NOPERM", 6) == 0)
    {
        return PIMAP_REDIS_LOGIN_AGAIN;
    }

    *why = reply->str;

    /* a Redis without AUTH repeats the command with the password */

    if (strcmp(command, "AUTH") == 0) {
        len = strcspn(reply->str, " ");
        len = len < sizeof(login->word) ? len : sizeof(login->word) - 1;

        memcpy(login->word, reply->str, len);
        login->word[len] = '\0';

        *why = strcmp(login->word, "ERR") == 0 ? "ERR AUTH is refused"
                                               : login->word;
    }

    return PIMAP_REDIS_LOGIN_FAILED;
}


/* [address, port], or nil if it does not know this master */

static int
pimap_redis_login_redirect(pimap_redis_login_t *login,
    const redisReply *reply)
{
    const redisReply  *host, *port;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) {
        return -1;
    }

    host = reply->element[0];
    port = reply->element[1];

    if (host->type != REDIS_REPLY_STRING || port->type != REDIS_REPLY_STRING) {
        return -1;
    }

    login->port = pimap_redis_host_port(port->str, port->len);

    return login->port
           ? pimap_redis_host_copy(login->host, host->str, host->len) : -1;
}


static int
pimap_redis_login_is_master(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements
           && reply->element[0]->type == REDIS_REPLY_STRING
           && strcmp(reply->element[0]->str, "master") == 0;
}
