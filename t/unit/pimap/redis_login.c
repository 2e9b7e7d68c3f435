
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The commands of a login, and what comes of their replies.
 */


#include "pimap_redis_login.h"
#include "redis_reply.h"
#include "tap.h"


#define text(s)  { s, sizeof(s) - 1 }

static const pimap_redis_credentials_t  all = {
    text("u"), text("p"), text("3"), text("m")
};
static const pimap_redis_credentials_t  password = {
    { NULL, 0 }, text("p"), { NULL, 0 }, text("m")
};
static const pimap_redis_credentials_t  none = {
    text("u"), { NULL, 0 }, { NULL, 0 }, { NULL, 0 }
};


static const struct {
    pimap_redis_peer_t                peer;
    const pimap_redis_credentials_t  *credentials;
    const char                       *commands;
    const char                       *replies[5];
    pimap_redis_login_result_t        result;   /* of the last reply */
    const char                       *why;      /* or the master */
} logins[] = {
    { PIMAP_REDIS_PEER_REDIS, &all, "AUTH u p|SELECT 3|PING|",
      { "\"OK\"", "\"OK\"", "\"PONG\"" }, PIMAP_REDIS_LOGIN_DONE, "" },
    { PIMAP_REDIS_PEER_REDIS, &password, "AUTH p|PING|",
      { "\"OK\"", "\"PONG\"" }, PIMAP_REDIS_LOGIN_DONE, "" },
    { PIMAP_REDIS_PEER_REDIS, &none, "PING|",
      { "\"PONG\"" }, PIMAP_REDIS_LOGIN_DONE, "" },
    { PIMAP_REDIS_PEER_MASTER, &all, "AUTH u p|SELECT 3|ROLE|PING|",
      { "\"OK\"", "\"OK\"", "[\"master\" 7 []]", "\"PONG\"" },
      PIMAP_REDIS_LOGIN_DONE, "" },
    { PIMAP_REDIS_PEER_NODE, &all, "AUTH u p|PING|",
      { "\"OK\"", "\"PONG\"" }, PIMAP_REDIS_LOGIN_DONE, "" },
    { PIMAP_REDIS_PEER_NODE, &none, "PING|",
      { "!NOPERM no ping!" }, PIMAP_REDIS_LOGIN_DONE, "" },
    { PIMAP_REDIS_PEER_NODE, &none, "PING|",
      { "!NOAUTH Authentication required.!" }, PIMAP_REDIS_LOGIN_FAILED,
      "NOAUTH Authentication required." },
    { PIMAP_REDIS_PEER_REDIS, &none, "PING|",
      { "\"PONG\"", "\"PONG\"" }, PIMAP_REDIS_LOGIN_FAILED,
      "unexpected reply" },
    { PIMAP_REDIS_PEER_REDIS, &all, "AUTH u p|SELECT 3|PING|",
      { "!WRONGPASS invalid!" }, PIMAP_REDIS_LOGIN_FAILED, "WRONGPASS" },
    { PIMAP_REDIS_PEER_REDIS, &password, "AUTH p|PING|",
      { "!DENIED_by_a_proxy_with_the_words_AUTH_p!" },
      PIMAP_REDIS_LOGIN_FAILED, "DENIED_by_a_proxy_with_the_word" },
    { PIMAP_REDIS_PEER_REDIS, &all, "AUTH u p|SELECT 3|PING|",
      { "!ERR unknown command AUTH u p!" }, PIMAP_REDIS_LOGIN_FAILED,
      "ERR AUTH is refused" },
    { PIMAP_REDIS_PEER_REDIS, &all, "AUTH u p|SELECT 3|PING|",
      { "\"OK\"", "!NOPERM select!" }, PIMAP_REDIS_LOGIN_FAILED,
      "NOPERM select" },
    { PIMAP_REDIS_PEER_REDIS, &all, "AUTH u p|SELECT 3|PING|",
      { "\"OK\"", "!ERR DB index is out of range!" },
      PIMAP_REDIS_LOGIN_FAILED, "ERR DB index is out of range" },
    { PIMAP_REDIS_PEER_MASTER, &none, "ROLE|PING|",
      { "[\"slave\" \"h\" 1]" }, PIMAP_REDIS_LOGIN_FAILED,
      "it is not the master" },
    { PIMAP_REDIS_PEER_MASTER, &none, "ROLE|PING|",
      { "[]" }, PIMAP_REDIS_LOGIN_FAILED, "it is not the master" },
    { PIMAP_REDIS_PEER_MASTER, &none, "ROLE|PING|",
      { "\"master\"" }, PIMAP_REDIS_LOGIN_FAILED, "it is not the master" },
    { PIMAP_REDIS_PEER_SENTINEL, &all,
      "AUTH u p|SENTINEL get-master-addr-by-name m|",
      { "\"OK\"", "[\"10.0.0.1\" \"6380\"]" },
      PIMAP_REDIS_LOGIN_REDIRECTED, "10.0.0.1:6380" },
    { PIMAP_REDIS_PEER_SENTINEL, &password,
      "AUTH p|SENTINEL get-master-addr-by-name m|",
      { "\"OK\"", "[\"master.example\" \"6380\"]" },
      PIMAP_REDIS_LOGIN_REDIRECTED, "master.example:6380" },
};


