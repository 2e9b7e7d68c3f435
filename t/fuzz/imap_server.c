
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a session against a server that answers each command in
 * the right form, and whose choices are bytes of the input: capabilities,
 * mailboxes, numbers, flags, contents, refusals, silence, and any bytes.  When
 * a session has failed, the next one begins with the stored states.  Each
 * event is valid, each stored state can be loaded, each update has one result,
 * and no command has an impossible number.
 *
 * Reaches: imap_login_sasl_continue, imap_login_starttls, imap_list_lsub,
 *     imap_list_gone, imap_notify_answer, imap_overflow,
 *     imap_select_recreated, imap_select_compared, imap_selected_vanished,
 *     imap_event_new, imap_event_expunged, imap_mailbox_load,
 *     imap_store_answer, imap_move_copied, imap_delete_marked,
 *     imap_update_fetch_message, imap_search_untagged,
 *     imap_update_mailbox_answer.
 */


#include "fuzz_imap_untagged.h"


#define FUZZ_SESSIONS       8
#define FUZZ_COMMAND        16384

#define FUZZ_STEP           (41 * 1000)
#define FUZZ_ROUND          (301 * 1000)
#define FUZZ_FLAGS          (31 * 60 * 1000)


typedef struct {
    const char     *verb;
    void          (*answer)(fuzz_t *f, const char *args);
} fuzz_verb_t;


static void
fuzz_capability(fuzz_t *f, const char *args)
{
    size_t    i;
    uint32_t  bits;

    bits = fuzz_byte(&f->in);
    bits |= fuzz_byte(&f->in) << 8;
    bits |= fuzz_byte(&f->in) << 16;

    fuzz_say(f, "* CAPABILITY IMAP4rev1");

    for (i = 0; i < fuzz_n(fuzz_caps); i++) {
        if (bits >> i & 1) {
            fuzz_say(f, " %s", fuzz_caps[i]);
        }
    }

    fuzz_say(f, "\r\n");
}


static void
fuzz_enable(fuzz_t *f, const char *args)
{
    fuzz_say(f, "* ENABLED%s\r\n", args);
}


static void
fuzz_authenticate(fuzz_t *f, const char *args)
{
    if (strchr(args + 1, ' ') == NULL) {
        fuzz_say(f, "+ \r\n");
        f->sasl = 1;
    }
}


static void
fuzz_list(fuzz_t *f, const char *args)
{
    unsigned  n, what;

    static const char  *attributes[] = {
        "", "\\Subscribed", "\\Noselect", "\\Sent \\Subscribed"
    };

    for (n = 1 + fuzz_byte(&f->in) % 6; n; n--) {
        what = fuzz_byte(&f->in);
        fuzz_say(f, "* LIST (%s) \"/\" %s\r\n", attributes[what / 64],
                 fuzz_boxes[what % fuzz_n(fuzz_boxes)]);
    }

    if (strstr(args, "STATUS")) {
        fuzz_some(f, fuzz_status);
    }
}


static void
fuzz_lsub(fuzz_t *f, const char *args)
{
    fuzz_say(f, "* LSUB () \"/\" %s\r\n", fuzz_box(f));
}


static void
fuzz_select(fuzz_t *f, const char *args)
{
    fuzz_say(f, "* %s EXISTS\r\n", fuzz_number(f));
    fuzz_say(f, "* OK [UIDVALIDITY %u] x\r\n",
             7 + fuzz_byte(&f->in) / 64);
    fuzz_say(f, "* OK [UIDNEXT %s] x\r\n* OK [HIGHESTMODSEQ %s] x\r\n",
             fuzz_number(f), fuzz_number(f));
    fuzz_some(f, fuzz_tell);
}


static void
fuzz_messages(fuzz_t *f, const char *args)
{
    fuzz_check(args[1] != '0');
    fuzz_some(f, fuzz_fetch);
}


static void
fuzz_search(fuzz_t *f, const char *args)
{
    fuzz_say(f, "* SEARCH %s %s (MODSEQ 7)\r\n", fuzz_number(f),
             fuzz_number(f));
}


static void
fuzz_idle(fuzz_t *f, const char *args)
{
    strcpy(f->idle, f->tag);
    fuzz_say(f, "+ idling\r\n");
    fuzz_some(f, fuzz_tell);
}


static void
fuzz_states(fuzz_t *f, const char *args)
{
    fuzz_some(f, fuzz_status);
}


static void
fuzz_nothing(fuzz_t *f, const char *args)
{
    fuzz_some(f, fuzz_tell);
}


