
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the words and the parts of responses of an IMAP server whose choices
 * are bytes of the input.  Called by imap_server.c.
 */


#ifndef _FUZZ_IMAP_H_INCLUDED_
#define _FUZZ_IMAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>

#include "fuzz_session.h"

#include "bridge.h"


/* The client's last command, up to which place it has come, the server. */

typedef struct {
    fuzz_session_t   s;
    fuzz_in_t        in;
    int              updates;           /* without a result */
    json_t          *states;
    bridge_buffer_t  said;              /* by the server, not yet sent */
    bridge_buffer_t  heard;
    size_t           literal;           /* bytes of it still to come */
    char             tag[16];
    char             idle[16];          /* tag of IDLE; empty: it does not */
    int              sasl;              /* a line without a command follows */
} fuzz_t;


static const char  *fuzz_caps[] = {
    "IDLE", "NOTIFY", "QRESYNC", "CONDSTORE", "ENABLE", "LIST-EXTENDED",
    "LIST-STATUS", "SPECIAL-USE", "MOVE", "UIDPLUS", "LITERAL+", "LITERAL-",
    "AUTH=PLAIN", "AUTH=OAUTHBEARER", "SASL-IR", "STARTTLS", "ID", "PREVIEW",
    "UTF8=ACCEPT", "LOGINDISABLED", "AUTH=XOAUTH2", "IMAP4rev2"
};

static const char  *fuzz_boxes[] = {
    "INBOX", "inbox", "Lists", "\"a \\\"b\"", "Entw&APw-rfe", "&APw",
    "{2}\r\nxy", "Trash", "x/y", "NIL", "\"\xc3\xbc\"", "A&-B"
};

static const char  *fuzz_flags[] = {
    "\\Seen", "\\Deleted", "\\Flagged", "\\Answered", "\\Draft", "\\Recent",
    "$Junk", "a", "b", "x]y", "\\*", "{"
};

static const char  *fuzz_numbers[] = {
    "0", "1", "2", "50", "1000", "65536", "2147483647", "2147483648",
    "4294967294", "4294967295", "4294967296", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "-1", "007"
};

static const char  *fuzz_updates[] = {
    "{\"update\":\"store\",\"mailbox\":\"INBOX\",\"uids\":[1,2,3],"
    "\"add\":[\"\\\\Seen\"],\"remove\":[\"a\"]}",
    "{\"update\":\"store\",\"mailbox\":\"Lists\",\"uids\":[2],\"add\":[\"b\"],"
    "\"unchangedSince\":7}",
    "{\"update\":\"move\",\"mailbox\":\"INBOX\",\"uids\":[1],"
    "\"to\":\"Lists\"}",
    "{\"update\":\"copy\",\"mailbox\":\"Lists\",\"uids\":[1,5],"
    "\"to\":\"a \\\"b\"}",
    "{\"update\":\"delete\",\"mailbox\":\"INBOX\",\"uids\":[1,4294967295]}",
    "{\"update\":\"append\",\"mailbox\":\"INBOX\",\"flags\":[\"\\\\Draft\"],"
    "\"message\":\"Subject: \u00fc\\n\\nx\"}",
    "{\"update\":\"mailbox\",\"mailbox\":\"new\",\"action\":\"create\"}",
    "{\"update\":\"mailbox\",\"mailbox\":\"Lists\",\"action\":\"rename\","
    "\"to\":\"L2\"}",
    "{\"update\":\"mailbox\",\"mailbox\":\"Lists\",\"action\":\"delete\"}",
    "{\"update\":\"fetch\",\"mailbox\":\"INBOX\",\"uids\":[1,2],"
    "\"items\":[\"all\",\"text\",\"envelope\",\"headers\"],\"part\":\"1.2\"}",
    "{\"update\":\"search\",\"mailbox\":\"INBOX\",\"query\":{"
    "\"text\":\"\u00fc\",\"seen\":true}}",
    "{\"update\":\"search\",\"mailbox\":\"Lists\",\"query\":{}}"
};


static void
fuzz_say(fuzz_t *f, const char *format, ...)
{
    char     *text;
    va_list   args;

    va_start(args, format);
    text = bridge_vformat(format, args);
    va_end(args);

    bridge_buffer_text(&f->said, text);
    g_free(text);
}


/* A number: small ones by the byte, others from the table. */

static const char *
fuzz_number(fuzz_t *f)
{
    unsigned     n;
    static char  text[8][16];
    static int   i;

    n = fuzz_byte(&f->in);

    if (n >= 0xe0) {
        return fuzz_numbers[n % fuzz_n(fuzz_numbers)];
    }

    i = (i + 1) % 8;
    snprintf(text[i], sizeof(text[i]), "%u", n % 32);

    return text[i];
}


static const char *
fuzz_box(fuzz_t *f)
{
    return fuzz_boxes[fuzz_byte(&f->in) % fuzz_n(fuzz_boxes)];
}


static void
fuzz_say_flags(fuzz_t *f)
{
    size_t    i;
    unsigned  bits;

    bits = fuzz_byte(&f->in) | (fuzz_byte(&f->in) << 8);
    fuzz_say(f, "(");

    for (i = 0; i < fuzz_n(fuzz_flags); i++) {
        if (bits >> i & 1) {
            fuzz_say(f, "%s ", fuzz_flags[i]);
        }
    }

    if (f->said.data[f->said.len - 1] == ' ') {
        f->said.len--;
    }

    fuzz_say(f, ")");
}


/* Bytes of the input, as a literal. */

static void
fuzz_literal(fuzz_t *f)
{
    size_t          len;
    const uint8_t  *data;

    len = fuzz_until(&f->in, 0, &data);
    fuzz_say(f, "{%zu}\r\n", len);
    bridge_buffer_add(&f->said, (const char *) data, len);
}


static void
fuzz_addresses(fuzz_t *f, unsigned n)
{
    if (n == 0) {
        fuzz_say(f, "NIL");
        return;
    }

    fuzz_say(f, "(");

    while (n--) {
        fuzz_say(f, "(");
        fuzz_literal(f);
        fuzz_say(f, " NIL \"bob\" \"example.net\")");
    }

    fuzz_say(f, ")");
}


#endif /* _FUZZ_IMAP_H_INCLUDED_ */
