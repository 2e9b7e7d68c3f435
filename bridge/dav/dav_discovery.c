
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns discovery (RFC 6764): the places where a server may name the user's
 * principal are asked in order, then each principal for its homes.  A place
 * may also be the principal itself, or, if it was configured, the home.
 * Called by dav_round.c.  Invariant: c->homes changes only when it succeeds.
 */


#include "dav_state.h"
#include "dav_report.h"

#include <stdlib.h>
#include <syslog.h>

#include <glib.h>


struct dav_discovery_s {
    dav_paths_t    places;
    unsigned       place;               /* that is being asked */
    unsigned       root;                /* asked only without a principal */
    unsigned       principals;
    dav_paths_t    homes;
    dav_step_pt    done;
    char          *trouble;             /* of a place, the first one */
};


static char *dav_discovery_path(dav_client_t *c);
static void dav_discovery_ask(dav_client_t *c);
static void dav_discovery_response(void *data, const dav_response_t *r);
static void dav_discovery_home(dav_client_t *c, const char *base,
    const char *list);
static void dav_discovery_reply(void *data, const dav_reply_t *reply);
static void dav_discovery_found(dav_client_t *c);
static void dav_discovery_end(dav_client_t *c, uint32_t after);


void
dav_discovery_start(dav_client_t *c, dav_step_pt done)
{
    char             *path;
    dav_discovery_t  *d;

    d = bridge_alloc(sizeof(dav_discovery_t));
    d->done = done;
    c->discovery = d;

    if (c->server->path) {
        path = dav_discovery_path(c);

        if (path == NULL) {
            dav_state_fail(c, DAV_FAIL_PROTOCOL, "the path \"%s\" with this "
                           "login in it is no path", c->server->path);
            dav_discovery_end(c, 0);
            return;
        }

        dav_paths_add(&d->places, path);

    } else {
        dav_paths_add(&d->places, bridge_string("/.well-known/carddav"));
        dav_paths_add(&d->places, bridge_string("/.well-known/caldav"));
        dav_paths_add(&d->places, bridge_string("/"));
        d->root = 2;
    }

    dav_discovery_ask(c);
}


void
dav_discovery_cancel(dav_client_t *c)
{
    dav_discovery_t  *d = c->discovery;

    if (d) {
        dav_paths_free(&d->places);
        dav_paths_free(&d->homes);
        free(d->trouble);
        free(d);
        c->discovery = NULL;
    }
}


/* The configured path, with the login as a segment. */

static char *
dav_discovery_path(dav_client_t *c)
{
    char        *login, *path;
    GString     *full;
    const char  *user;

    user = c->login.as ? c->login.as : c->login.user;
    login = g_uri_escape_string(user ? user : "", NULL, FALSE);
    full = g_string_new(c->server->path);

    g_string_replace(full, "%u", login, 0);
    path = dav_url_device(full->str);

    g_string_free(full, TRUE);
    g_free(login);

    return path;
}


static void
dav_discovery_ask(dav_client_t *c)
{
    dav_discovery_t  *d = c->discovery;

    if (d->root && d->place == d->root && d->principals) {
        d->place++;
    }

    if (d->place == d->places.n) {
        dav_discovery_found(c);
        return;
    }

    if (dav_report(&c->report, c, "PROPFIND", d->places.paths[d->place], 0,
                   dav_xml_principal, dav_discovery_response,
                   dav_discovery_reply, c)
        == -1)
    {
        dav_state_fail(c, DAV_FAIL_AWAY, "discovery at \"%s\": too many "
                       "requests wait", d->places.paths[d->place]);
        dav_discovery_end(c, 0);
    }
}


static void
dav_discovery_response(void *data, const dav_response_t *r)
{
    dav_client_t *c = data;

    char             *path;
    const char       *base;
    dav_discovery_t  *d = c->discovery;

    base = dav_report_path(c->report);

    if (r->text[DAV_PRINCIPAL]) {
        path = dav_url_resolve(c->origin, base, r->text[DAV_PRINCIPAL]);

        if (path) {
            d->principals++;
            dav_paths_add(&d->places, path);
        }
    }

    dav_discovery_home(c, base, r->text[DAV_CARD_HOME]);
    dav_discovery_home(c, base, r->text[DAV_CALENDAR_HOME]);
}


static void
dav_discovery_home(dav_client_t *c, const char *base, const char *list)
{
    char      *path, **hrefs;
    unsigned   i;

    hrefs = g_strsplit(list ? list : "", "\n", 0);

    for (i = 0; hrefs[i]; i++) {
        path = dav_url_collection(c->origin, base, hrefs[i]);

        if (path) {
            dav_paths_add(&c->discovery->homes, path);

        } else {
            dav_state_log(c, LOG_WARNING, "the home \"%s\" is on another "
                          "host, it is not watched", hrefs[i]);
        }
    }

    g_strfreev(hrefs);
}


static void
dav_discovery_reply(void *data, const dav_reply_t *reply)
{
    dav_client_t *c = data;

    dav_discovery_t  *d = c->discovery;

    if (reply->ok) {
        dav_schedule_well(c->server->schedule);
        dav_state_reach(c, DAV_LOGGED_IN);

        if (strcmp(c->origin, reply->answer->origin) != 0) {
            free(c->origin);
            c->origin = bridge_string(reply->answer->origin);
        }

    } else if (reply->status == 401 || reply->status == 429
               || reply->status == 503
               || reply->answer->result == DAV_HTTP_UNSENT
               || reply->answer->result == DAV_HTTP_TLS)
    {
        dav_discovery_end(c, dav_state_trouble(c, reply, "discovery at",
                                               d->places.paths[d->place]));
        return;
    }

    /* Any other answer means: ask at another place. */

    if (!reply->ok && d->trouble == NULL
        && (reply->status == 0 || reply->status == 207
            || reply->status >= 500))
    {
        d->trouble = bridge_format("discovery at \"%s\": %d, %s",
                                   d->places.paths[d->place], reply->status,
                                   reply->why);
    }

    d->place++;
    dav_discovery_ask(c);
}


static void
dav_discovery_found(dav_client_t *c)
{
    dav_discovery_t  *d = c->discovery;

    if (d->homes.n == 0 && c->server->path && d->places.n == 1
        && c->progress >= DAV_LOGGED_IN)
    {
        dav_paths_add(&d->homes,
                      dav_url_collection(c->origin, "/", d->places.paths[0]));
        c->guessed = 1;
    }

    if (d->homes.n == 0 && d->trouble) {
        dav_state_fail(c, DAV_FAIL_AWAY, "%s", d->trouble);

    } else if (d->homes.n == 0) {
        dav_state_fail(c, DAV_FAIL_PROTOCOL, "neither address books nor "
                       "calendars were found at \"%s\"; set \"path\"",
                       d->places.paths[0]);

    } else {
        dav_paths_free(&c->homes);
        c->homes = d->homes;
        memset(&d->homes, 0, sizeof(dav_paths_t));
    }

    dav_discovery_end(c, 0);
}


static void
dav_discovery_end(dav_client_t *c, uint32_t after)
{
    dav_step_pt  done = c->discovery->done;

    dav_discovery_cancel(c);
    done(c, after);
}
