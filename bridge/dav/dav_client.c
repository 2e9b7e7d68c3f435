
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_counters.h"
#include "dav_round.h"
#include "dav_update_job.h"

#include <stdlib.h>


static void dav_client_restore(dav_client_t *c, json_t *states);
static void dav_client_restore_homes(dav_client_t *c, json_t *homes);
static void dav_client_turn(void *data);


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

    TAILQ_INIT(&c->collections);
    TAILQ_INIT(&c->jobs);

    dav_turn_init(&c->turn, server->poll, dav_client_turn, c);
    event_assign(&c->failing, server->poll->base, -1, 0, dav_state_failing,
                 c);

    dav_client_restore(c, states);

    dav_turn_set(&c->turn, 0);

    return c;
}


/*
 * What is stored of collections counts only with the account's own state,
 * which is written when all of them are: else, it is taken as a beginning.
 */

static void
dav_client_restore(dav_client_t *c, json_t *states)
{
    json_t            *state;
    const char        *key;
    dav_collection_t  *col;

    json_object_foreach(states, key, state) {

        if (strcmp(key, DAV_KEY) == 0) {
            c->based = 1;
            dav_client_restore_homes(c, json_object_get(state, "homes"));
            continue;
        }

        col = dav_collection_from_state(key, state);

        if (col) {
            dav_state_add(c, col);
        }
    }
}


static void
dav_client_restore_homes(dav_client_t *c, json_t *homes)
{
    size_t       i;
    const char  *path;

    for (i = 0; i < json_array_size(homes) && i < DAV_MAX_HOMES; i++) {
        path = json_string_value(json_array_get(homes, i));

        if (path) {
            c->homes[c->nhomes++] = bridge_string(path);
        }
    }
}


void
dav_client_close(dav_client_t *c)
{
    unsigned           i;
    dav_collection_t  *col;

    event_del(&c->failing);
    dav_turn_cancel(&c->turn);

    if (c->call) {
        dav_report_cancel(c->call);
    }

    dav_discovery_cancel(c);
    dav_sync_cancel(c);
    dav_update_cancel(c);

    dav_counters.ready -= c->ready;

    while ((col = TAILQ_FIRST(&c->collections))) {
        dav_state_drop(c, col);
    }

    for (i = 0; i < c->nhomes; i++) {
        free(c->homes[i]);
    }

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


static void
dav_client_turn(void *data)
{
    dav_client_t *c = data;

    if (c->failed || c->running) {
        dav_turn_end(&c->turn);
        return;
    }

    dav_round_start(c);
}
