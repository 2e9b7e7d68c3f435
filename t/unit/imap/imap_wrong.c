
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A session against a server in this program that answers one command wrongly:
 * each command in each way. The clock is the program's own, so an hour takes
 * a moment. The bridge never asks fast and without end. It asks later each
 * time. When the server is well again, the bridge soon knows all messages.
 */


#include <stdio.h>
#include <stdlib.h>

#include "bridge.h"
#include "bridge_buffer.h"
#include "imap_session.h"
#include "imap_world_answer.h"
#include "imap_wrong.h"
#include "imap_wrong_commands.h"
#include "tap.h"


#define SECOND          1000
#define MINUTE          (60 * SECOND)

#define WRONG_UNTIL     (60 * MINUTE)   /* then the server is well again */
#define STEADY_FROM     (30 * MINUTE)
#define WELL_UNTIL      (95 * MINUTE)

#define BURST           150             /* commands in 30 s, at most */
#define STEADY          600             /* commands in half an hour */

/* As the bridge does. */
#define BACKOFF_MIN     (2 * SECOND)
#define BACKOFF_MAX     (10 * MINUTE)
#define GOOD            (30 * SECOND)


static void server_line(const char *line);


static const kind_t     *kind;
static const char       *verb;          /* answered wrongly */
static const char       *part;          /* has this in it, too */
static wrong_t           wrong;

static imap_session_t   *session;
static imap_options_t    options;
static json_t           *states;
static uint64_t          now;
static uint64_t          due;
static uint64_t          open_at;
static uint64_t          ready_at;
static bridge_backoff_t  backoff;
static int               failed;
static int               refused;       /* the login is not tried again */
static int               secure;        /* TLS begins */

static bridge_buffer_t   said;
static bridge_buffer_t   heard;
static bridge_buffer_t   data;          /* of an answer */
static bridge_buffer_t   pending;       /* news, until the client asks */
static int               lost;          /* the connection, after "said" */
static char              waiting[16];   /* tag of IDLE or AUTHENTICATE */
static size_t            literal;
static unsigned          wrongs;        /* answers */

static uint64_t          times[BURST];  /* of the last commands */
static unsigned          ncommands;
static unsigned          steady;
static unsigned          burst;
static unsigned          losses;        /* of mailboxes, that were told */
static unsigned          ends;          /* of sessions */
static char              last[256];
static int               unknown;       /* a command that the table lacks */


/* The client's side. */

static void
count_command(const char *line)
{
    snprintf(last, sizeof(last), "%s", line);

    if (ncommands >= BURST && now - times[ncommands % BURST] < 30 * SECOND) {
        burst = 1;
    }

    times[ncommands++ % BURST] = now;
    steady += now >= STEADY_FROM && now < WRONG_UNTIL;
}


static void
on_write(void *ctx, const char *bytes, size_t len)
{
    char    *lf;
    size_t   n;

    bridge_buffer_add(&heard, bytes, len);

    while (heard.len) {

        if (literal) {
            n = literal < heard.len ? literal : heard.len;
            literal -= n;

        } else {
            lf = memchr(heard.data, '\n', heard.len);

            if (lf == NULL) {
                return;
            }

            n = lf + 1 - heard.data;
            lf[-1] = '\0';
            server_line(heard.data);
        }

        heard.len -= n;
        memmove(heard.data, heard.data + n, heard.len);
    }
}


static void
on_starttls(void *ctx)
{
    secure = 1;
}


static void
on_timer(void *ctx, uint32_t ms)
{
    due = now + ms;
}


static uint64_t
on_now(void *ctx)
{
    return now;
}


static void
on_logged_in(void *ctx)
{
    imap_session_watch(session, states);
}


static void
on_publish(void *ctx, const char *mailbox, json_t *events, json_t *state)
{
    losses += wrong_losses(events);

    if (state) {
        json_object_set(states, mailbox, state);

    } else {
        json_object_del(states, mailbox);
    }
}


static void
on_ready(void *ctx, const char *how)
{
    ready_at = now;
}


static void
on_failed(void *ctx, imap_fail_t reason, const char *why)
{
    failed = 1;
    ends++;
    refused = reason == IMAP_FAIL_CREDENTIALS;

    if (getenv("VERBOSE")) {
        printf("# %u: %s\n", (unsigned) now, why);
    }

    if (ready_at && now - ready_at > GOOD) {
        bridge_backoff_reset(&backoff);
    }

    open_at = now + bridge_backoff_next(&backoff, BACKOFF_MIN, BACKOFF_MAX);

    if (reason == IMAP_FAIL_LIMIT || reason == IMAP_FAIL_TLS) {
        open_at = now + BACKOFF_MAX;
    }
}


