
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A session against a server in this program. The connection is cut off at
 * every byte of the server. The next session publishes the remaining events,
 * so that each event is published once.
 */


#include <stdio.h>
#include <stdlib.h>

#include "bridge_buffer.h"
#include "imap_session.h"
#include "tap.h"


/* The properties of a kind of server. */

typedef struct {
    const char    *name;
    const char    *caps;
    const char    *how;
} kind_t;


static void server_line(const char *line);


static const kind_t   *kind;
static imap_session_t *session;
static imap_options_t  options;
static imap_login_t    login = { "alice", "secret", NULL, 0, NULL };

static bridge_buffer_t  said;            /* by the server, not yet sent */
static bridge_buffer_t  heard;           /* by the server, less than a line */
static json_t         *states;          /* the states stored in Redis */
static json_t         *published;       /* the number of each event */
static int             ready;
static int             failed;
static uint64_t        now;


static const kind_t  kinds[] = {
    { "QRESYNC", "ENABLE IDLE NOTIFY QRESYNC LIST-EXTENDED LIST-STATUS",
      "NOTIFY" },
    { "CONDSTORE", "ENABLE IDLE CONDSTORE LIST-EXTENDED LIST-STATUS",
      "IDLE" },
    { "nothing", "", "polling" }
};

/* Changes since the stored state: UID 1 was read, 2 expunged, 4 is new. A
   mailbox is new, with a message in it. */

static const char  *expected[] = {
    "MessageRead INBOX 1", "MessageExpunge INBOX 2", "MessageNew INBOX 4",
    "MailboxCreate Lists 0", "MessageNew Lists 1"
};


static void
say(const char *text)
{
    bridge_buffer_text(&said, text);
}


static void
on_write(void *data, const char *bytes, size_t len)
{
    char    *lf;
    size_t   n;

    bridge_buffer_add(&heard, bytes, len);

    while ((lf = heard.len ? memchr(heard.data, '\n', heard.len) : NULL)) {
        n = lf + 1 - heard.data;
        lf[-1] = '\0';

        server_line(heard.data);

        heard.len -= n;
        memmove(heard.data, heard.data + n, heard.len);
    }
}


static void
on_starttls(void *data)
{
}


static void
on_timer(void *data, uint32_t ms)
{
}


static uint64_t
on_now(void *data)
{
    return now;
}


static void
on_logged_in(void *data)
{
    imap_session_watch(session, states);
}


static void
on_publish(void *data, const char *mailbox, json_t *events, json_t *state)
{
    char     key[256];
    size_t   i, n;
    json_t  *event, *uids;

    json_array_foreach(events, i, event) {
        uids = json_object_get(event, "uids");
        n = uids ? json_array_size(uids) : 1;

        while (n--) {
            snprintf(key, sizeof(key), "%s %s %d",
                     json_string_value(json_object_get(event, "event")),
                     json_string_value(json_object_get(event, "mailbox")),
                     (int) json_integer_value(uids ? json_array_get(uids, n)
                                         : json_object_get(event, "uid")));
            json_object_set_new(published, key, json_integer(1
                + json_integer_value(json_object_get(published, key))));
        }
    }

    if (state) {
        json_object_set(states, mailbox, state);

    } else {
        json_object_del(states, mailbox);
    }
}


static void
on_ready(void *data, const char *how)
{
    ready = strcmp(how, kind->how) == 0;
}


static void
on_failed(void *data, imap_fail_t reason, const char *why)
{
    failed = 1;
}


static void
on_log(void *data, int level, const char *text)
{
}


static const imap_io_t  io = {
    on_write, on_starttls, on_timer, on_now, on_failed
};


static const imap_callbacks_t  callbacks = {
    on_logged_in, on_publish, on_ready, NULL, on_log
};


/* The server: a mailbox of three messages and a message in another one. */

static void
server_select(const char *args)
{
    int  inbox, since;

    inbox = strstr(args, "INBOX") != NULL;
    since = 0;

    if (strstr(args, "QRESYNC (")) {
        sscanf(strstr(args, "QRESYNC (") + 9, "%*d %d", &since);
    }

    say(inbox ? "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n"
                "* OK [UIDNEXT 5] x\r\n"
        : "* 1 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n* OK [UIDNEXT 2] x\r\n");

    if (strstr(kind->caps, "STORE") || strstr(kind->caps, "QRESYNC")) {
        say(inbox ? "* OK [HIGHESTMODSEQ 30] x\r\n"
            : "* OK [HIGHESTMODSEQ 5] x\r\n");
    }

    if (inbox && since && since < 30) {
        say("* VANISHED (EARLIER) 2\r\n"
            "* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (28))\r\n");
    }
}


static void
server_fetch(const char *args, const char *mailbox)
{
    char  text[512];
    int   first, inbox, uid;

    static const char  *flags[] = { "\\Seen", "", "", "" };

    inbox = strcmp(mailbox, "INBOX") == 0;
    first = atoi(args);

    if (strstr(args, "CHANGEDSINCE")) {
        say("* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (28))\r\n");
        return;
    }

    for (uid = 1; uid <= (inbox ? 4 : 1); uid++) {

        if ((inbox && uid == 2) || (uid < first && uid < (inbox ? 4 : 1))) {
            continue;
        }

        snprintf(text, sizeof(text), "* %d FETCH (UID %d FLAGS (%s) "
                 "INTERNALDATE \"24-Nov-2027 12:00:00 +0000\" ENVELOPE "
                 "(NIL {3}\r\na%c) NIL NIL NIL NIL NIL NIL NIL NIL)%s)\r\n",
                 inbox && uid > 2 ? uid - 1 : uid, uid,
                 inbox ? flags[uid - 1] : "", '"',
                 strstr(args, "MODSEQ") ? " MODSEQ (29)" : "");
        say(text);
    }
}


