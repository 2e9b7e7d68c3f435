
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a DAV client against a server whose answers are bytes of
 * the input: rounds, syncs, updates, failures.  HTTP, time and chance are
 * those of this file.  When a client has failed, the next one begins with the
 * stored states.  Each event is valid, each request has a canonical path and
 * well-formed XML, and each update has one result.
 *
 * Reaches: dav_discovery_home, dav_round_created, dav_round_collection,
 *     dav_round_deleted, dav_sync_page, dav_sync_all, dav_sync_refused,
 *     dav_sync_content, dav_collection_from_state, dav_collection_resync,
 *     dav_update_get_object, dav_update_get_page, dav_update_put_fetched,
 *     dav_update_put_done, dav_state_failing.
 */


#include "fuzz_dav.h"

#include <expat.h>

#include "bridge.h"
#include "dav_client.h"
#include "dav_clock.h"
#include "dav_url.h"
#include "pimap_event.h"


#define FUZZ_CLIENTS        6

#define FUZZ_ORIGIN         "https://dav.example.net:443"


struct dav_transfer_s {
    TAILQ_ENTRY(dav_transfer_s)  link;
    char                    *path;
    dav_body_pt              body;
    dav_done_pt              done;
    void                    *data;
};


static fuzz_in_t             fuzz_in;
static TAILQ_HEAD(fuzz_transfers_s, dav_transfer_s)  fuzz_transfers;

static dav_client_t         *fuzz_client;
static int                   fuzz_over;
static int                   fuzz_updates;  /* without a result */
static json_t               *fuzz_states;
static json_t               *fuzz_token;    /* that a device was given */

static const char  *fuzz_texts[] = {
    "{\"update\":\"dav.sync\",\"collection\":\"/cal/a/\",\"limit\":1}",
    "{\"update\":\"dav.sync\",\"collection\":\"/ab/b/\"}",
    "{\"update\":\"dav.sync\",\"collection\":\"/cal/a/\",\"syncToken\":"
    "\"page [\\\"a\\\",\\\"b\\\",\\\"1.ics\\\"]\"}",
    "{\"update\":\"dav.get\",\"hrefs\":[\"/cal/a/1.ics\",\"/cal/a/2.ics\"]}",
    "{\"update\":\"dav.get\",\"hrefs\":[\"/ab/b/x%20y.vcf\"]}",
    "{\"update\":\"dav.delete\",\"href\":\"/cal/a/1.ics\","
    "\"etag\":\"\\\"1\\\"\"}",
    "{\"update\":\"dav.put\",\"href\":\"/ab/b/n.vcf\","
    "\"text\":\"BEGIN:VCARD\\r\\nEND:VCARD\\r\\n\"}",
    "{\"update\":\"dav.put\",\"href\":\"/cal/a/1.ics\",\"etag\":\"1\","
    "\"text\":\"BEGIN:VCALENDAR\\r\\nEND:VCALENDAR\\r\\n\"}"
};


/* 0: no timer is set. */

static int
fuzz_timer(void)
{
    clock_timer_t  *next;

    next = clock_next();

    if (next == NULL) {
        return 0;
    }

    clock_run(next);

    return 1;
}


/* HTTP: dav_http.h.  A path can be sent, and is what it was told to be. */

static void
fuzz_request(const dav_request_t *r)
{
    char        *canonical;
    XML_Parser   parser;

    fuzz_show(r->method, r->path, strlen(r->path));

    canonical = dav_url_resolve(r->origin, "/", r->path);
    fuzz_check(canonical && strcmp(canonical, r->path) == 0);
    free(canonical);

    fuzz_check(r->if_match == NULL || strpbrk(r->if_match, "\r\n") == NULL);

    if (r->type && strstr(r->type, "/xml")) {
        parser = XML_ParserCreateNS(NULL, '|');
        fuzz_check(XML_Parse(parser, r->body, (int) r->len, 1)
                   == XML_STATUS_OK);
        XML_ParserFree(parser);
    }
}


