
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A DAV client against a server in this program that answers one request
 * wrongly: each request in each way, from the beginning and later.  HTTP and
 * the clock are the program's own, so an hour takes a moment.  The client
 * never asks fast and without end, tells no loss, and holds other accounts
 * for a minute at most.  When the server is well again, devices soon know all
 * changes.
 */


#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "dav_clock.h"
#include "dav_client.h"
#include "dav_url.h"
#include "dav_world_answer.h"
#include "dav_wrong_answer.h"
#include "tap.h"


#define SECOND          1000
#define MINUTE          (60 * SECOND)

#define LATER           (15 * MINUTE)   /* the server is wrong */
#define WRONG_FOR       (60 * MINUTE)
#define STEADY_FOR      (30 * MINUTE)   /* the end of it */
#define SOON            (20 * MINUTE)   /* all is known again */
#define SOON_REFUSED    (70 * MINUTE)   /* likewise, after refused logins */

#define BURST           90              /* requests in 30 s, at most */
#define STEADY          150             /* requests in half an hour */

/* As the bridge does. */
#define BACKOFF_MIN     (2 * SECOND)
#define BACKOFF_MAX     (10 * MINUTE)
#define REFUSED         30              /* so many times as long */


struct dav_transfer_s {
    TAILQ_ENTRY(dav_transfer_s)  link;
    const char          *method;
    char                *path;
    char                *body;
    uint64_t             due;
    const wrong_t       *wrong;         /* NULL: it is answered well */
    dav_body_pt          handler;
    dav_done_pt          done;
    void                *data;
};


static TAILQ_HEAD(, dav_transfer_s)  transfers
    = TAILQ_HEAD_INITIALIZER(transfers);

static const wrong_request_t    *request;
static const wrong_t            *wrong;
static uint64_t                  wrong_from;
static uint64_t                  wrong_until;
static unsigned                  hits;          /* wrong answers */

static dav_schedule_t            schedule;
static dav_server_t              server;
static dav_client_t             *client;
static int                       failed;
static uint64_t                  open_at;
static bridge_backoff_t          backoff;
static json_t                   *states;
static unsigned                  updates;       /* without a result */
static unsigned                  known[WORLD_BOXES];    /* by a device */
static unsigned                  losses;        /* that were told */
static unsigned                  holds;         /* of others, too long */

static uint64_t                  times[BURST];  /* of the last requests */
static unsigned                  nrequests;
static unsigned                  steady;
static unsigned                  burst;
static char                      last[256];


/* HTTP: dav_http.h. */

static void
count_requests(unsigned n)
{
    while (n--) {

        if (nrequests >= BURST
            && clock_now - times[nrequests % BURST] < 30 * SECOND)
        {
            burst = 1;
        }

        times[nrequests++ % BURST] = clock_now;
        steady += clock_now >= wrong_until - STEADY_FOR
                  && clock_now < wrong_until;
    }
}


dav_transfer_t *
dav_http_send(dav_http_t *h, const dav_request_t *r, const dav_login_t *login,
    dav_body_pt body, dav_done_pt done, void *data)
{
    dav_transfer_t  *t;

    snprintf(last, sizeof(last), "%s %s", r->method, r->path);

    t = bridge_alloc(sizeof(dav_transfer_t));
    t->method = r->method;
    t->path = bridge_string(r->path);
    t->body = bridge_string(r->body ? r->body : "");
    t->handler = body;
    t->done = done;
    t->data = data;

    if (clock_now >= wrong_from && clock_now < wrong_until
        && wrong_is_for(request, t->method, t->path, t->body))
    {
        t->wrong = wrong;
        hits++;
    }

    count_requests(1 + (t->wrong ? t->wrong->requests : 0));

    t->due = clock_now + (t->wrong ? t->wrong->after : 0) + 10;
    TAILQ_INSERT_TAIL(&transfers, t, link);

    if (getenv("VERBOSE")) {
        printf("# %u: %s%s\n", (unsigned) clock_now, last,
               t->wrong ? " wrong" : "");
    }

    return t;
}


void
dav_http_cancel(dav_transfer_t *t)
{
    TAILQ_REMOVE(&transfers, t, link);
    free(t->path);
    free(t->body);
    free(t);
}


const char *
dav_transfer_path(const dav_transfer_t *t)
{
    return t->path;
}