static const char  *unknown[] = {
    "~", "[]", "[\"h\"]", "[\"h\" 6380]", "[7 \"6380\"]", "[\"h\" \"x\"]",
    "[\"\" \"6380\"]", "[\"h\" \"0\"]", "[\"a b\" \"1\"]",
    "[\"h\" \"1\" \"2\"]", "\"h\""
};


static void
commands(const pimap_redis_login_t *login, char *to)
{
    int       j;
    unsigned  i;

    for (i = 0; i < login->ncommands; i++) {
        for (j = 0; j < login->commands[i].argc; j++) {
            to += sprintf(to, "%s%.*s", j ? " " : "",
                          (int) login->commands[i].len[j],
                          login->commands[i].argv[j]);
        }

        to += sprintf(to, "|");
    }
}


static pimap_redis_login_result_t
answer(pimap_redis_login_t *login, const char *text, char *why)
{
    redisReply                  *reply;
    const char                  *reason;
    pimap_redis_login_result_t   rc;

    reason = "";
    reply = reply_of(text);
    rc = pimap_redis_login_reply(login, reply, &reason);

    strcpy(why, reason);
    freeReplyObject(reply);

    if (rc == PIMAP_REDIS_LOGIN_REDIRECTED) {
        sprintf(why, "%s:%u", login->host, login->port);
    }

    return rc;
}


int
main(void)
{
    char                         buf[512];
    size_t                       i, j;
    pimap_redis_login_t          login;
    pimap_redis_login_result_t   rc;

    for (i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
        pimap_redis_login_start(&login, logins[i].peer,
                                logins[i].credentials);
        commands(&login, buf);
        tap_is_str(buf, logins[i].commands, "commands");

        rc = PIMAP_REDIS_LOGIN_AGAIN;

        for (j = 0; logins[i].replies[j]; j++) {
            rc = answer(&login, logins[i].replies[j], buf);

            if (logins[i].replies[j + 1]) {
                tap_ok(rc == PIMAP_REDIS_LOGIN_AGAIN
                       || login.answered == login.ncommands, "more to come");
            }
        }

        tap_is_int(rc, logins[i].result, "the result");
        tap_is_str(buf, logins[i].why, "the reason, or the master");
    }

    for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        pimap_redis_login_start(&login, PIMAP_REDIS_PEER_SENTINEL, &none);
        tap_is_int(answer(&login, unknown[i], buf), PIMAP_REDIS_LOGIN_FAILED,
                   unknown[i]);
        tap_is_str(buf, "the sentinel knows no address of the master",
                   "no master");
    }

    return tap_done();
}
