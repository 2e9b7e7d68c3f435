
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * "MOVED <slot> <host>:<port>" and the like.  The host may be empty, a name,
 * or an IPv6 address without brackets.
 */


#include <string.h>

#include "pimap_redis_redirect.h"


static void pimap_redis_redirect_target(pimap_redis_redirect_t *redirect,
    const char *p, const char *last, const char *asked);


pimap_redis_redirect_type_t
pimap_redis_redirect_parse(pimap_redis_redirect_t *redirect,
    const char *error, size_t len, const char *asked)
{
    size_t  i, n;

    static const struct {
        const char                   *word;
        pimap_redis_redirect_type_t   type;
    } words[] = {
        { "MOVED ", PIMAP_REDIS_REDIRECT_MOVED },
        { "ASK ", PIMAP_REDIS_REDIRECT_ASK },
        { "TRYAGAIN ", PIMAP_REDIS_REDIRECT_TRYAGAIN },
        { "CLUSTERDOWN ", PIMAP_REDIS_REDIRECT_DOWN },
        { "MASTERDOWN ", PIMAP_REDIS_REDIRECT_DOWN },
        { "LOADING ", PIMAP_REDIS_REDIRECT_DOWN },
        { "CROSSSLOT ", PIMAP_REDIS_REDIRECT_CROSSSLOT }
    };

    memset(redirect, 0, sizeof(pimap_redis_redirect_t));

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        n = strlen(words[i].word);

        if (len >= n && memcmp(error, words[i].word, n) == 0) {
            redirect->type = words[i].type;
            break;
        }
    }

    if (redirect->type == PIMAP_REDIS_REDIRECT_MOVED
        || redirect->type == PIMAP_REDIS_REDIRECT_ASK)
    {
        pimap_redis_redirect_target(redirect, error + n, error + len, asked);
    }

    return redirect->type;
}


static void
pimap_redis_redirect_target(pimap_redis_redirect_t *redirect, const char *p,
    const char *last, const char *asked)
{
    int          slot;
    size_t       len;
    unsigned     port;
    const char  *space, *colon;

    space = memchr(p, ' ', last - p);
    slot = space ? pimap_redis_slot_parse(p, space - p) : -1;

    if (slot == -1) {
        return;
    }

    p = space + 1;
    colon = pimap_redis_host_last(p, last, ':');

    if (colon == NULL) {
        return;
    }

    redirect->slot = slot;
    port = pimap_redis_host_port(colon + 1, last - colon - 1);
    len = colon - p;

    if (len == 0) {
        p = asked;
        len = strlen(asked);
    }

    if (port && pimap_redis_host_copy(redirect->host, p, len) == 0) {
        redirect->port = port;
    }
}