static void
serve(dav_transfer_t *t)
{
    dav_answer_t      answer;
    bridge_buffer_t   b;

    memset(&b, 0, sizeof(b));
    memset(&answer, 0, sizeof(answer));

    if (t->wrong == NULL && world_kind == WORLD_WELL_KNOWN
        && strncmp(t->path, "/.well-known/", 13) == 0)
    {
        count_requests(1);
        free(t->path);
        t->path = bridge_string("/p/");
    }

    answer.status = world_answer(&b, t->method, t->path, t->body);
    answer.origin = WORLD_ORIGIN;
    answer.path = t->path;
    answer.why = "why";

    if (t->wrong) {
        answer.result = t->wrong->result;
        answer.retry_after = t->wrong->retry_after;
        answer.status = wrong_answer(&b, t->wrong, t->path, t->body, hits);
    }

    if (t->handler && b.len && t->handler(t->data, b.data, b.len) != 0) {
        answer.result = DAV_HTTP_LIMIT;
    }

    bridge_buffer_free(&b);
    TAILQ_REMOVE(&transfers, t, link);
    t->done(t->data, &answer);
    free(t->path);
    free(t->body);
    free(t);
}


/* The owner of the client. */

static void
on_logged_in(void *data, dav_client_t *c)
{
}


/* A device takes what an event says, or looks itself. */

static void
device_event(json_t *event)
{
    size_t       i, n;
    json_t      *object;
    const char  *name, *path, *href, *etag;

    name = json_string_value(json_object_get(event, "event"));
    path = json_string_value(json_object_get(event, "collection"));
    losses += (strstr(name, "Delete") && world_has(path))
              || json_array_size(json_object_get(event, "removed"));

    for (i = 0; i < WORLD_BOXES; i++) {

        if (path ? strcmp(path, world_boxes[i].path) != 0
                 : (*name == 'C' && name[1] == 'o') != (i == 0))
        {
            continue;
        }

        if (json_is_true(json_object_get(event, "all"))) {
            known[i] = world_version;
        }

        json_array_foreach(json_object_get(event, "changed"), n, object) {
            href = json_string_value(json_object_get(object, "href"));
            etag = json_string_value(json_object_get(object, "etag"));

            if (strstr(href, "/1.")) {
                known[i] = atoi(etag + 2);
            }
        }
    }
}


static void
on_publish(void *data, dav_client_t *c, const char *key, json_t *events,
    json_t *state)
{
    size_t   i;
    json_t  *event;

    json_array_foreach(events, i, event) {
        device_event(event);
    }

    if (state) {
        json_object_set(states, key, state);

    } else {
        json_object_del(states, key);
    }
}


static void
on_ready(void *data, dav_client_t *c)
{
    bridge_backoff_reset(&backoff);
}


static void
on_failed(void *data, dav_client_t *c, dav_fail_t reason, const char *why)
{
    unsigned  n;

    n = reason == DAV_FAIL_CREDENTIALS ? REFUSED : 1;
    failed = 1;
    open_at = clock_now + bridge_backoff_next(&backoff, n * BACKOFF_MIN,
                                              n * BACKOFF_MAX);
    if (getenv("VERBOSE")) {
        printf("# %u: failed: %s\n", (unsigned) clock_now, why);
    }
}


static void
on_log(void *data, dav_client_t *c, int level, const char *text)
{
    if (getenv("VERBOSE")) {
        printf("# %u: %s\n", (unsigned) clock_now, text);
    }
}


static const dav_callbacks_t  callbacks = {
    on_logged_in, on_publish, on_ready, on_failed, on_log
};


static void
on_done(void *ctx, json_t *result)
{
    updates--;
}


static void
device_update(unsigned n)
{
    json_t  *update;

    static const char  *texts[] = {
        "{\"update\":\"dav.put\",\"href\":\"/card/book/3.vcf\","
        "\"text\":\"BEGIN:VCARD\\r\\nEND:VCARD\\r\\n\"}",
        "{\"update\":\"dav.get\",\"hrefs\":[\"/card/book/1.vcf\"]}",
        "{\"update\":\"dav.delete\",\"href\":\"/cal/days/3.ics\","
        "\"etag\":\"\\\"1\\\"\"}",
        "{\"update\":\"dav.sync\",\"collection\":\"/card/book/\"}"
    };

    update = json_loads(texts[n % 4], 0, NULL);
    updates++;
    dav_client_update(client, update, on_done, NULL);
    json_decref(update);
}


static void
open_client(void)
{
    static const dav_login_t  login = { "alice", "secret", NULL, NULL, 0 };

    failed = 0;
    client = dav_client_open(&server, &callbacks, NULL, &login, states);
}


static void
close_client(void)
{
    if (client) {
        dav_client_close(client);
        client = NULL;
    }
}


