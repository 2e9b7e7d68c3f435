
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Errors of a Redis Cluster that name another node, or another moment.
 */


#include <stdlib.h>

#include "pimap_redis_redirect.h"
#include "tap.h"


#define MOVED  PIMAP_REDIS_REDIRECT_MOVED
#define ASK    PIMAP_REDIS_REDIRECT_ASK
#define NONE   PIMAP_REDIS_REDIRECT_NONE


static const struct {
    const char                   *error;
    pimap_redis_redirect_type_t   type;
    int                           slot;
    int                           port;
    const char                   *host;
} errors[] = {
    { "MOVED 749 127.0.0.1:27100", MOVED, 749, 27100, "127.0.0.1" },
    { "ASK 0 node.example.org:1", ASK, 0, 1, "node.example.org" },
    { "MOVED 16383 fe80::1%eth0:65535", MOVED, 16383, 65535,
      "fe80::1%eth0" },
    { "MOVED 749 :27100", MOVED, 749, 27100, "192.0.2.1" },
    { "MOVED 749 ?:27100", MOVED, 749, 0, "" },
    { "MOVED 749 a/b:27100", MOVED, 749, 0, "" },
    { "MOVED 749 a:65536", MOVED, 749, 0, "" },
    { "MOVED 749 a:", MOVED, 749, 0, "" },
    { "MOVED 749 a", MOVED, 0, 0, "" },
    { "MOVED 16384 a:1", MOVED, 0, 0, "" },
    { "MOVED  a:1", MOVED, 0, 0, "" },
    { "MOVED 749", MOVED, 0, 0, "" },
    { "MOVED ", MOVED, 0, 0, "" },
    { "MOVED", NONE, 0, 0, "" },
    { "ASKING 1 a:1", NONE, 0, 0, "" },
    { "TRYAGAIN Multiple keys request during rehashing of slot",
      PIMAP_REDIS_REDIRECT_TRYAGAIN, 0, 0, "" },
    { "CLUSTERDOWN The cluster is down", PIMAP_REDIS_REDIRECT_DOWN, 0, 0, "" },
    { "LOADING Redis is loading", PIMAP_REDIS_REDIRECT_DOWN, 0, 0, "" },
    { "MASTERDOWN Link with MASTER is down", PIMAP_REDIS_REDIRECT_DOWN, 0, 0,
      "" },
    { "CROSSSLOT Keys in request don't hash to the same slot",
      PIMAP_REDIS_REDIRECT_CROSSSLOT, 0, 0, "" },
    { "ERR unknown command", NONE, 0, 0, "" },
    { "", NONE, 0, 0, "" },
};


int
main(void)
{
    char                    *copy, host[300];
    size_t                   i, len;
    pimap_redis_redirect_t   r;

    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {

        /* of exact size, so that the sanitizer reports a read beyond it */

        len = strlen(errors[i].error);
        copy = malloc(len ? len : 1);

        if (copy == NULL) {
            abort();
        }

        memcpy(copy, errors[i].error, len);

        tap_is_int(pimap_redis_redirect_parse(&r, copy, len, "192.0.2.1"),
                   errors[i].type, errors[i].error);
        tap_ok((int) r.slot == errors[i].slot
               && (int) r.port == errors[i].port, "slot and port");
        tap_is_str(r.host, errors[i].host, "host");

        free(copy);
    }

    memset(host, 'a', sizeof(host));
    memcpy(host, "MOVED 1 ", 8);

    memcpy(host + 8 + 255, ":7", 2);
    pimap_redis_redirect_parse(&r, host, 8 + 257, "");
    tap_ok(r.port == 7 && strlen(r.host) == 255, "a host of 255 bytes");

    memcpy(host + 8 + 255, "a:7", 3);
    pimap_redis_redirect_parse(&r, host, 8 + 258, "");
    tap_ok(r.port == 0 && r.host[0] == '\0', "a host of 256 bytes");

    return tap_done();
}