dav_transfer_t *
dav_http_send(dav_http_t *h, const dav_request_t *request,
    const dav_login_t *login, dav_body_pt body, dav_done_pt done, void *data)
{
    dav_transfer_t  *t;

    fuzz_request(request);

    if (fuzz_byte(&fuzz_in) == 0xff) {
        return NULL;
    }

    t = bridge_alloc(sizeof(dav_transfer_t));
    t->path = bridge_string(request->path);
    t->body = body;
    t->done = done;
    t->data = data;

    TAILQ_INSERT_TAIL(&fuzz_transfers, t, link);

    return t;
}


void
dav_http_cancel(dav_transfer_t *t)
{
    TAILQ_REMOVE(&fuzz_transfers, t, link);
    free(t->path);
    free(t);
}


const char *
dav_transfer_path(const dav_transfer_t *t)
{
    return t->path;
}


/* A multistatus, an error, or any bytes. */

static void
fuzz_body(bridge_buffer_t *b, fuzz_in_t *in)
{
    size_t          len;
    unsigned        how, n;
    const uint8_t  *data;

    how = fuzz_byte(in);

    if (how >= 0xf8) {
        len = fuzz_until(in, 0, &data);
        bridge_buffer_add(b, (const char *) data, len);
        return;
    }

    if (how >= 0xf0) {
        fuzz_add(b, "<D:error xmlns:D='DAV:'><D:valid-sync-token/></D:error>");
        return;
    }

    fuzz_add(b, FUZZ_XML);

    for (n = how % 8; n; n--) {
        fuzz_response(b, in);
    }

    if (how & 0x10) {
        fuzz_text(b, in, "D:sync-token");
    }

    fuzz_add(b, how & 0x20 && how & 0x40 ? "" : "</D:multistatus>");
}


/* Feeds the body in pieces; -1: the client ends the request. */

static int
fuzz_feed(dav_transfer_t *t)
{
    int               rc;
    char             *copy;
    size_t            i, n, piece;
    bridge_buffer_t   b;

    if (t->body == NULL) {
        return 0;
    }

    memset(&b, 0, sizeof(b));
    fuzz_body(&b, &fuzz_in);
    fuzz_show("S:", b.data, b.len);
    piece = 1 + fuzz_byte(&fuzz_in) * 4;
    rc = 0;

    for (i = 0; i < b.len && rc == 0; i += n) {
        n = b.len - i < piece ? b.len - i : piece;
        copy = fuzz_copy(b.data + i, n);
        rc = t->body(t->data, copy, n);
        free(copy);
    }

    bridge_buffer_free(&b);

    return rc;
}


static void
fuzz_serve(dav_transfer_t *t)
{
    unsigned       how;
    dav_answer_t   answer;

    static const int  statuses[] = {
        207, 200, 201, 204, 401, 403, 404, 409, 410, 412, 429, 500, 501, 503,
        507, 400
    };

    how = fuzz_byte(&fuzz_in);

    memset(&answer, 0, sizeof(answer));
    answer.why = "why";
    answer.origin = how == 0xe0 ? "https://dav.example.net:8443" : FUZZ_ORIGIN;
    answer.path = t->path;
    answer.resent = how & 1;
    answer.etag = how & 1 ? "\"9\"" : NULL;
    answer.status = how < 0x80 ? 207 : statuses[how % fuzz_n(statuses)];
    answer.retry_after = how == 0xe1 ? 5000 : 0;

    if (how >= 0xf0 && how <= 0xf8) {
        answer.result = DAV_HTTP_OK + how % 5;
        answer.status = 0;

    } else if (fuzz_feed(t) != 0) {
        answer.result = DAV_HTTP_LIMIT;
    }

    /* as in dav_transfer_finish(), the end of the client may not free it */

    TAILQ_REMOVE(&fuzz_transfers, t, link);
    t->done(t->data, &answer);
    free(t->path);
    free(t);
}


/* The owner of the client. */

static void
fuzz_logged_in(void *data, dav_client_t *c)
{
}


static void
fuzz_publish(void *data, dav_client_t *c, const char *key, json_t *events,
    json_t *state)
{
    char           *text, why[256];
    size_t          i;
    json_t         *event;
    pimap_event_t   ev;

    fuzz_check(strncmp(key, "\tdav", 4) == 0 && json_is_array(events));

    json_array_foreach(events, i, event) {
        text = json_dumps(event, 0);
        fuzz_check(text && strlen(text) < 65536);
        fuzz_check(pimap_event_parse(&ev, text, strlen(text), 65536, why,
                                     sizeof(why)) == PIMAP_EVENT_OK);
        pimap_event_free(&ev);
        free(text);
    }

    if (state && !json_is_null(state)) {
        fuzz_check(json_object_set_new(fuzz_states, key, json_deep_copy(state))
                   == 0);

    } else {
        json_object_del(fuzz_states, key);
    }
}


