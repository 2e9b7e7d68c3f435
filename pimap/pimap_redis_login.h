
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the login to Redis: which commands it needs, and what their replies
 * mean.  Called by the module and the bridge.  Invariant: an old master that
 * comes back is not taken for the master.
 */


#ifndef _PIMAP_REDIS_LOGIN_H_INCLUDED_
#define _PIMAP_REDIS_LOGIN_H_INCLUDED_


#include <hiredis/hiredis.h>

#include "pimap_redis_host.h"


#define PIMAP_REDIS_LOGIN_COMMANDS  4   /* at most */
#define PIMAP_REDIS_LOGIN_ARGS      3
#define PIMAP_REDIS_LOGIN_WORD      32  /* bytes, with the zero byte */


typedef enum {
    PIMAP_REDIS_PEER_REDIS = 0,         /* a single one */
    PIMAP_REDIS_PEER_SENTINEL,          /* is asked for the master */
    PIMAP_REDIS_PEER_MASTER,            /* that a sentinel has named */
    PIMAP_REDIS_PEER_NODE               /* of a cluster */
} pimap_redis_peer_t;


typedef struct {
    const char             *data;
    size_t                  len;        /* 0: none */
} pimap_redis_text_t;


typedef struct {
    pimap_redis_text_t      user;
    pimap_redis_text_t      password;
    pimap_redis_text_t      db;
    pimap_redis_text_t      master;     /* its name, for a sentinel */
} pimap_redis_credentials_t;


typedef enum {
    PIMAP_REDIS_LOGIN_AGAIN = 0,        /* more replies have to come */
    PIMAP_REDIS_LOGIN_DONE,
    PIMAP_REDIS_LOGIN_REDIRECTED,       /* the sentinel has named the master */
    PIMAP_REDIS_LOGIN_FAILED
} pimap_redis_login_result_t;


/* For redisFormatCommandArgv(). */
typedef struct {
    const char             *argv[PIMAP_REDIS_LOGIN_ARGS];
    size_t                  len[PIMAP_REDIS_LOGIN_ARGS];
    int                     argc;
} pimap_redis_login_command_t;


typedef struct {
    pimap_redis_login_command_t  commands[PIMAP_REDIS_LOGIN_COMMANDS];
    unsigned                ncommands;
    unsigned                answered;

    char                    host[PIMAP_REDIS_HOST]; /* of the master */
    unsigned                port;

    char                    word[PIMAP_REDIS_LOGIN_WORD];   /* of an error */
} pimap_redis_login_t;


/*
 * Fills in the commands, which are sent at once.  Their arguments point to the
 * credentials: those of the sentinel for a sentinel.
 */
void pimap_redis_login_start(pimap_redis_login_t *login,
    pimap_redis_peer_t peer, const pimap_redis_credentials_t *credentials);

/*
 * The next reply.  "why" has the reason of a failure, without a secret; it
 * may point into the login or the reply.
 */
pimap_redis_login_result_t pimap_redis_login_reply(pimap_redis_login_t *login,
    const redisReply *reply, const char **why);


#endif /* _PIMAP_REDIS_LOGIN_H_INCLUDED_ */
