
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The kinds of IMAP servers, and what an odd one says before a right answer.
 * Included by imap_wrong.h.
 */


#ifndef _IMAP_WRONG_BEFORE_H_INCLUDED_
#define _IMAP_WRONG_BEFORE_H_INCLUDED_


typedef struct {
    const char     *name;
    const char     *caps;
    uint32_t        starttls;
    uint32_t        bearer;
} kind_t;

static const kind_t     kinds[] = {
    { "QRESYNC, NOTIFY", "AUTH=PLAIN ID ENABLE IDLE NOTIFY QRESYNC "
      "LIST-EXTENDED LIST-STATUS SPECIAL-USE MOVE UIDPLUS PREVIEW LITERAL+ "
      "UTF8=ACCEPT", 0, 0 },
    { "CONDSTORE", "SASL-IR AUTH=XOAUTH2 IDLE CONDSTORE LIST-EXTENDED UIDPLUS",
      0, 1 },
    { "nothing", "STARTTLS", 1, 0 }
};


#define KINDS  (sizeof(kinds) / sizeof(kinds[0]))

/* What is before a right answer, each second time the other one. */

static const char  *wrong_before[WRONG_KINDS][2] = {
    [WRONG_BYTES] = { "\xff\xfe\x80 \xc3\r\n\n* \xe4\xf6\xfc\r\nOK\r\n",
                      "* 1 FETCH (FLAGS (\xff \x01))\r\n* BYEBYE\r\n\r\n" },
    [WRONG_FLAGS] = { "* 1 FETCH (FLAGS ())\r\n",
                      "* 1 FETCH (FLAGS (\\Seen) X (1))\r\n" },
    [WRONG_EXPUNGE] = { "* 0 EXPUNGE\r\n* 99 EXPUNGE\r\n",
                        "* 4294967295 EXPUNGE\r\n* x EXPUNGE\r\n" },
    [WRONG_VANISHED] = { "* VANISHED\r\n* VANISHED 0\r\n* VANISHED 7:*\r\n",
                         "* VANISHED (EARLIER) x\r\n* VANISHED 900:999\r\n" },
    [WRONG_CAPS] = { "* CAPABILITY IMAP4rev1 LIST-EXTENDED PREVIEW\r\n",
                     "* CAPABILITY\r\n" },
    [WRONG_LITERALS] = { "* X", "* 1 FETCH (X" },
    [WRONG_LONG] = { "* X ", "* VANISHED (EARLIER) 900000" }
};


static inline void
wrong_add_before(bridge_buffer_t *b, wrong_t wrong, unsigned n)
{
    size_t  i;

    bridge_buffer_text(b, wrong_before[wrong][n % 2]);

    for (i = 0; wrong == WRONG_LITERALS && i < 1100; i++) {
        bridge_buffer_text(b, " {1}\r\n*");
    }

    /* once is enough */

    for (i = 0; wrong == WRONG_LONG && n < 2 && i < 1024 * 64; i++) {
        bridge_buffer_text(b, ",900:1000,2222222");
    }

    bridge_buffer_text(b, wrong >= WRONG_LITERALS ? "\r\n" : "");
}


#endif /* _IMAP_WRONG_BEFORE_H_INCLUDED_ */
