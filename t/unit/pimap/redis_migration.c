
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Slots on their way, in replies to CLUSTER NODES.
 */


#include <stdlib.h>

#include "pimap_redis_migration.h"
#include "tap.h"


#define OTHER  "e7d1eecc 127.0.0.1:30002@31002 master - 0 1426238317239 4 "   \
               "connected 5461-10922 [5->-wrong] [bad\n"
#define MYSELF(flags, slots)                                                  \
               "07c37dfe 127.0.0.1:30004@31004,host " flags " - 0 0 2 "       \
               "connected" slots "\n"


static const struct {
    const char   *text;
    int           rc;
    int           master;
    int           leaving;              /* one of them; -1: none */
    int           coming;
    unsigned      n;                    /* of both */
} replies[] = {
    { OTHER MYSELF("myself,master", " 0-5460"), 0, 1, -1, -1, 0 },
    { MYSELF("myself,master", " 0-76 [77->-292f8b36] [93-<-67ed2db8]") OTHER,
      0, 1, 77, 93, 2 },
    { MYSELF("master,myself", " [1->-a] [16383->-a] [0->-a]"),
      0, 1, 16383, -1, 3 },
    { MYSELF("myself,slave", ""), 0, 0, -1, -1, 0 },
    { MYSELF("master,nofailover,myself", ""), 0, 1, -1, -1, 0 },
    { MYSELF("myself,masters", ""), 0, 0, -1, -1, 0 },
    { OTHER, -1, 0, -1, -1, 0 },
    { "", -1, 0, -1, -1, 0 },
    { "\n\n", -1, 0, -1, -1, 0 },
    { "a b", -1, 0, -1, -1, 0 },
    { "a b myself,master c", -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " [77->-292f8b36"), -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " [77->]"), -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " [77-=-a]"), -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " [16384->-a]"), -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " [->-a]"), -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " [77]"), -1, 1, -1, -1, 0 },
    { MYSELF("myself,master", " ["), -1, 1, -1, -1, 0 },
};


int
main(void)
{
    char                     *copy;
    size_t                    i, len;
    pimap_redis_migration_t   m;

    for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        len = strlen(replies[i].text);
        copy = malloc(len ? len : 1);

        if (copy == NULL) {
            abort();
        }

        memcpy(copy, replies[i].text, len);

        tap_is_int(pimap_redis_migration_parse(&m, copy, len), replies[i].rc,
                   "the result");
        tap_is_int(m.master, replies[i].master, "the role");
        tap_is_int(m.leaving.n + m.coming.n, replies[i].n, "slots");
        tap_ok(replies[i].leaving == -1
               || pimap_redis_slot_set_has(&m.leaving, replies[i].leaving),
               "a slot that leaves");
        tap_ok(replies[i].coming == -1
               || pimap_redis_slot_set_has(&m.coming, replies[i].coming),
               "a slot that comes");

        free(copy);
    }

    return tap_done();
}