static void
server_line(const char *line)
{
    char         tag[16], text[64];
    const char  *p;

    static char  mailbox[16], idle[16];

    if (strcmp(line, "DONE") == 0) {
        snprintf(text, sizeof(text), "%s OK idled\r\n", idle);
        say(text);
        return;
    }

    snprintf(tag, sizeof(tag), "%.*s", (int) strcspn(line, " "), line);
    p = line + strlen(tag) + 1;

    if (strncmp(p, "CAPABILITY", 10) == 0) {
        say("* CAPABILITY IMAP4rev1 ");
        say(kind->caps);
        say("\r\n");

    } else if (strncmp(p, "ENABLE ", 7) == 0) {
        say("* ENABLED ");
        say(p + 7);
        say("\r\n");

    } else if (strncmp(p, "LIST ", 5) == 0) {
        say("* LIST (\\Subscribed) \"/\" INBOX\r\n* LIST () \"/\" Lists\r\n");
    }

    if (strncmp(p, "LIST ", 5) == 0 || strncmp(p, "NOTIFY", 6) == 0
        || strncmp(p, "STATUS", 6) == 0)
    {
        say("* STATUS INBOX (MESSAGES 3 UIDNEXT 5 UIDVALIDITY 7 UNSEEN 2"
            " HIGHESTMODSEQ 30)\r\n"
            "* STATUS Lists (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 9 UNSEEN 1"
            " HIGHESTMODSEQ 5)\r\n");

    } else if (strncmp(p, "LSUB", 4) == 0) {
        say("* LSUB () \"/\" INBOX\r\n");

    } else if (strncmp(p, "EXAMINE ", 8) == 0) {
        strcpy(mailbox, strstr(p, "INBOX") ? "INBOX" : "Lists");
        server_select(p);

    } else if (strncmp(p, "UID FETCH ", 10) == 0) {
        server_fetch(p + 10, mailbox);

    } else if (strncmp(p, "IDLE", 4) == 0) {
        strcpy(idle, tag);
        say("+ idling\r\n");
        return;
    }

    snprintf(text, sizeof(text), "%s OK done\r\n", tag);
    say(text);
}


/* Gives the session up to "max" bytes, "step" at a time; returns the sum. */

static size_t
run(size_t max, size_t step)
{
    char    *piece;
    size_t   n, given;

    said.len = 0;
    heard.len = 0;
    ready = 0;
    failed = 0;

    session = imap_session_create(&options, &io, NULL, &callbacks, NULL,
                                  &login);
    imap_session_start(session, 0);
    say("* OK [ALERT] hello\r\n");

    for (given = 0; said.len && given < max && !failed; given += n) {
        n = said.len < step ? said.len : step;
        n = n < max - given ? n : max - given;

        /* of exact size, for the sanitizer */

        piece = malloc(n);
        memcpy(piece, said.data, n);
        said.len -= n;
        memmove(said.data, said.data + n, said.len);

        imap_session_bytes(session, piece, n);
        free(piece);
    }

    if (given == max) {
        imap_session_lost(session, IMAP_FAIL_AWAY, "cut off");
    }

    imap_session_free(session);

    return given;
}


static void
begin(void)
{
    json_decref(states);
    json_decref(published);

    states = json_pack("{s:{s:b}, s:{s:b, s:i, s:i, s:i, s:i, s:i, s:i,"
                       " s:{s:s}}}", "", "listed", 1, "INBOX", "subscribed",
                       1, "uidvalidity", 7, "uidnext", 4, "modseq",
                       strcmp(kind->name, "nothing") ? 20 : 0, "messages", 3,
                       "newest", 1000, "from", 0, "known", "", "1:3");
    published = json_object();
}


static int
published_once(void)
{
    size_t  i, n;

    n = sizeof(expected) / sizeof(expected[0]);

    for (i = 0; i < n; i++) {

        if (json_integer_value(json_object_get(published, expected[i])) != 1) {
            return 0;
        }
    }

    return json_object_size(published) == n;
}


static void
test_kind(void)
{
    char    *text;
    size_t   cut, all;

    printf("# %s\n", kind->name);

    begin();
    all = run(100000, 100000);
    tap_ok(ready && !failed, "the session is ready");

    if (!tap_ok(published_once(), "    all events are published once")) {
        text = json_dumps(published, JSON_INDENT(1));
        printf("# %s\n", text);
        free(text);
    }

    for (cut = 1; cut < all; cut++) {
        begin();
        run(cut, cut % 7 + 1);
        run(100000, 1000);

        if (!ready || !published_once()) {
            text = json_dumps(published, 0);
            printf("# at byte %d of %d: %s\n", (int) cut, (int) all, text);
            free(text);
            break;
        }
    }

    tap_ok(cut == all, "    also after a cut at any byte");
}


int
main(void)
{
    size_t  i;

    imap_options_init(&options);
    now = 1000;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        kind = &kinds[i];
        test_kind();
    }

    json_decref(states);
    json_decref(published);
    bridge_buffer_free(&said);
    bridge_buffer_free(&heard);

    return tap_done();
}
