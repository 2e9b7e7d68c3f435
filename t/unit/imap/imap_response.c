
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Responses of IMAP servers: they are split in any way, parsed, and refused
 * with a reason if they are invalid or over a limit.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap_response.h"
#include "tap.h"


static imap_response_t  r;
static imap_reader_t    reader;
static const char      *error;


/* Feeds "step" bytes at a time. Returns the number of responses, or -1 after
   an error. The last response is in "r". */

static int
feed(const char *text, size_t len, size_t step)
{
    int          rc, n;
    size_t       part;
    bridge_str_t   bytes;

    imap_reader_free(&reader);
    imap_reader_init(&reader, 4096);

    for (n = 0; len; text += part, len -= part) {
        part = step < len ? step : len;
        imap_reader_feed(&reader, text, part);

        while ((rc = imap_reader_next(&reader, &bytes)) == 1) {

            if (imap_response_parse(&r, &bytes, &error) == -1) {
                return -1;
            }

            n++;
        }

        if (rc == -1) {
            error = reader.error;
            return -1;
        }
    }

    return n;
}


static int
parse(const char *text)
{
    error = NULL;

    return feed(text, strlen(text), strlen(text));
}


static void
test_conditions(void)
{
    tap_is_int(parse("* OK [HIGHESTMODSEQ 715194045007] fine\r\n"), 1,
               "untagged OK");
    tap_ok(r.kind == IMAP_CONDITION && r.condition == IMAP_COND_OK, "    is");
    tap_is_mem(r.code.data, r.code.len, "HIGHESTMODSEQ", "    code");
    tap_ok(r.code_number == 715194045007, "    its number");
    tap_is_mem(r.text.data, r.text.len, "fine", "    text");

    tap_is_int(parse("a1 NO [BADCHARSET (\"a]b\" c)] what {5}\r\n"), 1,
               "a literal's size at the end of free text is text");
    tap_ok(r.kind == IMAP_TAGGED && r.condition == IMAP_COND_NO, "    NO");
    tap_is_mem(r.tag.data, r.tag.len, "a1", "    tag");
    tap_is_mem(r.text.data, r.text.len, "what {5}", "    text");

    tap_is_int(parse("* NO lost {9}\r\n* 1 EXISTS\r\n"), 2,
               "    of an untagged one, too");
    tap_ok(r.kind == IMAP_EXISTS && r.number == 1, "    what follows is");

    tap_is_int(parse("+ idling\r\n"), 1, "continuation");
    tap_ok(r.kind == IMAP_CONTINUE, "    is");
    tap_ok(parse("+\r\n") == 1 && r.kind == IMAP_CONTINUE, "    empty");
    tap_ok(parse("* BYE\r\n") == 1 && r.condition == IMAP_COND_BYE,
           "BYE without a text");
    tap_ok(parse("* FLAGS (\\Seen)\n") == 1 && r.kind == IMAP_OTHER,
           "unknown responses and a bare LF are accepted");
    tap_ok(parse("* CAPABILITY IMAP4rev1 IDLE\r\n") == 1
           && r.kind == IMAP_CAPABILITY, "CAPABILITY");
    tap_is_mem(r.text.data, r.text.len, "IMAP4rev1 IDLE", "    list");
    tap_ok(parse("* VANISHED (EARLIER) 41,43:116\r\n") == 1
           && r.kind == IMAP_VANISHED && r.earlier, "VANISHED (EARLIER)");
    tap_is_mem(r.text.data, r.text.len, "41,43:116", "    set");
    tap_ok(parse("* VANISHED 5\r\n") == 1 && !r.earlier, "VANISHED");
    tap_ok(parse("* 18 EXISTS\r\n") == 1 && r.kind == IMAP_EXISTS
           && r.number == 18, "EXISTS");
}


