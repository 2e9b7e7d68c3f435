
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the phases LOGIN and SETUP: STARTTLS, CAPABILITY, AUTHENTICATE, LOGIN,
 * ID, ENABLE.  Called by imap_receive.c with the greeting.  Invariant: the
 * secret is wiped as soon as it is sent.
 */


#include "imap_session_private.h"

#include <stdlib.h>
#include <string.h>

#include "bridge.h"


static uint32_t imap_login_caps(imap_session_t *s, const bridge_str_t *list);
static void imap_login_capable(imap_session_t *s, imap_response_t *r);
static void imap_login_begin(imap_session_t *s);
static void imap_login_try(imap_session_t *s, imap_response_t *r);
static void imap_login_starttls(imap_session_t *s, imap_response_t *r);
static void imap_login_sasl(imap_session_t *s);
static void imap_login_sasl_continue(imap_session_t *s, imap_response_t *r);
static void imap_login_sasl_response(imap_session_t *s, bridge_buffer_t *to);
static void imap_login_saslname(bridge_buffer_t *to, const char *name);
static void imap_login_plain(imap_session_t *s);
static void imap_login_answer(imap_session_t *s, imap_response_t *r);
static void imap_login_refused(imap_session_t *s, imap_response_t *r);
static int imap_login_later(const imap_response_t *r);
static void imap_login_fail(imap_session_t *s, imap_fail_t reason,
    imap_response_t *r, const char *what);
static void imap_login_wipe(imap_session_t *s);
static void imap_login_id(imap_session_t *s, imap_response_t *r);
static void imap_login_enable(imap_session_t *s, imap_response_t *r);
static void imap_login_done(imap_session_t *s, imap_response_t *r);


static const imap_word_t  imap_caps[] = {
    { "STARTTLS", IMAP_CAP_STARTTLS },
    { "LOGINDISABLED", IMAP_CAP_LOGINDISABLED },
    { "AUTH=PLAIN", IMAP_CAP_PLAIN },
    { "AUTH=OAUTHBEARER", IMAP_CAP_OAUTHBEARER },
    { "AUTH=XOAUTH2", IMAP_CAP_XOAUTH2 },
    { "SASL-IR", IMAP_CAP_SASL_IR },
    { "ENABLE", IMAP_CAP_ENABLE },
    { "CONDSTORE", IMAP_CAP_CONDSTORE },
    { "QRESYNC", IMAP_CAP_CONDSTORE|IMAP_CAP_QRESYNC },
    { "UTF8=ACCEPT", IMAP_CAP_UTF8 },
    { "UTF8=ONLY", IMAP_CAP_UTF8 },
    { "PREVIEW", IMAP_CAP_PREVIEW },
    { "NOTIFY", IMAP_CAP_NOTIFY },
    { "IDLE", IMAP_CAP_IDLE },
    { "ID", IMAP_CAP_ID },
    { "LIST-EXTENDED", IMAP_CAP_LIST_EXTENDED },
    { "LIST-STATUS", IMAP_CAP_LIST_STATUS },
    { "SPECIAL-USE", IMAP_CAP_SPECIAL_USE },
    { "MOVE", IMAP_CAP_MOVE },
    { "UIDPLUS", IMAP_CAP_UIDPLUS },
    { "LITERAL+", IMAP_CAP_LITERAL_PLUS },
    { "LITERAL-", IMAP_CAP_LITERAL_MINUS },

    /* RFC 9051 contains these */

    { "IMAP4rev2", IMAP_CAP_ENABLE|IMAP_CAP_IDLE|IMAP_CAP_SASL_IR
                   |IMAP_CAP_LIST_EXTENDED|IMAP_CAP_LIST_STATUS|IMAP_CAP_MOVE
                   |IMAP_CAP_SPECIAL_USE|IMAP_CAP_UIDPLUS
                   |IMAP_CAP_LITERAL_MINUS },
    { NULL, 0 }
};


/* Not used, by the bits of IMAP_WITHOUT_*. */

static const uint32_t  imap_without[] = {
    IMAP_CAP_NOTIFY, IMAP_CAP_IDLE, IMAP_CAP_QRESYNC,
    IMAP_CAP_QRESYNC|IMAP_CAP_CONDSTORE
};


void
imap_capabilities(imap_session_t *s, const bridge_str_t *list)
{
    s->caps = (imap_login_caps(s, list) & ~s->refused) | IMAP_CAP_KNOWN;
}


void
imap_refuse(imap_session_t *s, uint32_t cap)
{
    s->refused |= cap;
    s->caps &= ~cap;
}