static void
on_log(void *ctx, int level, const char *text)
{
    if (getenv("VERBOSE") && level < 7) {
        printf("# %u: %s\n", (unsigned) now, text);
    }
}


static const imap_io_t  io = {
    on_write, on_starttls, on_timer, on_now, on_failed
};


static const imap_callbacks_t  callbacks = {
    on_logged_in, on_publish, on_ready, NULL, on_log
};


/* The server's side. */

static void
server_say(const char *tag, const char *args, int waits)
{
    char  text[256];

    snprintf(text, sizeof(text), "%s OK done\r\n", tag);
    unknown |= !wrong_meet(args);

    if (now < WRONG_UNTIL && strncmp(args, verb, strlen(verb)) == 0
        && strstr(args, part))
    {
        wrongs += wrong != WRONG_NOTHING;
        lost = wrong_answer(&said, wrong, tag, &data, waits ? "" : text,
                            wrongs);

        if (wrong_tagged[wrong]) {
            waiting[0] = '\0';
        }

        return;
    }

    bridge_buffer_add(&said, data.data, data.len);
    bridge_buffer_text(&said, waits ? "" : text);
}


/* The answer comes with the literal, which may be sent at once. */

static void
server_literal(const char *line)
{
    literal = atoi(strrchr(line, '{') + 1);

    if (line[strlen(line) - 2] != '+') {
        bridge_buffer_text(&data, "+ go\r\n");
    }
}


static void
server_line(const char *line)
{
    int          waits;
    char         tag[16];
    size_t       n;
    const char  *args;

    if (getenv("VERBOSE")) {
        printf("# %u: C: %s\n", (unsigned) now, line);
    }

    count_command(line);
    data.len = 0;

    if (waiting[0]) {
        snprintf(tag, sizeof(tag), "%s", waiting);
        waiting[0] = '\0';
        server_say(tag, strcmp(line, "DONE") == 0 ? line : "SASL", 0);
        return;
    }

    n = strcspn(line, " ");
    snprintf(tag, sizeof(tag), "%.*s", (int) n, line);
    args = line + n + (line[n] == ' ');

    if (tag[0] != 'p') {
        return;                         /* after a literal, or "*" */
    }

    if (line[strlen(line) - 1] == '}') {
        server_literal(line);
    }

    waits = world_answer(&data, args);

    if (waits) {
        snprintf(waiting, sizeof(waiting), "%s", tag);
    }

    if (strcmp(args, "IDLE") == 0 || strcmp(args, "NOOP") == 0) {
        bridge_buffer_add(&data, pending.data, pending.len);
        pending.len = 0;
    }

    server_say(tag, args, waits);
}


/* What happens in the mailboxes is told in IDLE, or by NOOP. */

static void
server_news(void)
{
    bridge_buffer_t  *b;

    b = waiting[0] ? &said : &pending;
    world_news(b);
    pending.len = session ? pending.len : 0;
}


static void
on_done(void *ctx, json_t *result)
{
}


static void
device_update(unsigned n)
{
    json_t  *args;

    args = imap_command_update(n);
    imap_session_update(session, args, on_done, NULL);
    json_decref(args);
}


static void
open_session(void)
{
    static const imap_login_t  logins[] = {
        { .user = "alice", .secret = "secret" },
        { .user = "alice", .secret = "token", .bearer = 1 }
    };

    said.len = 0;
    heard.len = 0;
    data.len = 0;
    waiting[0] = '\0';
    literal = 0;
    lost = 0;
    failed = 0;
    secure = 0;
    ready_at = 0;
    pending.len = 0;

    options.starttls = kind->starttls;
    session = imap_session_create(&options, &io, NULL, &callbacks, NULL,
                                  &logins[kind->bearer]);
    imap_session_start(session, 0);
    server_say("*", "greeting", 0);
}


static void
deliver(void)
{
    char    *piece;
    size_t   len;

    len = said.len;
    piece = malloc(len);
    memcpy(piece, said.data, len);
    said.len = 0;
    now++;

    if (getenv("VERBOSE")) {
        printf("# %u: S: %.*s", (unsigned) now, (int) len, piece);
    }

    imap_session_bytes(session, piece, len);
    free(piece);

    if (secure && !failed) {
        secure = 0;
        imap_session_secured(session);
    }
}