static void
test_fetch(void)
{
    size_t             step;
    imap_response_fetch_t      *f = &r.u.fetch;
    const bridge_str_t  *s;

    static const char  text[] =
        "* 12 FETCH (UID 9 FLAGS (\\Seen $Work) MODSEQ (17) "
        "INTERNALDATE \"24-Nov-2026 12:00:00 +0100\" RFC822.SIZE 4286 "
        "BODYSTRUCTURE ((\"text\" \"plain\" NIL) \"mixed\" {3}\r\na)b NIL) "
        "ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700\" \"a \\\"b\\\" \\\\\" "
        "((\"Bob\" NIL \"bob\" \"example.net\")) NIL NIL "
        "((NIL NIL \"g\" NIL)(NIL NIL {5}\r\nalice \"example.org\")"
        "(NIL NIL NIL NIL)) NIL NIL NIL \"<id@x>\") "
        "BODY[HEADER.FIELDS (CONTENT-TYPE X)] {6}\r\n\r\n\r\n\r\n "
        "BODY[TEXT]<0> ~{3}\r\nab\0 X-NEW (1 (2 \"3)\")))\r\n"
        "* 1 EXPUNGE\r\n";

    for (step = 1; step < sizeof(text); step += step < 8 ? 1 : 13) {

        if (feed(text, sizeof(text) - 1, step) != 2
            || r.kind != IMAP_EXPUNGE)
        {
            break;
        }
    }

    tap_ok(step >= sizeof(text), "FETCH in pieces of any size");

    tap_is_int(feed(text, sizeof(text) - 14, 1000), 1, "FETCH");
    tap_ok(r.kind == IMAP_RESPONSE_FETCH && r.number == 12, "    is");
    tap_is_int(f->uid, 9, "    UID");
    tap_is_int(f->modseq, 17, "    MODSEQ");
    tap_is_int(f->size, 4286, "    size");
    tap_is_int(f->nflags, 2, "    flags");
    tap_is_mem(f->flags[1].data, f->flags[1].len, "$Work", "    keyword");
    tap_is_mem(f->envelope.subject.data, f->envelope.subject.len,
               "a \"b\" \\", "    subject, unquoted");
    tap_is_int(f->envelope.to.n, 3, "    address, and ends of its group");
    tap_is_mem(f->envelope.to.list[1].mailbox.data,
               f->envelope.to.list[1].mailbox.len, "alice",
               "    literal in an envelope");
    tap_is_int(f->envelope.cc.n, 0, "    no address in Cc");
    s = imap_response_fetch_section(f, "TEXT");
    tap_ok(s && s->len == 3 && memcmp(s->data, "ab", 3) == 0,
           "    literal8 with a zero byte");
    s = imap_response_fetch_section(f, "HEADER.FIELDS");
    tap_ok(s && s->len == 6, "    section with a list in its name");
}


static void
test_mailboxes(void)
{
    tap_ok(parse("* LIST (\\HasNoChildren \\Sent \\Subscribed) \"/\" \"S t\" "
                 "(\"OLDNAME\" (\"old\"))\r\n") == 1 && r.kind == IMAP_LIST,
           "LIST");
    tap_is_mem(r.u.list.name.data, r.u.list.name.len, "S t", "    name");
    tap_is_int(r.u.list.attributes, IMAP_BOX_SPECIAL_USE|IMAP_BOX_SUBSCRIBED,
               "    attributes");
    tap_ok(parse("* LIST () NIL {5}\r\na\"b c ((\"CHILDINFO\" (\"X\")) "
                 "(OLDNAME (b)))\r\n") == 1, "LIST without a delimiter");
    tap_is_mem(r.u.list.name.data, r.u.list.name.len, "a\"b c",
               "    name in a literal");

    tap_ok(parse("* STATUS INBOX (MESSAGES 231 UIDNEXT 44292 X (1) "
                 "HIGHESTMODSEQ 7011231777)\r\n") == 1
           && r.kind == IMAP_STATUS, "STATUS");
    tap_ok(r.u.status.messages == 231 && r.u.status.uidnext == 44292
           && r.u.status.modseq == 7011231777, "    numbers");
    tap_is_int(r.has, IMAP_HAS_MESSAGES|IMAP_HAS_UIDNEXT|IMAP_HAS_MODSEQ,
               "    the counts");
}