static uint32_t
imap_login_caps(imap_session_t *s, const bridge_str_t *list)
{
    size_t        i;
    uint32_t      caps;
    const char   *p, *end;
    bridge_str_t  word;

    caps = 0;
    end = list->data + list->len;

    for (p = list->data; p < end; p++) {
        word.data = (char *) p;

        while (p < end && *p != ' ') {
            p++;
        }

        word.len = p - word.data;

        caps |= imap_word(imap_caps, &word);
    }

    for (i = 0; i < sizeof(imap_without) / sizeof(imap_without[0]); i++) {

        if (s->o->without >> i & 1) {
            caps &= ~imap_without[i];
        }
    }

    return caps;
}


void
imap_enabled(imap_session_t *s, const bridge_str_t *list)
{
    uint32_t  caps;

    caps = imap_login_caps(s, list);

    s->condstore |= (caps & IMAP_CAP_CONDSTORE) != 0;
    s->qresync |= (caps & IMAP_CAP_QRESYNC) != 0;
    s->utf8 |= (caps & IMAP_CAP_UTF8) != 0;
}


void
imap_greeting(imap_session_t *s, imap_response_t *r)
{
    if (r->condition == IMAP_COND_PREAUTH) {

        /* the server has chosen an account by itself */

        imap_fail(s, IMAP_FAIL_PROTOCOL,
                  "PREAUTH: the server has chosen an account by itself");
        return;
    }

    if (r->condition != IMAP_COND_OK) {
        imap_login_fail(s, bridge_str_is(&r->code, "LIMIT") ? IMAP_FAIL_LIMIT
                           : IMAP_FAIL_AWAY, r,
                        "the server refuses the connection");
        return;
    }

    if (bridge_str_is(&r->code, "CAPABILITY")) {
        imap_capabilities(s, &r->code_text);
    }

    imap_phase(s, IMAP_PHASE_LOGIN);
    imap_login_start(s);
}


void
imap_login_start(imap_session_t *s)
{
    if (s->caps & IMAP_CAP_KNOWN) {
        imap_login_begin(s);

    } else {
        imap_send_text(s, imap_login_capable, "CAPABILITY");
    }
}


static void
imap_login_capable(imap_session_t *s, imap_response_t *r)
{
    if (r->condition != IMAP_COND_OK || !(s->caps & IMAP_CAP_KNOWN)) {
        imap_login_fail(s, IMAP_FAIL_PROTOCOL, r,
                        "the server tells no CAPABILITY");
        return;
    }

    if (s->phase == IMAP_PHASE_SETUP) {
        imap_login_id(s, r);

    } else {
        imap_login_begin(s);
    }
}


static void
imap_login_begin(imap_session_t *s)
{
    if (s->starttls) {

        if (!(s->caps & IMAP_CAP_STARTTLS)) {
            imap_fail(s, IMAP_FAIL_TLS, "the server has no STARTTLS");
            return;
        }

        imap_send_text(s, imap_login_starttls, "STARTTLS");
        return;
    }

    if (s->client && s->caps & IMAP_CAP_ID) {
        imap_send_text(s, imap_login_try, "ID (\"name\" \"" BRIDGE_NAME
                       "\" \"version\" \"" BRIDGE_VERSION
                       "\" \"x-originating-ip\" \"%s\")", s->client);
        return;
    }

    imap_login_try(s, NULL);
}


/* A server that refuses ID is none that wants an address. */

static void
imap_login_try(imap_session_t *s, imap_response_t *r)
{
    /* a login may change them */

    s->caps &= ~IMAP_CAP_KNOWN;

    if (s->bearer ? s->caps & (IMAP_CAP_OAUTHBEARER|IMAP_CAP_XOAUTH2)
        : s->caps & IMAP_CAP_PLAIN)
    {
        imap_login_sasl(s);

    } else if (s->bearer || s->authzid) {
        imap_fail(s, IMAP_FAIL_TLS,
                  "the server has no SASL mechanism for this login");

    } else if (s->caps & IMAP_CAP_LOGINDISABLED) {
        imap_fail(s, IMAP_FAIL_TLS, "LOGIN is disabled: TLS may be needed");

    } else {
        imap_login_plain(s);
    }
}


static void
imap_login_starttls(imap_session_t *s, imap_response_t *r)
{
    if (r->condition != IMAP_COND_OK) {
        imap_login_fail(s, IMAP_FAIL_TLS, r, "the server refuses STARTTLS");
        return;
    }

    /* bytes in clear must not be taken for bytes within TLS */

    if (imap_reader_rest(&s->in)) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "bytes between STARTTLS and TLS");
        return;
    }

    s->caps = 0;
    imap_phase(s, IMAP_PHASE_TLS);
    s->io->starttls(s->io_data);
}