static void
fuzz_ready(void *data, dav_client_t *c)
{
}


static void
fuzz_failed(void *data, dav_client_t *c, dav_fail_t reason, const char *why)
{
    fuzz_check(why && why[0]);
    fuzz_show("failed:", why, strlen(why));
    fuzz_over = 1;
}


static void
fuzz_log(void *data, dav_client_t *c, int level, const char *text)
{
}


static const dav_callbacks_t  fuzz_callbacks = {
    fuzz_logged_in, fuzz_publish, fuzz_ready, fuzz_failed, fuzz_log
};


static void
fuzz_done(void *ctx, json_t *result)
{
    char    *text;
    json_t  *token;

    text = json_dumps(result, JSON_COMPACT);
    fuzz_check(text && strlen(text) < 65536);
    free(text);

    fuzz_check(json_is_string(json_object_get(result, "status")));
    fuzz_updates--;

    token = json_object_get(result, "syncToken");

    if (token) {
        json_decref(fuzz_token);
        fuzz_token = json_deep_copy(token);
    }
}


static void
fuzz_update(void)
{
    json_t    *update;
    unsigned   what;

    what = fuzz_byte(&fuzz_in);

    update = json_loads(fuzz_texts[what % fuzz_n(fuzz_texts)], 0, NULL);
    fuzz_check(update);

    if (what & 0x80 && fuzz_token) {
        json_object_set(update, "syncToken", fuzz_token);
    }

    fuzz_updates++;
    dav_client_update(fuzz_client, update, fuzz_done, NULL);
    json_decref(update);
}


static void
fuzz_act(void)
{
    unsigned         what = fuzz_byte(&fuzz_in);
    dav_transfer_t  *t;

    if (what >= 0xe0) {
        fuzz_update();

    } else if (what >= 0xd0) {
        dav_client_poke(fuzz_client);

    } else {
        t = what & 1 ? TAILQ_FIRST(&fuzz_transfers)
                     : TAILQ_LAST(&fuzz_transfers, fuzz_transfers_s);

        if (t) {
            fuzz_serve(t);

        } else if (!fuzz_timer()) {
            fuzz_over = 1;
        }
    }
}


static void
fuzz_run(dav_server_t *server, unsigned set)
{
    dav_login_t  login = { "alice", "secret", NULL, NULL, 0 };

    server->path = set & 1 ? "/p/%u/" : set & 2 ? "/" : NULL;
    server->max_content = set & 4 ? 200 : 0;
    server->max_known = set & 8 ? 2 : 100;

    fuzz_over = 0;
    fuzz_client = dav_client_open(server, &fuzz_callbacks, NULL, &login,
                                  fuzz_states);

    while (!fuzz_over && fuzz_in.p < fuzz_in.last) {
        fuzz_act();
    }

    dav_client_close(fuzz_client);

    fuzz_check(fuzz_updates == 0);
    fuzz_check(TAILQ_EMPTY(&fuzz_transfers));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int              i;
    dav_server_t     server;
    dav_schedule_t   schedule;

    memset(&server, 0, sizeof(server));
    server.origin = FUZZ_ORIGIN;
    server.schedule = &schedule;
    server.poll_min = 1000;
    server.poll_max = 9000;
    server.poke_min = 500;
    server.max_collections = 4;
    server.max_object = 300;
    server.max_answer = 65536;

    fuzz_in.p = data;
    fuzz_in.last = data + size;
    clock_now = 1000000;
    fuzz_states = json_object();
    fuzz_token = NULL;
    TAILQ_INIT(&fuzz_transfers);

    dav_schedule_init(&schedule, NULL, 1000, 4);

    for (i = 0; i < FUZZ_CLIENTS && fuzz_in.p < fuzz_in.last; i++) {
        fuzz_run(&server, fuzz_byte(&fuzz_in));
    }

    dav_schedule_done(&schedule);
    json_decref(fuzz_states);
    json_decref(fuzz_token);

    return 0;
}