static void
step(uint64_t until)
{
    if (session == NULL) {
        now = open_at < until ? open_at : until;

        if (now == open_at) {
            open_session();
        }

    } else if (said.len) {
        deliver();

    } else if (lost) {
        lost = 0;
        imap_session_lost(session, IMAP_FAIL_AWAY, "closed");

    } else if (due < until) {
        now = due > now ? due : now + 1;
        imap_session_timeout(session);

    } else {
        now = until;
    }

    if (session && failed) {
        imap_session_free(session);
        session = NULL;
    }
}


/* Something happens each ten minutes, and a device sends an update each two
   minutes. */

static void
run(void)
{
    unsigned  n;
    uint64_t  until;

    now = 0;
    open_at = 1;
    refused = 0;
    ncommands = 0;
    steady = 0;
    burst = 0;
    losses = 0;
    ends = 0;
    wrongs = 0;
    bridge_backoff_reset(&backoff);
    world_reset(kind->caps);

    states = json_object();

    for (n = 1; now < WELL_UNTIL && !burst && !refused; n++) {
        until = (uint64_t) n * 2 * MINUTE;

        while (now < until && !burst && !refused) {
            step(until);
        }

        if (n % 5 == 0 && now <= WRONG_UNTIL) {
            server_news();

        } else if (session && now <= WRONG_UNTIL) {
            device_update(n - n / 5);
        }
    }

    if (session) {
        imap_session_free(session);
        session = NULL;
    }
}


static int
test_knows(const world_box_t *box)
{
    json_t  *state;

    state = json_object_get(states, box->name);

    if (world_is_known(state, box)) {
        return 1;
    }

    printf("# %s: %u messages, UIDNEXT %u; known: ", box->name, box->n,
           box->uidnext);
    json_dumpf(state, stdout, JSON_ENCODE_ANY|JSON_SORT_KEYS);
    printf("\n");

    return 0;
}


static int
test_cell(void)
{
    int  ok;

    run();

    ok = !burst && steady <= STEADY
         && (wrong_before[wrong][0] == NULL
             || (losses == 0 && (ends == 0 || wrong_before_login(verb))))
         && (refused || wrong == WRONG_NUMBERS || wrong == WRONG_NEWS
             || (test_knows(&world_boxes[0]) && test_knows(&world_boxes[1])));

    if (!ok) {
        printf("# %s, %s %s, %s: %u commands, %s%u in half an hour, "
               "%u losses, %u ends, last: %s\n", kind->name, verb, part,
               wrong_names[wrong], ncommands, burst ? "a burst, " : "", steady,
               losses, ends, last);
    }

    json_decref(states);

    return ok;
}


/* A kind of server that never gets the command is tried with NO only. */

static void
test_command(const wrong_command_t *c)
{
    int     ok, hit, never[KINDS];
    char    name[128];
    size_t  i;

    verb = c->verb;
    part = c->part;
    memset(never, 0, sizeof(never));

    for (wrong = WRONG_NO; wrong < WRONG_KINDS; wrong++) {
        ok = 1;
        hit = 0;

        for (i = 0; i < KINDS; i++) {

            if (!never[i]) {
                kind = &kinds[i];
                ok &= test_cell();
                never[i] = wrongs == 0 && wrong == WRONG_NO;
                hit |= wrongs > 0;
            }
        }

        snprintf(name, sizeof(name), "%s %s: %s", verb, part,
                 wrong_names[wrong]);
        tap_ok(ok && hit, name);
    }
}


static void
test_right(void)
{
    size_t  i;

    verb = "";
    part = "";
    wrong = WRONG_NOTHING;

    for (i = 0; i < KINDS; i++) {
        kind = &kinds[i];
        tap_ok(test_cell(), kind->name);
    }
}


int
main(int argc, char **argv)
{
    const wrong_command_t  *c;

    imap_options_init(&options);
    test_right();

    for (c = wrong_commands; c->verb; c++) {

        if (argc < 2 || strcmp(argv[1], c->verb) == 0) {
            test_command(c);
        }
    }

    tap_ok(argc > 1 || wrong_all_met(), "each command of the table was sent");
    tap_ok(!unknown, "    and no other one");

    bridge_buffer_free(&said);
    bridge_buffer_free(&heard);
    bridge_buffer_free(&data);
    bridge_buffer_free(&pending);

    return tap_done();
}
