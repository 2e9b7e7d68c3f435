
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * RFC 6764: the places where a server may say who the user is are asked one
 * after the other, then each principal for its homes.  A place may also be
 * the principal itself, or, if it was configured, the home.
 */


#include "dav_report.h"
#include "dav_round.h"
#include "dav_url.h"
#include "dav_xml.h"
#include "bridge_buffer.h"

#include <ctype.h>
#include <stdlib.h>
#include <syslog.h>


#define DAV_MAX_PLACES  8


struct dav_discovery_s {
    char          *places[DAV_MAX_PLACES];
    unsigned       nplaces;
    unsigned       place;               /* that is being asked */
    unsigned       root;                /* the last resort, if no other */
    char          *homes[DAV_MAX_HOMES];
    unsigned       nhomes;
    unsigned       found;               /* principals */
};


static void dav_discovery_place(dav_client_t *c, const char *path);
static char *dav_discovery_path(dav_client_t *c);
static void dav_discovery_ask(dav_client_t *c);
static int dav_discovery_response(void *data, const dav_response_t *r);
static void dav_discovery_home(dav_client_t *c, const char *base,
    const char *list);
static void dav_discovery_add(dav_discovery_t *d, char *home);
static void dav_discovery_reply(void *data, const dav_reply_t *reply);
static void dav_discovery_done(dav_client_t *c);


void
dav_discovery_start(dav_client_t *c)
{
    char  *path;

    c->discover = bridge_alloc(sizeof(dav_discovery_t));

    if (c->server->path) {
        path = dav_discovery_path(c);

        if (path == NULL) {
            dav_state_fail(c, DAV_FAIL_PROTOCOL, "login makes no path");
            return;
        }

        dav_discovery_place(c, path);
        free(path);

    } else {
        dav_discovery_place(c, "/.well-known/carddav");
        dav_discovery_place(c, "/.well-known/caldav");
        dav_discovery_place(c, "/");
        c->discover->root = 2;
    }

    dav_discovery_ask(c);
}


void
dav_discovery_cancel(dav_client_t *c)
{
    unsigned         i;
    dav_discovery_t  *d = c->discover;

    if (d == NULL) {
        return;
    }

    for (i = 0; i < d->nplaces; i++) {
        free(d->places[i]);
    }

    for (i = 0; i < d->nhomes; i++) {
        free(d->homes[i]);
    }

    free(d);
    c->discover = NULL;
}


/* The configured one, with the login in it as one segment. */

static char *
dav_discovery_path(dav_client_t *c)
{
    char         hex[4], *path;
    bridge_buffer_t   b;
    const char  *p, *u;

    memset(&b, 0, sizeof(b));

    for (p = c->server->path; *p; p++) {

        if (p[0] != '%' || p[1] != 'u') {
            bridge_buffer_char(&b, *p);
            continue;
        }

        for (u = c->login.as ? c->login.as : c->login.user; u && *u; u++) {

            if (isalnum((unsigned char) *u)) {
                bridge_buffer_char(&b, *u);
                continue;
            }

            hex[0] = '%';
            hex[1] = "0123456789ABCDEF"[(unsigned char) *u >> 4];
            hex[2] = "0123456789ABCDEF"[*u & 15];
            bridge_buffer_add(&b, hex, 3);
        }

        p++;
    }

    bridge_buffer_char(&b, '\0');
    path = dav_url_device(b.data);
    bridge_buffer_free(&b);

    return path;
}


static void
dav_discovery_place(dav_client_t *c, const char *path)
{
    unsigned         i;
    dav_discovery_t  *d = c->discover;

    for (i = 0; i < d->nplaces; i++) {
        if (strcmp(d->places[i], path) == 0) {
            return;
        }
    }

    if (d->nplaces < DAV_MAX_PLACES) {
        d->places[d->nplaces++] = bridge_string(path);
    }
}


