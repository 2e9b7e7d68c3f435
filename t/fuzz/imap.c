
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: an IMAP server sends any bytes to a session that logs in,
 * watches and has one update.  The first byte of the input chooses settings.
 * In the rest, 0xff stands for the last tag of the client, 0xfe for a step in
 * time, and 0xfd ends what is read at once.
 *
 * Reaches: imap_list_status, imap_selected_fetch, imap_event_new,
 *     imap_event_content, imap_event_expunged, imap_update_fetch_message,
 *     imap_store_answer, imap_search_untagged, imap_idle_begun.
 */


#include "fuzz_session.h"


#define FUZZ_TICK           (40 * 1000)


typedef struct {
    fuzz_session_t   s;
    int              done;
    char             tag[16];
} fuzz_t;


static void
fuzz_write(void *data, const char *bytes, size_t len)
{
    size_t   n;
    fuzz_t  *f = data;

    fuzz_check(!f->s.failed);
    fuzz_show("C:", bytes, len);

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
fuzz_done(void *ctx, json_t *result)
{
    fuzz_t  *f = ctx;

    fuzz_result(result);
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
    imap_session_watch(f->s.session, states);
    json_decref(states);
}


static void
fuzz_publish(void *data, const char *mailbox, json_t *events, json_t *state)
{
    fuzz_events(events);
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
    imap_session_update(f->s.session, update, fuzz_done, f);
    json_decref(update);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *copy;
    fuzz_t           f;
    uint8_t          set;
    size_t           n;
    imap_login_t     login = { "alice", "secret", NULL, 0, NULL };
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
    f.s.now = 1000000;
    f.s.session = imap_session_create(&options, &fuzz_io, &f, &fuzz_callbacks,
                                      &f, &login);

    imap_session_start(f.s.session, 0);
    fuzz_update(&f, set >> 2);

    while (size && !f.s.failed) {

        if (f.s.session->phase == IMAP_PHASE_TLS) {
            imap_session_secured(f.s.session);
        }

        if (*data == 0xff) {
            imap_session_bytes(f.s.session, f.tag, strlen(f.tag));
            n = 1;

        } else if (*data == 0xfe) {
            f.s.now += FUZZ_TICK;
            imap_session_timeout(f.s.session);
            n = 1;

        } else if (*data == 0xfd) {
            n = 1;

        } else {

            for (n = 1; n < size && data[n] < 0xfd; n++) { /* void */ }

            copy = fuzz_copy(data, n);
            fuzz_show("S:", copy, n);
            imap_session_bytes(f.s.session, copy, n);
            free(copy);
        }

        data += n;
        size -= n;
    }

    imap_session_logout(f.s.session);
    imap_session_free(f.s.session);
    fuzz_check(f.done == 1);

    return 0;
}
