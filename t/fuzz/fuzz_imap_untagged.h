
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the untagged responses that such a server may send at any time.  Called
 * by imap_server.c.
 */


#ifndef _FUZZ_IMAP_UNTAGGED_H_INCLUDED_
#define _FUZZ_IMAP_UNTAGGED_H_INCLUDED_


#include "fuzz_imap.h"


static void
fuzz_envelope(fuzz_t *f)
{
    unsigned  n = fuzz_byte(&f->in);

    fuzz_say(f, " ENVELOPE (\"Tue, 24 Nov 2026 12:00:00 +0100\" ");
    fuzz_literal(f);
    fuzz_say(f, " ");
    fuzz_addresses(f, n % 4);
    fuzz_say(f, " NIL NIL ");
    fuzz_addresses(f, n / 4 % 4);
    fuzz_say(f, " NIL NIL NIL \"<1@example.net>\")");
}


/* A message with its UID and some of what FETCH may return. */

static void
fuzz_fetch(fuzz_t *f)
{
    unsigned  has;

    has = fuzz_byte(&f->in);

    fuzz_say(f, "* %s FETCH (", fuzz_number(f));
    fuzz_say(f, has & 0x80 ? "X-A (b \"c\")" : "UID %s", fuzz_number(f));

    if (!(has & 0x01)) {
        fuzz_say(f, " FLAGS ");
        fuzz_say_flags(f);
    }

    if (has & 0x02) {
        fuzz_say(f, " INTERNALDATE \"24-Nov-20%02u 12:00:00 +0100\"",
                 fuzz_byte(&f->in) % 40);
    }

    if (has & 0x04) {
        fuzz_say(f, " RFC822.SIZE %s", fuzz_number(f));
        fuzz_envelope(f);
    }

    if (has & 0x08) {
        fuzz_say(f, " BODY[HEADER.FIELDS (CONTENT-TYPE)] ");
        fuzz_literal(f);
        fuzz_say(f, " BODY[TEXT]<0> ");
        fuzz_literal(f);
    }

    if (has & 0x10) {
        fuzz_say(f, " MODSEQ (%s)", fuzz_number(f));
    }

    if (has & 0x20) {
        fuzz_say(f, " PREVIEW ");
        fuzz_literal(f);
    }

    if (has & 0x40) {
        fuzz_say(f, " RFC822.SIZE 5 BODY[] {2}\r\nxy BODY[HEADER] \"a: b\""
                 " BODY[1.2] NIL");
    }

    fuzz_say(f, ")\r\n");
}


static void
fuzz_status(fuzz_t *f)
{
    fuzz_say(f, "* STATUS %s (MESSAGES %s UIDNEXT %s UIDVALIDITY %s UNSEEN %s",
             fuzz_box(f), fuzz_number(f), fuzz_number(f), fuzz_number(f),
             fuzz_number(f));
    fuzz_say(f, " HIGHESTMODSEQ %s)\r\n", fuzz_number(f));
}


/* What a server may tell at any time. */

static void
fuzz_tell(fuzz_t *f)
{
    static const char  *texts[] = {
        "* OK [NOTIFICATIONOVERFLOW] x\r\n", "* OK [ALERT] x\r\n",
        "* NO error\r\n", "* BYE [LIMIT] x\r\n", "* OK [NOMODSEQ] x\r\n",
        "* FLAGS (\\Seen)\r\n", "* ESEARCH x\r\n", "* OK [CLOSED] x\r\n"
    };

    switch (fuzz_byte(&f->in) % 10) {

    case 0:
        fuzz_say(f, "* %s EXISTS\r\n", fuzz_number(f));
        break;

    case 1:
        fuzz_say(f, "* %s EXPUNGE\r\n", fuzz_number(f));
        break;

    case 2:
        fuzz_say(f, "* VANISHED %s%s:%s,%s\r\n",
                 fuzz_byte(&f->in) & 1 ? "(EARLIER) " : "", fuzz_number(f),
                 fuzz_number(f), fuzz_number(f));
        break;

    case 3:
    case 4:
    case 5:
        fuzz_fetch(f);
        break;

    case 6:
        fuzz_status(f);
        break;

    case 7:
        fuzz_say(f, "* LIST (\\Subscribed) \"/\" %s\r\n", fuzz_box(f));
        break;

    case 8:
        fuzz_say(f, "* OK [%s %s] x\r\n", fuzz_byte(&f->in) & 1
                 ? "UIDVALIDITY" : "HIGHESTMODSEQ", fuzz_number(f));
        break;

    default:
        fuzz_say(f, "%s", texts[fuzz_byte(&f->in) % fuzz_n(texts)]);
    }
}


static void
fuzz_some(fuzz_t *f, void (*tell)(fuzz_t *f))
{
    unsigned  n;

    for (n = fuzz_byte(&f->in) % 8; n; n--) {
        tell(f);
    }
}


#endif /* _FUZZ_IMAP_UNTAGGED_H_INCLUDED_ */