/* The next answer, timer or beginning; or "until" is reached. */

static void
step(uint64_t until)
{
    clock_timer_t   *timer;
    dav_transfer_t  *t, *first;

    first = NULL;
    timer = clock_next();

    TAILQ_FOREACH(t, &transfers, link) {
        first = first && first->due <= t->due ? first : t;
    }

    if (client == NULL && open_at <= until) {
        clock_now = open_at > clock_now ? open_at : clock_now;
        open_client();

    } else if (first && first->due <= until
               && (timer == NULL || first->due <= timer->due))
    {
        clock_now = first->due;
        serve(first);

    } else if (timer && timer->due <= until) {
        clock_run(timer);

    } else {
        clock_now = until;
    }

    holds += schedule.hold > clock_now + MINUTE;

    if (failed) {
        close_client();
    }
}


static int
test_knows(void)
{
    size_t  i;

    for (i = 0; i < WORLD_BOXES; i++) {
        if (known[i] != world_version) {
            return 0;
        }
    }

    return updates == 0;
}


/* Each ten minutes something changes, and a device sends two updates. */

static void
run(void)
{
    unsigned  n;
    uint64_t  until, most;

    most = wrong_until + (wrong->status == 401 ? SOON_REFUSED : SOON)
           + wrong->retry_after * 6 / 5;

    for (n = 1; clock_now < most && !burst; n++) {
        until = n * MINUTE;

        while (clock_now < until && !burst) {
            step(until);
        }

        if (clock_now > wrong_until && test_knows()) {
            return;
        }

        if (n % 10 == 0 && (clock_now <= wrong_until
                            || wrong->how == WRONG_TOKENS))
        {
            /* by the next change it comes out that a token is wrong */

            world_version++;

        } else if (clock_now <= wrong_until && client && n % 5 == 2) {
            device_update(n / 5);
        }
    }
}


static int
test_cell(uint64_t from)
{
    int  ok;

    world_kind = request->kind;
    world_version = 2;
    server.path = world_kind == WORLD_PATH ? "/p/%u/" : NULL;

    wrong_from = from;
    wrong_until = from + WRONG_FOR;
    clock_now = 1;
    open_at = 1;
    updates = 0;
    losses = 0;
    holds = 0;
    nrequests = 0;
    steady = 0;
    burst = 0;
    memset(known, 0, sizeof(known));
    bridge_backoff_reset(&backoff);
    states = json_object();
    dav_schedule_init(&schedule, NULL, 100, 32);

    run();

    ok = !burst && steady <= STEADY && losses == 0 && holds == 0
         && test_knows();

    if (!ok || getenv("FIGURES")) {
        printf("# from %u min: %u requests, %s%u in half an hour, %u losses, "
               "%u min to recover; last: %s%s\n", (unsigned) (from / MINUTE),
               nrequests, burst ? "a burst, " : "", steady, losses,
               clock_now < wrong_until ? 0
               : (unsigned) ((clock_now - wrong_until) / MINUTE), last,
               test_knows() ? "" : "; changes are unknown");
    }

    close_client();
    dav_schedule_done(&schedule);
    json_decref(states);

    return ok;
}


static void
test_wrong(void)
{
    int   ok;
    char  name[128];

    hits = 0;
    ok = test_cell(0);

    if (!request->first) {
        ok &= test_cell(LATER);
    }

    snprintf(name, sizeof(name), "%s %s %s: %s", request->method,
             request->path, request->body, wrong->name);
    tap_ok(ok && hits, name);
}


int
main(int argc, char **argv)
{
    static const wrong_t          nothing = { .name = "all is well" };
    static const wrong_request_t  none = { 0, 0, "NONE", "", "" };

    server.origin = WORLD_ORIGIN;
    server.schedule = &schedule;
    server.poll_min = 30 * SECOND;
    server.poll_max = 15 * MINUTE;
    server.poke_min = SECOND;
    server.max_collections = 100;
    server.max_known = 20000;
    server.max_content = 200;
    server.max_object = 262144;
    server.max_answer = 16777216;

    request = &none;
    wrong = &nothing;
    tap_ok(test_cell(0), "all is well");

    for (request = wrong_requests; request->method; request++) {
        for (wrong = wrongs; wrong < wrongs + WRONGS; wrong++) {

            if (argc < 3 || (strcmp(argv[1], request->path) == 0
                             && strcmp(argv[2], wrong->name) == 0))
            {
                test_wrong();
            }
        }
    }

    return tap_done();
}