static void
imap_login_sasl(imap_session_t *s)
{
    imap_command_t  c;

    /* such a byte would end a part of the response */

    if (s->bearer && (strchr(s->user, '\001') || strchr(s->secret, '\001'))) {
        imap_login_wipe(s);
        imap_fail(s, IMAP_FAIL_CREDENTIALS,
                  "a user name or token has a control character");
        return;
    }

    imap_command_begin(s, &c);

    imap_command_add(&c, "AUTHENTICATE %s", !s->bearer ? "PLAIN"
                     : s->caps & IMAP_CAP_OAUTHBEARER ? "OAUTHBEARER"
                     : "XOAUTH2");

    if (s->caps & IMAP_CAP_SASL_IR) {
        imap_command_add(&c, " ");
        imap_login_sasl_response(s, &c.buf);
    }

    imap_send(s, &c, imap_login_answer, NULL);

    s->on_continue = imap_login_sasl_continue;
}


/* "+" asks for the response, or has an error to be acknowledged. */

static void
imap_login_sasl_continue(imap_session_t *s, imap_response_t *r)
{
    const char       *text;
    bridge_buffer_t   line;

    if (s->secret == NULL) {
        text = !s->bearer ? "*\r\n"
               : s->caps & IMAP_CAP_OAUTHBEARER ? "AQ==\r\n" : "\r\n";
        s->io->write(s->io_data, text, strlen(text));
        s->on_continue = NULL;
        s->challenged = 1;
        return;
    }

    memset(&line, 0, sizeof(line));

    imap_login_sasl_response(s, &line);
    bridge_buffer_text(&line, "\r\n");
    s->io->write(s->io_data, line.data, line.len);

    bridge_buffer_free(&line);
}


/* RFC 4616; RFC 7628, 3.1; or XOAUTH2 as Google describes it. */

static void
imap_login_sasl_response(imap_session_t *s, bridge_buffer_t *to)
{
    int               oauth;
    const char       *user;
    bridge_buffer_t   text;

    oauth = s->bearer && s->caps & IMAP_CAP_OAUTHBEARER;
    user = s->authzid ? s->authzid : s->bearer ? s->user : "";

    /* a printf() would leave parts of a long secret in freed memory */

    memset(&text, 0, sizeof(text));

    if (s->bearer) {
        bridge_buffer_text(&text, oauth ? "n,a=" : "user=");

        if (oauth) {
            imap_login_saslname(&text, user);

        } else {
            bridge_buffer_text(&text, s->user);
        }

        bridge_buffer_text(&text, oauth ? ",\001auth=Bearer "
                                        : "\001auth=Bearer ");
        bridge_buffer_text(&text, s->secret);
        bridge_buffer_text(&text, "\001\001");

    } else {
        bridge_buffer_add(&text, user, strlen(user) + 1);
        bridge_buffer_add(&text, s->user, strlen(s->user) + 1);
        bridge_buffer_text(&text, s->secret);
    }

    bridge_buffer_base64(to, text.data, text.len);
    bridge_buffer_free(&text);
    imap_login_wipe(s);
}


/* RFC 5801, 4: a comma would end the name. */

static void
imap_login_saslname(bridge_buffer_t *to, const char *name)
{
    for ( /* void */ ; *name; name++) {

        if (*name == ',') {
            bridge_buffer_text(to, "=2C");

        } else if (*name == '=') {
            bridge_buffer_text(to, "=3D");

        } else {
            bridge_buffer_char(to, *name);
        }
    }
}


static void
imap_login_plain(imap_session_t *s)
{
    imap_command_t  c;

    imap_command_begin(s, &c);

    imap_command_add(&c, "LOGIN ");
    imap_command_string(&c, s->user, strlen(s->user));
    imap_command_add(&c, " ");
    imap_command_string(&c, s->secret, strlen(s->secret));

    imap_login_wipe(s);

    if (imap_send(s, &c, imap_login_answer, NULL) == -1) {
        imap_fail(s, IMAP_FAIL_CREDENTIALS,
                  "a user name or password has a line break");
    }
}


static void
imap_login_answer(imap_session_t *s, imap_response_t *r)
{
    imap_login_wipe(s);

    if (r->condition != IMAP_COND_OK) {
        imap_login_refused(s, r);
        return;
    }

    imap_phase(s, IMAP_PHASE_SETUP);

    if (s->caps & IMAP_CAP_KNOWN) {
        imap_login_id(s, r);

    } else {
        imap_send_text(s, imap_login_capable, "CAPABILITY");
    }
}


/* RFC 5530; NO without a code refuses the credentials, unless its words say
   otherwise. */

