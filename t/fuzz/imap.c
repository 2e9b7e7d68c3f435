
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: an IMAP server sends any bytes to a session that logs in,
 * watches and has one update.  misc/build fuzz builds it.  The first byte of
 * the input chooses settings.  In the rest, 0xff stands for the last tag of
 * the client, and 0xfe for a step in time.
 */


#include <stdlib.h>
#include <string.h>

#include "imap_session_private.h"
#include "pimap_event.h"


#define FUZZ_TICK           (40 * 1000)

#define fuzz_check(cond)    if (!(cond)) { abort(); }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


typedef struct {
    imap_session_t  *session;
    uint64_t         now;
    int              failed;
    int              done;
    char             tag[16];
} fuzz_t;


static void
fuzz_write(void *data, const char *bytes, size_t len)
{
    size_t   n;
    fuzz_t  *f = data;

    fuzz_check(!f->failed);

    n = 0;

    while (n < len && n < sizeof(f->tag) - 1 && bytes[n] != ' ') {
        n++;
    }

    if (n > 1 && bytes[0] == 'p') {
        memcpy(f->tag, bytes, n);
        f->tag[n] = '\0';
    }
}


static void
fuzz_starttls(void *data)
{
}


static void
fuzz_timer(void *data, uint32_t ms)
{
    fuzz_check(ms > 0);
}


static uint64_t
fuzz_now(void *data)
{
    fuzz_t  *f = data;

    return f->now;
}


static void
fuzz_done(void *ctx, json_t *result)
{
    fuzz_t  *f = ctx;

    fuzz_check(json_is_string(json_object_get(result, "status")));
    f->done++;
}


static void
fuzz_logged_in(void *data)
{
    json_t  *states;
    fuzz_t  *f = data;

    states = json_pack("{s:{s:b}, s:{s:b, s:i, s:i, s:i, s:i, s:i, s:i,"
                       " s:{s:s, s:s}}}", "", "listed", 1, "INBOX",
                       "subscribed", 1, "uidvalidity", 7, "uidnext", 9,
                       "modseq", 20, "messages", 3, "newest", 1000, "from", 0,
                       "known", "", "1:3", "\\Seen", "2");
    imap_session_watch(f->session, states);
    json_decref(states);
}


/* Each published text is a valid event for the module. */

static void
fuzz_publish(void *data, const char *mailbox, json_t *events, json_t *state)
{
    char           *text, why[256];
    size_t          i;
    json_t         *event;
    pimap_event_t   ev;

    json_array_foreach(events, i, event) {
        text = json_dumps(event, 0);
        fuzz_check(text != NULL);
        fuzz_check(pimap_event_parse(&ev, text, strlen(text), 1024 * 1024,
                                     why, sizeof(why)) == PIMAP_EVENT_OK);
        pimap_event_free(&ev);
        free(text);
    }
}


static void
fuzz_ready(void *data, const char *how)
{
}


static void
fuzz_failed(void *data, imap_fail_t reason, const char *why)
{
    fuzz_t  *f = data;

    fuzz_check(!f->failed && why[0]);
    f->failed = 1;
}


static void
fuzz_log(void *data, int level, const char *text)
{
}


static const imap_io_t  fuzz_io = {
    fuzz_write, fuzz_starttls, fuzz_timer, fuzz_now, fuzz_failed
};


static const imap_callbacks_t  fuzz_callbacks = {
    fuzz_logged_in, fuzz_publish, fuzz_ready, NULL, fuzz_log
};


static void
fuzz_update(fuzz_t *f, int which)
{
    json_t  *update;

    static const char  *updates[] = {
        "{\"update\":\"store\",\"mailbox\":\"INBOX\",\"uids\":[1,2],"
        "\"add\":[\"\\\\Seen\"],\"remove\":[\"a\"]}",
        "{\"update\":\"move\",\"mailbox\":\"INBOX\",\"uids\":[1],"
        "\"to\":\"x\"}",
        "{\"update\":\"fetch\",\"mailbox\":\"INBOX\",\"uids\":[1,2],"
        "\"items\":[\"all\",\"text\",\"envelope\"],\"part\":\"1\"}",
        "{\"update\":\"search\",\"mailbox\":\"INBOX\",\"query\":{"
        "\"text\":\"\u00fc\"}}"
    };

    update = json_loads(updates[which & 3], 0, NULL);
    imap_session_update(f->session, update, fuzz_done, f);
    json_decref(update);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy;
    fuzz_t           f;
    uint8_t          set;
    size_t           n;
    imap_login_t     login = { "alice", "secret", NULL, 0 };
    imap_options_t   options;

    if (size == 0) {
        return 0;
    }

    set = *data++;
    size--;

    imap_options_init(&options);
    options.max_message = 4096;
    options.max_mailboxes = 8;
    options.max_known = 4;
    options.starttls = set >> 1 & 1;
    options.without = set >> 2 & 0xf;
    login.bearer = set >> 7;

    memset(&f, 0, sizeof(f));
    f.now = 1000000;
    f.session = imap_session_create(&options, &fuzz_io, &f, &fuzz_callbacks,
                                    &f, &login);

    imap_session_start(f.session, 0);
    fuzz_update(&f, set >> 2);

    while (size && !f.failed) {

        if (f.session->phase == IMAP_PHASE_TLS) {
            imap_session_secured(f.session);
        }

        if (*data == 0xff) {
            imap_session_bytes(f.session, f.tag, strlen(f.tag));
            n = 1;

        } else if (*data == 0xfe) {
            f.now += FUZZ_TICK;
            imap_session_timeout(f.session);
            n = 1;

        } else {

            for (n = 1; n < size && data[n] < 0xfe; n++) { /* void */ }

            copy = malloc(n);
            memcpy(copy, data, n);
            imap_session_bytes(f.session, copy, n);
            free(copy);
        }

        data += n;
        size -= n;
    }

    imap_session_logout(f.session);
    imap_session_free(f.session);
    fuzz_check(f.done == 1);

    return 0;
}