static void
dav_discovery_ask(dav_client_t *c)
{
    dav_discovery_t  *d = c->discover;

    if (d->root && d->place == d->root && d->found) {
        d->place++;
    }

    if (d->place == d->nplaces) {
        dav_discovery_done(c);
        return;
    }

    c->call = dav_report(c, "PROPFIND", d->places[d->place], 0,
                       dav_xml_principal(), dav_discovery_response,
                       dav_discovery_reply, c);

    if (c->call == NULL) {
        dav_state_fail(c, DAV_FAIL_AWAY, "too many requests");
    }
}


static int
dav_discovery_response(void *data, const dav_response_t *r)
{
    dav_client_t *c = data;

    char            *path;
    const char      *base;
    dav_discovery_t  *d = c->discover;

    base = d->places[d->place];

    if (r->text[DAV_PRINCIPAL]) {
        path = dav_url_resolve(c->origin, base, r->text[DAV_PRINCIPAL]);

        if (path) {
            d->found++;
            dav_discovery_place(c, path);
            free(path);
        }
    }

    dav_discovery_home(c, base, r->text[DAV_CARD_HOME]);
    dav_discovery_home(c, base, r->text[DAV_CALENDAR_HOME]);

    return 0;
}


static void
dav_discovery_home(dav_client_t *c, const char *base, const char *list)
{
    char    *href, *path;
    size_t   len;

    for ( /* void */ ; list && *list; list += len + (list[len] == '\n')) {
        len = strcspn(list, "\n");

        href = bridge_copy(list, len);
        path = dav_url_resolve(c->origin, base, href);
        free(href);

        if (path == NULL) {
            dav_state_log(c, LOG_WARNING, "a home is on another host");
            continue;
        }

        dav_discovery_add(c->discover, path);
    }
}


static void
dav_discovery_add(dav_discovery_t *d, char *home)
{
    char      *path;
    unsigned   i;

    path = home;

    if (home[strlen(home) - 1] != '/') {
        path = bridge_format("%s/", home);
        free(home);
    }

    for (i = 0; i < d->nhomes; i++) {
        if (strcmp(d->homes[i], path) == 0) {
            free(path);
            return;
        }
    }

    if (d->nhomes == DAV_MAX_HOMES) {
        free(path);
        return;
    }

    d->homes[d->nhomes++] = path;
}


static void
dav_discovery_reply(void *data, const dav_reply_t *reply)
{
    dav_client_t *c = data;

    int  status;

    c->call = NULL;
    status = reply->answer->status;

    if (reply->ok) {
        dav_state_welcome(c);

        if (strcmp(c->origin, reply->answer->origin) != 0) {
            free(c->origin);
            c->origin = bridge_string(reply->answer->origin);
        }

    } else if (reply->answer->result != DAV_HTTP_OK
               || status == 401 || status == 429 || status >= 500)
    {
        dav_discovery_cancel(c);
        dav_state_trouble(c, reply, "discovery");
        return;
    }

    /* any other answer says that this is not the place */

    c->discover->place++;
    dav_discovery_ask(c);
}


static void
dav_discovery_done(dav_client_t *c)
{
    char            *path;
    unsigned         i;
    dav_discovery_t  *d = c->discover;

    if (d->nhomes == 0 && c->server->path && d->nplaces == 1 && c->logged) {
        path = bridge_string(d->places[0]);
        dav_discovery_add(d, path);
    }

    if (d->nhomes == 0) {
        dav_discovery_cancel(c);
        dav_state_fail(c, DAV_FAIL_PROTOCOL,
                        "neither address books nor calendars were found");
        return;
    }

    for (i = 0; i < c->nhomes; i++) {
        free(c->homes[i]);
    }

    for (i = 0; i < d->nhomes; i++) {
        c->homes[i] = d->homes[i];
    }

    c->nhomes = d->nhomes;
    d->nhomes = 0;

    dav_discovery_cancel(c);
    dav_round_homes(c);
}