static void
imap_login_refused(imap_session_t *s, imap_response_t *r)
{
    if (r->condition == IMAP_COND_BAD && !s->challenged) {
        imap_login_fail(s, IMAP_FAIL_PROTOCOL, r,
                        "the server does not understand the login");

    } else if (bridge_str_is(&r->code, "PRIVACYREQUIRED")) {
        imap_login_fail(s, IMAP_FAIL_TLS, r,
                        "the server wants TLS before a login");

    } else if (imap_login_later(r)) {
        imap_login_fail(s, bridge_str_is(&r->code, "LIMIT")
                           ? IMAP_FAIL_LIMIT : IMAP_FAIL_AWAY, r,
                        "the server takes no login at present");

    } else {
        imap_login_fail(s, IMAP_FAIL_CREDENTIALS, r,
                        "the server refuses the login");
    }
}


/*
 * Is the refusal no statement about the credentials?  Gmail says "[ALERT] Too
 * many simultaneous connections", Exchange "Server Unavailable", and others
 * have codes of POP3 (RFC 2449, RFC 3206) or of their own.
 */

static int
imap_login_later(const imap_response_t *r)
{
    int    i, later;
    char   text[IMAP_MAX_WORDS], *lower;

    static const imap_word_t  codes[] = {
        { "UNAVAILABLE", 1 }, { "LIMIT", 1 }, { "INUSE", 1 },
        { "SERVERBUG", 1 }, { "CONTACTADMIN", 1 }, { "OVERQUOTA", 1 },
        { "THROTTLED", 1 }, { "IN-USE", 1 }, { "SYS/TEMP", 1 },
        { "SYS/PERM", 1 }, { "LOGIN-DELAY", 1 },
        { NULL, 0 }
    };

    static const imap_word_t  refusals[] = {
        { "AUTHENTICATIONFAILED", 1 }, { "AUTHORIZATIONFAILED", 1 },
        { "EXPIRED", 1 }, { NULL, 0 }
    };

    static const char  *words[] = {
        "too many", "simultaneous", "connections", "temporar", "unavailable",
        "try again", "rate limit", "throttl", "server busy", "in use", NULL
    };

    if (imap_word(codes, &r->code) || imap_word(refusals, &r->code)) {
        return imap_word(codes, &r->code);
    }

    imap_printable(text, sizeof(text), &r->text);
    lower = g_ascii_strdown(text, -1);
    later = 0;

    for (i = 0; words[i]; i++) {
        later |= strstr(lower, words[i]) != NULL;
    }

    /* one text for all causes */

    later &= strstr(lower, "password") == NULL;

    free(lower);

    return later;
}


/* A server may repeat the command in its answer: what follows is cut off. */

static void
imap_login_fail(imap_session_t *s, imap_fail_t reason, imap_response_t *r,
    const char *what)
{
    int          i;
    char         words[IMAP_MAX_WORDS], *p;
    const char  *echoes[] = { "AUTHENTICATE ", "LOGIN \"", s->user };

    imap_words(words, sizeof(words), r);

    for (i = 0; i < 3; i++) {
        p = *echoes[i] ? strcasestr(words, echoes[i]) : NULL;

        if (p) {
            p[strlen(echoes[i])] = '\0';
        }
    }

    imap_fail(s, reason, "%s: %s", what, words);
}


static void
imap_login_wipe(imap_session_t *s)
{
    if (s->secret) {
        bridge_wipe_free(s->secret, strlen(s->secret));
        s->secret = NULL;
    }
}


static void
imap_login_id(imap_session_t *s, imap_response_t *r)
{
    if (s->caps & IMAP_CAP_ID && s->client == NULL) {
        imap_send_text(s, imap_login_enable, "ID (\"name\" \"" BRIDGE_NAME
                       "\" \"version\" \"" BRIDGE_VERSION "\")");

    } else {
        imap_login_enable(s, r);
    }
}


static void
imap_login_enable(imap_session_t *s, imap_response_t *r)
{
    if (!(s->caps & IMAP_CAP_ENABLE)
        || !(s->caps & (IMAP_CAP_CONDSTORE|IMAP_CAP_UTF8)))
    {
        imap_login_done(s, r);
        return;
    }

    imap_send_text(s, imap_login_done, "ENABLE%s%s",
                   s->caps & IMAP_CAP_QRESYNC ? " QRESYNC"
                   : s->caps & IMAP_CAP_CONDSTORE ? " CONDSTORE" : "",
                   s->caps & IMAP_CAP_UTF8 ? " UTF8=ACCEPT" : "");
}


static void
imap_login_done(imap_session_t *s, imap_response_t *r)
{
    /* without ENABLE, SELECT ... (CONDSTORE) enables it */

    if (s->qresync || (s->caps & IMAP_CAP_CONDSTORE
                       && !(s->caps & IMAP_CAP_ENABLE)))
    {
        s->condstore = 1;
    }

    s->cb->logged_in(s->data);

    if (s->phase == IMAP_PHASE_SETUP) {
        imap_phase(s, IMAP_PHASE_LOGGED_IN);
    }
}
