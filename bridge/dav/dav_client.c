
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the life of a client.  Called by the account's session.
 * Invariant: dav_client_close() ends all that dav_client_open() has begun.
 */


#include "dav_counters.h"
#include "dav_report.h"
#include "dav_state.h"
#include "dav_update_job.h"

#include <stdlib.h>


static void dav_client_restore(dav_client_t *c, json_t *states);


dav_client_t *
dav_client_open(const dav_server_t *server, const dav_callbacks_t *cb,
    void *data, const dav_login_t *login, json_t *states)
{
    dav_client_t  *c;

    c = bridge_alloc(sizeof(dav_client_t));

    c->server = server;
    c->cb = cb;
    c->data = data;
    c->origin = bridge_string(server->origin);

    c->login.user = bridge_string(login->user);
    c->login.secret = bridge_string(login->secret);
    c->login.as_header = bridge_string(login->as_header);
    c->login.as = bridge_string(login->as);
    c->login.bearer = login->bearer;

    dav_state_init(c, dav_round_start);
    dav_client_restore(c, states);
    dav_turn_set(&c->turn, 0);

    return c;
}


/*
 * The state of the account is stored when the first round is complete.
 * Without it, states of collections are a part of a beginning.
 */

static void
dav_client_restore(dav_client_t *c, json_t *states)
{
    size_t             i;
    json_t            *state, *home;
    const char        *key, *path;
    dav_collection_t  *col;

    json_object_foreach(states, key, state) {

        if (strcmp(key, DAV_KEY) != 0) {
            col = dav_collection_from_state(key, state);

            if (col) {
                dav_state_add(c, col);
            }

            continue;
        }

        c->baseline = 1;

        json_array_foreach(json_object_get(state, "homes"), i, home) {
            path = json_string_value(home);
            dav_paths_add(&c->homes, bridge_string(path));
        }
    }
}


void
dav_client_close(dav_client_t *c)
{
    dav_collection_t  *col;

    dav_state_close(c);

    dav_report_cancel(&c->report);
    dav_discovery_cancel(c);
    dav_sync_cancel(c);
    dav_update_cancel(c);

    while ((col = TAILQ_FIRST(&c->collections))) {
        dav_state_drop(c, col);
    }

    dav_paths_free(&c->homes);

    if (c->login.secret) {
        bridge_wipe_free((char *) c->login.secret, strlen(c->login.secret));
    }

    free((char *) c->login.user);
    free((char *) c->login.as_header);
    free((char *) c->login.as);
    free(c->origin);
    free(c->why);
    free(c);
}