static const fuzz_verb_t  fuzz_verbs[] = {
    { "CAPABILITY", fuzz_capability },
    { "ENABLE", fuzz_enable },
    { "AUTHENTICATE", fuzz_authenticate },
    { "LIST", fuzz_list },
    { "LSUB", fuzz_lsub },
    { "STATUS", fuzz_states },
    { "NOTIFY", fuzz_states },
    { "SELECT", fuzz_select },
    { "EXAMINE", fuzz_select },
    { "FETCH", fuzz_messages },
    { "UID FETCH", fuzz_messages },
    { "UID SEARCH", fuzz_search },
    { "IDLE", fuzz_idle },
    { "", fuzz_nothing }
};


/* The tagged answer. */

static void
fuzz_end(fuzz_t *f, const char *tag)
{
    unsigned  n = fuzz_byte(&f->in);

    static const char  *ends[] = {
        "NO x", "BAD x", "NO [LIMIT] x", "OK [MODIFIED 1,3] x",
        "OK [COPYUID 7 1:2 9:10] x", "OK [APPENDUID 7 12] x",
        "OK [HIGHESTMODSEQ 30] x", "OK [CAPABILITY IMAP4rev1 IDLE] x",
        "NO [UNAVAILABLE] x", "OK [MODIFIED 1:4294967295] x", "OK [", "BYE x",
        "OK [COPYUID 7 * 1] x"
    };

    fuzz_say(f, "%s %s\r\n", tag,
             n < 0x80 ? "OK done" : ends[n % fuzz_n(ends)]);
}


static void
fuzz_answer(fuzz_t *f, const char *command)
{
    size_t              len;
    unsigned            how;
    const uint8_t      *raw;
    const fuzz_verb_t  *v;

    how = fuzz_byte(&f->in);

    if (how >= 0xf8) {
        len = fuzz_until(&f->in, '\n', &raw);
        bridge_buffer_add(&f->said, (const char *) raw, len);
        fuzz_say(f, "\r\n");
    }

    for (v = fuzz_verbs; strncmp(v->verb, command, strlen(v->verb)) != 0; v++)
    {
        /* void */
    }

    v->answer(f, command + strlen(v->verb));

    if (v->answer == fuzz_idle || f->sasl) {
        return;
    }

    if (how == 0xf0) {
        fuzz_end(f, "p99999");

    } else if (how != 0xf1) {
        fuzz_end(f, f->tag);
    }
}


/* A whole command, without its last line end. */

static void
fuzz_command(fuzz_t *f, const char *line, size_t len)
{
    size_t  n;

    fuzz_check(memchr(line, '\0', len) == NULL);

    if (f->sasl) {
        f->sasl = 0;
        fuzz_end(f, f->tag);
        return;
    }

    if (strcmp(line, "DONE") == 0) {
        fuzz_check(f->idle[0]);
        fuzz_end(f, f->idle);
        f->idle[0] = '\0';
        return;
    }

    n = strcspn(line, " ");
    fuzz_check(n > 1 && n < sizeof(f->tag) && line[0] == 'p' && line[n]
               && f->idle[0] == '\0');

    snprintf(f->tag, sizeof(f->tag), "%.*s", (int) n, line);
    fuzz_answer(f, line + n + 1);
}


/* A line that ends with the size of a literal goes on after it. */

static size_t
fuzz_line(fuzz_t *f, size_t from)
{
    char   *lf, *p;
    size_t  n;

    lf = memchr(f->heard.data + from, '\n', f->heard.len - from);

    if (lf == NULL) {
        return 0;
    }

    fuzz_check(lf > f->heard.data + from && lf[-1] == '\r');
    n = lf + 1 - f->heard.data;

    p = lf - 1;

    if (p - f->heard.data > 2 && p[-1] == '}'
        && (p = memrchr(f->heard.data, '{', lf - f->heard.data)))
    {
        f->literal = atoi(p + 1);

        if (lf[-3] != '+') {
            fuzz_say(f, "+ go\r\n");
        }

        return n;
    }

    lf[-1] = '\0';
    fuzz_command(f, f->heard.data, lf - 1 - f->heard.data);
    f->heard.len = 0;

    return n;
}


/* Bytes before "at" have been looked at. */

static void
fuzz_write(void *data, const char *bytes, size_t len)
{
    size_t   at, n;
    fuzz_t  *f = data;

    fuzz_check(!f->s.failed);
    fuzz_show("C:", bytes, len);

    at = f->heard.len;
    bridge_buffer_add(&f->heard, bytes, len);
    fuzz_check(f->heard.len < FUZZ_COMMAND);

    while (at < f->heard.len) {

        if (f->literal) {
            n = f->heard.len - at < f->literal ? f->heard.len - at
                                               : f->literal;
            f->literal -= n;
            at += n;
            continue;
        }

        n = fuzz_line(f, at);

        if (n == 0) {
            return;
        }

        at = f->heard.len ? n : 0;
    }
}


