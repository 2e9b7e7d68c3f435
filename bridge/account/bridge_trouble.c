
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the failures of a server that are in the log.  Called for each session
 * and each login.  Invariant: a failure has one line at "error" until a
 * session or login has succeeded, for all accounts together.
 */


#include "bridge_supervisor.h"


#define BRIDGE_TROUBLE_QUIET  60000     /* msec between two equal lines */


static int bridge_trouble_is_new(bridge_server_t *server, const char *why);
static uint32_t bridge_trouble_hash(const char *why);


bridge_log_level_t
bridge_trouble(bridge_server_t *server, const char *known, const char *why)
{
    int  new;

    new = server == NULL || bridge_trouble_is_new(server, why);

    if (known && bridge_trouble_hash(known) == bridge_trouble_hash(why)) {
        new = 0;
    }

    return new ? BRIDGE_LOG_ERROR : BRIDGE_LOG_INFO;
}


/* curl tells how many milliseconds it tried: they make no difference. */

static uint32_t
bridge_trouble_hash(const char *why)
{
    size_t    digits;
    uint32_t  hash;

    hash = 5381;

    while (*why) {
        digits = strspn(why, "0123456789");

        if (digits && strncmp(why + digits, " m", 2) == 0) {
            why += digits;
        }

        hash = hash * 33 + (unsigned char) *why++;
    }

    return hash;
}


/* The oldest one is forgotten for a new one. */

static int
bridge_trouble_is_new(bridge_server_t *server, const char *why)
{
    size_t             i;
    uint32_t           hash;
    bridge_msec_t      now;
    bridge_trouble_t  *t;

    now = bridge_now();
    hash = bridge_trouble_hash(why);

    for (i = 0; i < BRIDGE_TROUBLES; i++) {
        t = &server->troubles[i];

        if (t->hash == hash && t->at) {
            if (!t->over || now - t->at < BRIDGE_TROUBLE_QUIET) {
                return 0;
            }

            break;
        }
    }

    if (i == BRIDGE_TROUBLES) {
        t = &server->troubles[server->ntroubles++ % BRIDGE_TROUBLES];
    }

    t->hash = hash;
    t->at = now;
    t->over = 0;

    return 1;
}


void
bridge_trouble_over(bridge_server_t *server)
{
    size_t  i;

    for (i = 0; i < BRIDGE_TROUBLES; i++) {
        server->troubles[i].over = 1;
    }
}