static void
test_refused(void)
{
    size_t       i;
    char        *long_line;

    static const char *bad[] = {
        "hello\r\n", "* 0 EXPUNGE\r\n", "* 4294967296 EXISTS\r\n",
        "* LIST (\\a \"/\" b\r\n", "* LIST () \"/\" \"a\r\n",
        "* LIST () \"/\" \r\n", "* STATUS a (MESSAGES 1\r\n", "a1 BYE\r\n",
        "a1 PREAUTH x\r\n", "a1 \r\n", "*\r\n", "\r\n",
        "* X {99999999999999999999}\r\n", "* VANISHED\r\n",
        "a1 OK [CODE\r\n"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {

        if (!tap_ok(parse(bad[i]) == -1 && error, bad[i])) {
            printf("# kind %d\n", r.kind);
        }
    }

    tap_is_int(feed("* OK \0\r\n", 8, 8), -1, "a zero byte: refused");

    long_line = malloc(IMAP_MAX_LONG_LINE + 1);
    memset(long_line, '(', IMAP_MAX_LONG_LINE + 1);
    tap_is_int(feed(long_line, IMAP_MAX_LONG_LINE + 1, 16384), -1,
               "a line without an end: refused");
    tap_is_str(error, "line too long", "    with the reason");
    memcpy(long_line, "* 1 FETCH (X ", 13);
    long_line[300] = '\n';
    tap_is_int(feed(long_line, 301, 301), 1, "nesting over the limit: damage");
    tap_is_str(r.damage, "nested too deep", "    with the reason");

    memcpy(long_line, "* 1 FETCH (FLAGS (", 18);
    memset(long_line + 18, ' ', IMAP_MAX_LINE - 18);

    for (i = 0; i < 2 * IMAP_MAX_FLAGS + 2; i += 2) {
        long_line[18 + i] = 'a';
    }

    memcpy(long_line + 18 + i, "))\n", 3);
    tap_is_int(feed(long_line, 18 + i + 3, 5000), 1, "flags over the limit");
    tap_is_int(r.u.fetch.nflags, IMAP_MAX_FLAGS, "    are left out");

    free(long_line);
}


/* Items before the damage are there, and the UID behind it. */

static void
test_damage(void)
{
    size_t  i;

    static const struct {
        const char  *text;
        uint32_t     has;
        uint32_t     uid;
    } cases[] = {
        { "* 1 FETCH (UID 0 FLAGS ())\r\n", 0, 0 },
        { "* 1 FETCH (UID 1 FLAGS (\\Seen)\r\n",
          IMAP_HAS_UID|IMAP_HAS_FLAGS, 1 },
        { "* 1 FETCH (FLAGS \"a\" UID 7)\r\n", IMAP_HAS_UID, 7 },
        { "* 1 FETCH (UID 2 MODSEQ (18446744073709551616))\r\n",
          IMAP_HAS_UID, 2 },
        { "* 1 FETCH (BODY[TEXT \"a\" UID 3)\r\n", IMAP_HAS_UID, 3 },
        { "* 1 FETCH (FLAGS () ENVELOPE (\"a \"b\" c\" x) UID 4)\r\n",
          IMAP_HAS_FLAGS|IMAP_HAS_UID, 4 },
        { "* 1 FETCH (ENVELOPE ( ( UID 5 ) UID 6)\r\n", 0, 0 },
        { "* 1 FETCH (ENVELOPE [ {6}\r\nUID 5  UID 6)\r\n",
          IMAP_HAS_UID, 6 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_ok(parse(cases[i].text) == 1 && r.damage
               && r.kind == IMAP_RESPONSE_FETCH, cases[i].text);
        tap_is_int(r.has, cases[i].has, "    what it has");

        if (cases[i].uid) {
            tap_is_int(r.u.fetch.uid, cases[i].uid, "    its UID");
        }
    }
}


static void
test_odd(void)
{
    size_t  i, n;

    static const char  *envelopes[] = {
        "NIL", "()", "(NIL \"s\")",
        "(NIL  \"s\" NIL NIL NIL NIL NIL NIL NIL)",
        "(NIL \"s\" \"\" () NIL NIL NIL NIL NIL \"<i>\")",
        "(NIL \"s\" ((\"n\" NIL \"m\" \"h\" \"five\")) NIL NIL NIL NIL NIL NIL"
        " NIL )"
    };

    for (i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++) {
        char  text[200];

        n = snprintf(text, sizeof(text), "* 1 FETCH (UID 1  ENVELOPE %s)\r\n",
                     envelopes[i]);
        tap_ok(feed(text, n, n) == 1 && r.damage == NULL
               && r.has & IMAP_HAS_ENVELOPE, envelopes[i]);
    }

    tap_is_int(r.u.fetch.envelope.from.n, 1, "    five members: an address");

    tap_ok(parse("* 1 FETCH (FLAGS (  [Foo \"\\Seen\"  a(b ))\r\n") == 1
           && r.damage == NULL, "odd flags");
    tap_is_int(r.u.fetch.nflags, 3, "    three");
    tap_is_mem(r.u.fetch.flags[0].data, r.u.fetch.flags[0].len, "[Foo",
               "    with a bracket");

    tap_ok(parse("* LIST () \"\\\" My Box \r\n") == 1, "an odd LIST");
    tap_is_mem(r.u.list.name.data, r.u.list.name.len, "My Box", "    name");
    tap_ok(parse("* STATUS My Box (UIDNEXT NIL MESSAGES -1 UNSEEN 7 "
                 "UIDVALIDITY 4294967296)\r\n") == 1, "an odd STATUS");
    tap_is_mem(r.u.status.name.data, r.u.status.name.len, "My Box",
               "    its name");
    tap_is_int(r.has, IMAP_HAS_UNSEEN, "    only numbers are there");
    tap_ok(parse("* 2  EXISTS\r\n") == 1 && r.kind == IMAP_EXISTS,
           "two spaces");
    tap_ok(parse("p1 + idling\r\n") == 1 && r.kind == IMAP_CONTINUE,
           "\"+\" with a tag");
}


/* A line that is too long is shortened, and costs no other one. */

static void
test_long(size_t len, const char *end, size_t step, const char *name)
{
    int     ok;
    char   *text;
    size_t  n;

    text = malloc(len + 200);
    n = sprintf(text, "* VANISHED (EARLIER) ");
    memset(text + n, '1', len);
    n += len;
    n += sprintf(text + n, "%s", end);
    n += sprintf(text + n, "* 7 EXISTS\r\n* 8 EXISTS\r\n");

    ok = feed(text, n, step) == 3 && r.kind == IMAP_EXISTS && r.number == 8;
    tap_ok(ok && reader.buf.size <= 4 * IMAP_MAX_LINE, name);

    free(text);
}


static void
test_lines(void)
{
    char      text[64], *many;
    size_t    n, i, step;

    for (step = 1000; step < 4 * IMAP_MAX_LINE; step = step * 7 + 1) {
        test_long(IMAP_MAX_LINE - 30, "\r\n", step, "a long line");
        test_long(IMAP_MAX_LINE + 5000, "\r\n", step, "a longer one");
        test_long(3 * IMAP_MAX_LINE, "\r\n", step, "a far too long one");
        test_long(3 * IMAP_MAX_LINE, " {9}\r\n\r\n* 5 BYE 1 {7+}\r\n\r\n\r\n"
                  "\r\nx\r\n", step, "    that ends with literals");
    }

    many = malloc(200000);
    n = sprintf(many, "* 1 FETCH (UID 5 ENVELOPE (NIL NIL (");

    for (i = 0; i < 3000; i++) {
        n += sprintf(many + n, "({1}\r\n\xe4 NIL {1}\r\na {1}\r\nb)");
    }

    n += sprintf(many + n, ") NIL NIL NIL NIL NIL NIL NIL) FLAGS (a))\r\n");
    tap_is_int(feed(many, n, 1000), 1, "too many literals: the rest is empty");
    tap_ok(r.damage == NULL && r.u.fetch.uid == 5 && r.u.fetch.nflags == 1,
           "    what is beside them is there");
    free(many);

    n = sprintf(text, "* 3 EXISTS\r\n");
    tap_ok(feed(text, n, 3) == 1 && !reader.cut && !reader.shortened,
           "    the next response is whole");
}


/* The reader of the tests takes 4,096 bytes of literals. */

static void
test_cut(void)
{
    size_t        i, n;
    char          text[6000];
    bridge_str_t  response;

    n = sprintf(text, "* 1 FETCH (UID 1 BODY[] {5000}\r\n");
    memset(text + n, '\n', 5000);
    n += 5000;
    n += sprintf(text + n, " FLAGS (a))\r\n* 2 EXISTS\r\n");

    for (i = 1; i <= n; i += 977) {
        tap_is_int(feed(text, n, i), 2, "a literal over the limit: skipped");
        tap_ok(r.kind == IMAP_EXISTS && r.number == 2,
               "    the next response is read");
    }

    imap_reader_feed(&reader, text, n);
    tap_is_int(imap_reader_next(&reader, &response), 1, "its response");
    tap_ok(reader.cut && imap_response_parse(&r, &response, &error) == 0,
           "    it is cut");
    tap_ok(r.has == (IMAP_HAS_UID|IMAP_HAS_FLAGS) && r.u.fetch.nsections == 1
           && r.u.fetch.sections[0].data.len == 0,
           "    the literal is empty, the rest is there");
}


int
main(void)
{
    test_conditions();
    test_fetch();
    test_mailboxes();
    test_refused();
    test_damage();
    test_odd();
    test_lines();
    test_cut();

    imap_reader_free(&reader);

    return tap_done();
}