static void
fuzz_logged_in(void *data)
{
    fuzz_t  *f = data;

    imap_session_watch(f->s.session, f->states);
}


static void
fuzz_publish(void *data, const char *mailbox, json_t *events, json_t *state)
{
    fuzz_t  *f = data;

    fuzz_check(mailbox);
    fuzz_events(events);

    if (state) {
        fuzz_check(json_is_object(state));
        fuzz_check(json_object_set_new(f->states, mailbox,
                                       json_deep_copy(state)) == 0);

    } else {
        json_object_del(f->states, mailbox);
    }
}


static void
fuzz_log(void *data, int level, const char *text)
{
    /* it is a state that an earlier session has published */

    fuzz_check(strncmp(text, "the stored state", 16) != 0);
}


static void
fuzz_done(void *ctx, json_t *result)
{
    fuzz_t  *f = ctx;

    fuzz_result(result);
    f->updates--;
}


static const imap_io_t  fuzz_io = {
    fuzz_write, fuzz_starttls, fuzz_timer, fuzz_now, fuzz_failed
};


static const imap_callbacks_t  fuzz_callbacks = {
    fuzz_logged_in, fuzz_publish, fuzz_ready, NULL, fuzz_log
};


static void
fuzz_update(fuzz_t *f)
{
    json_t  *update;

    update = json_loads(fuzz_updates[fuzz_byte(&f->in)
                                     % fuzz_n(fuzz_updates)], 0, NULL);
    fuzz_check(update);

    f->updates++;
    imap_session_update(f->s.session, update, fuzz_done, f);
    json_decref(update);
}


/* Sends what was said, in pieces of "piece" bytes. */

static void
fuzz_send(fuzz_t *f, size_t piece)
{
    char             *copy;
    size_t            at, n;
    bridge_buffer_t   said;

    said = f->said;
    memset(&f->said, 0, sizeof(f->said));
    fuzz_show("S:", said.data, said.len);

    for (at = 0; at < said.len && !f->s.failed; at += n) {
        n = said.len - at < piece ? said.len - at : piece;
        copy = fuzz_copy(said.data + at, n);
        imap_session_bytes(f->s.session, copy, n);
        free(copy);

        if (f->s.session->phase == IMAP_PHASE_TLS) {
            imap_session_secured(f->s.session);
        }
    }

    bridge_buffer_free(&said);
}


static void
fuzz_act(fuzz_t *f)
{
    unsigned  what = fuzz_byte(&f->in);

    static const uint32_t  steps[] = {
        100, 1000, FUZZ_STEP, FUZZ_ROUND, FUZZ_FLAGS
    };

    switch (what % 4) {

    case 0:
        f->s.now += steps[what / 4 % fuzz_n(steps)];
        imap_session_timeout(f->s.session);
        break;

    case 1:
        fuzz_update(f);
        break;

    default:
        fuzz_tell(f);
    }
}


static void
fuzz_session(fuzz_t *f)
{
    unsigned        set, piece;
    imap_login_t    login = { "alice", "secret", NULL, 0, NULL };
    imap_options_t  options;

    set = fuzz_byte(&f->in);
    piece = set >> 7 ? 1 + fuzz_byte(&f->in) : UINT32_MAX;

    imap_options_init(&options);
    options.max_message = 4096;
    options.max_mailboxes = 8;
    options.max_known = 16;
    options.max_result = 4096;
    options.starttls = set & 1;
    options.without = set >> 1 & 0xf;
    options.preview = !(set >> 5 & 1);
    login.bearer = set >> 6 & 1;

    f->s.failed = 0;
    f->sasl = 0;
    f->idle[0] = '\0';
    f->literal = 0;
    f->said.len = 0;
    f->heard.len = 0;

    f->s.session = imap_session_create(&options, &fuzz_io, f, &fuzz_callbacks,
                                       f, &login);
    imap_session_start(f->s.session, 0);
    fuzz_say(f, "* OK hello\r\n");

    while (!f->s.failed && (f->said.len || f->in.p < f->in.last)) {

        if (f->said.len) {
            fuzz_send(f, piece);

        } else {
            fuzz_act(f);
        }
    }

    imap_session_free(f->s.session);
    fuzz_check(f->updates == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int     i;
    fuzz_t  f;

    memset(&f, 0, sizeof(f));
    f.in.p = data;
    f.in.last = data + size;
    f.s.now = 1000000;
    f.states = json_object();

    for (i = 0; i < FUZZ_SESSIONS && f.in.p < f.in.last; i++) {
        fuzz_session(&f);
    }

    json_decref(f.states);
    bridge_buffer_free(&f.said);
    bridge_buffer_free(&f.heard);

    return 0;
}
