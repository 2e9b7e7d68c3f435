
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names, sequence sets and arguments of IMAP, encoded and decoded. No argument
 * can inject a command.
 */


#include <stdlib.h>

#include "imap_command.h"
#include "imap_known_flags.h"
#include "imap_token.h"
#include "tap.h"


static bridge_buffer_t      b;
static imap_command_t  c;


static void
test_utf7(void)
{
    size_t  i;

    static const char *names[][2] = {
        { "INBOX", "INBOX" }, { "a&b", "a&-b" }, { "\xc3\xbc", "&APw-" },
        { "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
        { "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac",
          "~peter/mail/&U,BTFw-/&ZeVnLA-" },
        { "\xf0\x9f\x93\xac!", "&2D3c7A-!" }, { "&&", "&-&-" }
    };

    static const char *bad[] = {
        "&", "&AP", "&APw", "&AGE", "&2D0-", "&3AA-", "&APx-", "\xc3\xbc",
        "a\x01", "&!-", "&AAA-", "&A-"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        b.len = 0;
        imap_utf7_encode(&b, names[i][0], strlen(names[i][0]));
        tap_is_mem(b.data, b.len, names[i][1], names[i][1]);

        b.len = 0;
        imap_utf7_decode(&b, names[i][1], strlen(names[i][1]));
        tap_is_mem(b.data, b.len, names[i][0], "    and back");
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        b.len = 0;
        tap_ok(imap_utf7_decode(&b, bad[i], strlen(bad[i])) == -1
               && b.len == 0, "invalid modified UTF-7 is refused");
    }

    b.len = 0;
    tap_ok(imap_utf7_encode(&b, "\xc0\xaf", 2) == -1, "no UTF-8: overlong");
    tap_ok(imap_utf7_encode(&b, "\xed\xa0\x80", 3) == -1,
           "UTF-8 with a surrogate is refused");
    tap_ok(imap_utf7_encode(&b, "\xf4\x90\x80\x80", 4) == -1,
           "UTF-8 above U+10FFFF is refused");
}


static void
set_is(const char *text, const char *expected)
{
    imap_sequence_set_t  set;

    b.len = 0;

    if (imap_sequence_set_parse(&set, text, strlen(text)) == 0) {
        imap_sequence_set_format(&set, &b);
        imap_sequence_set_free(&set);
    }

    tap_is_mem(b.len ? b.data : NULL, b.len, expected, text);
}


static void
test_sets(void)
{
    int         i, ok;
    imap_sequence_set_t  set;

    set_is("1", "1");
    set_is("1:3,4,7:5", "1:7");
    set_is("9,1,5,4,2:3", "1:5,9");
    set_is("5:*,1", "1,5:*");
    set_is("1:9,3:4", "1:9");
    set_is("20:30,1:40,35,41", "1:41");
    set_is("4294967295,1:4294967294", "1:*");
    set_is("", NULL);
    set_is("0", NULL);
    set_is("1,", NULL);
    set_is("1:", NULL);
    set_is("a", NULL);
    set_is("1 ", NULL);
    set_is("4294967296", NULL);

    memset(&set, 0, sizeof(set));
    ok = 1;

    for (i = 0; i < 1000; i++) {
        imap_sequence_set_add(&set, 1 + i * 7919 % 1000, 1 + i * 7919 % 1000);
        ok = ok && imap_sequence_set_has(&set, 1 + i * 7919 % 1000)
             && imap_sequence_set_count(&set) == (uint64_t) i + 1;
    }

    tap_ok(ok && set.n == 1, "numbers added in any order: a single range");
    imap_sequence_set_free(&set);
    imap_sequence_set_add(&set, UINT32_MAX - 1, UINT32_MAX - 1);
    imap_sequence_set_add(&set, 3, 3);
    imap_sequence_set_add(&set, UINT32_MAX, UINT32_MAX);
    tap_ok(set.n == 2 && imap_sequence_set_count(&set) == 3,
           "the largest numbers are kept");
    imap_sequence_set_free(&set);
}


/* Compares known flags with a plain array. */

static void
test_known(void)
{
    int              i, ok;
    json_t          *json;
    uint32_t         uid, n;
    uint64_t         flags, plain[200];
    imap_sequence_set_t       set, gone;
    imap_known_flags_t     k, again;
    imap_keywords_t  words;

    memset(&k, 0, sizeof(k));
    memset(&again, 0, sizeof(again));
    memset(&words, 0, sizeof(words));
    memset(&gone, 0, sizeof(gone));
    memset(plain, 0xff, sizeof(plain));

    srand(1);
    ok = 1;

    for (i = 0; i < 20000 && ok; i++) {
        uid = 1 + rand() % 199;

        if (rand() % 3) {
            plain[uid] = rand() % 4;
            imap_known_flags_put(&k, uid, plain[uid]);

        } else {
            memset(&set, 0, sizeof(set));
            n = uid + rand() % 3;
            imap_sequence_set_add(&set, uid, n);
            imap_known_flags_remove(&k, &set, &gone);
            imap_sequence_set_free(&set);
            imap_sequence_set_free(&gone);

            for ( /* void */ ; uid <= n && uid < 200; uid++) {
                plain[uid] = UINT64_MAX;
            }
        }

        for (uid = 1, n = 0; uid < 200; uid++) {

            if (imap_known_flags_get(&k, uid, &flags)) {
                ok = ok && flags == plain[uid]
                     && imap_known_flags_nth(&k, n) == uid;
                n++;

            } else {
                ok = ok && plain[uid] == UINT64_MAX;
            }
        }

        ok = ok && k.count == n && imap_known_flags_nth(&k, n) == 0;
    }

    tap_ok(ok, "known flags equal the plain array");

    imap_known_flags_put(&k, 150, imap_flags_bit(&words, "$Work", 5)
                            | IMAP_FLAG_SEEN);
    json = imap_known_flags_json(&k, &words);
    tap_ok(imap_known_flags_load(&again, &words, json, 0) == 0
           && again.count == k.count, "known flags are saved and loaded");

    for (uid = 1, ok = 1; uid < 200; uid++) {
        ok = ok && imap_known_flags_get(&k, uid, &flags)
             == imap_known_flags_get(&again, uid, &plain[0])
             && (!imap_known_flags_get(&k, uid, &flags) || flags == plain[0]);
    }

    tap_ok(ok, "    the loaded flags are the same");
    json_decref(json);
    imap_known_flags_free(&k);
    imap_known_flags_free(&again);
    imap_flags_free(&words);
}


static void
test_known_bounds(void)
{
    uint32_t      uid;
    uint64_t      flags;
    imap_known_flags_t  k;

    memset(&k, 0, sizeof(k));

    for (uid = 1; uid <= 10000; uid++) {
        imap_known_flags_put(&k, uid * 2, 0);
    }

    tap_ok(k.runs.n <= IMAP_MAX_RUNS && k.count == k.runs.n
           && imap_known_flags_get(&k, 20000, &flags)
           && k.from == k.runs.ranges[0].first,
           "only a limited number of runs is kept");

    imap_known_flags_free(&k);
}


static void
command(imap_literal_t literal, const char *data, size_t len)
{
    imap_command_free(&c);
    imap_command_init(&c, literal, 0);
    imap_command_string(&c, data, len);
}


static void
test_arguments(void)
{
    json_t  *flags;

    command(IMAP_LITERAL_SYNC, "a\" LOGOUT \\", 11);
    tap_is_mem(c.buf.data, c.buf.len, "\"a\\\" LOGOUT \\\\\"", "quoted");
    command(IMAP_LITERAL_SYNC, "", 0);
    tap_is_mem(c.buf.data, c.buf.len, "\"\"", "empty");
    command(IMAP_LITERAL_SYNC, "\xc3\xbc", 2);
    tap_is_mem(c.buf.data, c.buf.len, "{2}\r\n\xc3\xbc", "literal");
    tap_ok(c.nstops == 1 && c.stops[0] == 5, "    needs a continuation");
    command(IMAP_LITERAL_PLUS, "\xc3\xbc", 2);
    tap_is_mem(c.buf.data, c.buf.len, "{2+}\r\n\xc3\xbc", "LITERAL+");
    tap_ok(c.nstops == 0, "    needs no continuation");

    command(IMAP_LITERAL_SYNC, "a\r\nb", 4);
    tap_ok(c.error != NULL, "CRLF is refused");
    command(IMAP_LITERAL_SYNC, "a\nb", 3);
    tap_ok(c.error != NULL, "LF is refused");
    command(IMAP_LITERAL_SYNC, "a\0b", 3);
    tap_ok(c.error != NULL, "NUL is refused");

    imap_command_free(&c);
    imap_command_init(&c, IMAP_LITERAL_PLUS, 0);
    imap_command_message(&c, "a\nb\r\nc\rd", 8);
    tap_is_mem(c.buf.data, c.buf.len, "{10+}\r\na\r\nb\r\nc\r\nd",
               "a message gets CRLF at the end of lines");
    imap_command_message(&c, "a\0", 2);
    tap_ok(c.error != NULL, "a message with NUL is refused");

    imap_command_free(&c);
    imap_command_init(&c, IMAP_LITERAL_SYNC, 0);
    imap_command_mailbox(&c, "Entw\xc3\xbcrfe");
    tap_is_mem(c.buf.data, c.buf.len, "\"Entw&APw-rfe\"", "mailbox");
    imap_command_mailbox(&c, "a\nb");
    tap_ok(c.error != NULL, "a mailbox with LF is refused");

    imap_command_free(&c);
    imap_command_init(&c, IMAP_LITERAL_SYNC, 0);
    flags = json_pack("[s, s]", "\\Seen", "$Work");
    imap_command_flags(&c, flags);
    tap_is_mem(c.buf.data, c.buf.len, "(\\Seen $Work)", "flags");
    json_array_append_new(flags, json_string("a) b ("));
    imap_command_flags(&c, flags);
    tap_ok(c.error != NULL, "a flag with a parenthesis is refused");
    json_decref(flags);
    imap_command_free(&c);
}


int
main(void)
{
    test_utf7();
    test_sets();
    test_known();
    test_known_bounds();
    test_arguments();

    bridge_buffer_free(&b);

    return tap_done();
}
