
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The fields of a message in events: headers, addresses, dates and the
 * beginning of the text become plain UTF-8, whatever the message has.
 */


#include <dlfcn.h>
#include <stdlib.h>
#include "mime_header.h"
#include "mime_label.h"
#include "tap.h"


static bridge_buffer_t  b;


static void
header_is(const char *text, const char *expected)
{
    b.len = 0;
    mime_header(&b, text, strlen(text), NULL);
    tap_is_mem(b.data, b.len, expected, text);
}


static void
test_headers(void)
{
    header_is("Lunch?", "Lunch?");
    header_is("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Gr\xc3\xbc\xc3\x9f" "e");
    header_is("=?ISO-8859-1?B?R3L832U=?= an", "Gr\xc3\xbc\xc3\x9f" "e an");
    header_is("=?utf-8?q?a_b?=\r\n =?utf-8?q?c?=", "a bc");
    header_is("=?utf-8?B?4pg=?= =?utf-8?B?gw==?=", "\xe2\x98\x83");
    header_is("=?utf-8*en?q?a?= b =?x-none?q?c?=", "a b c");
    header_is("a =?utf-8?q?b", "a =?utf-8?q?b");
    header_is("=?utf-8?x?a?=", "=?utf-8?x?a?=");
    header_is("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
              "\xe6\x97\xa5\xe6\x9c\xac");

    /* without the padding of base64 */

    header_is("=?utf-8?B?SGVsbG8?= =?utf-8?B?IQ?=", "Hello!");
    header_is("=?utf-8?B?SGVsbG8=?=", "Hello");

    /* cut within the letters of a byte; a raw question mark; no end */

    header_is("=?utf-8?B?0JLRgdGC0Y?= =?utf-8?B?DQtdGH0LA=?=",
              "\xd0\x92\xd1\x81\xd1\x82\xd1\x80\xd0\xb5\xd1\x87\xd0\xb0");
    header_is("=?utf-8?Q?how_are_you?" "?=", "how are you?");
    header_is("=?utf-8?Q?a =?utf-8?Q?b?=", "=?utf-8?Q?a b");

    /* filling that is not seen; an end of a word that is */

    header_is("a\xe2\x80\x8c \xcd\x8f\xe2\x80\x8e\xc2\xad b", "a b");
    header_is("\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae",
              "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae");

    header_is("a\xff" "b\r\n\tc\x01", "a\xef\xbf\xbd" "b c");
    header_is("\xe2\x80\xae" "evil", "evil");
    header_is("=?utf-8?q?=0D=0ABcc:_x?=", "Bcc: x");
}


static void
date_is(const char *text, const char *expected)
{
    b.len = 0;
    mime_date(&b, text, strlen(text));
    tap_is_mem(b.data ? b.data : "", b.len, expected, text);
}


static void
test_dates(void)
{
    date_is("Wed, 17 Jul 1996 02:23:25 -0700", "1996-07-17T02:23:25-07:00");
    date_is("1 Jan 2026 00:00 +0000 (UTC)", "2026-01-01T00:00:00Z");
    date_is("Tue, 3 Feb 26 9:08:07 GMT", "2026-02-03T09:08:07Z");
    date_is("yesterday", "");
    date_is("", "");
    mime_date(&b, NULL, 0);
    mime_header(&b, NULL, 0, NULL);
    tap_is_int(b.len, 0, "NIL");
    date_is("32 Jan 2026 00:00:00 +0000", "");

    tap_is_int(mime_internal_date("17-Jul-1996 02:44:25 -0700", 26),
               837596665, "INTERNALDATE");
    tap_is_int(mime_internal_date(" 1-Jan-1970 01:00:00 +0100", 26), 0,
               "the epoch");
    tap_is_int(mime_internal_date("never", 5), 0, "no INTERNALDATE");
    tap_is_int(mime_internal_date(NULL, 0), 0, "NIL as INTERNALDATE");
}


static void
preview_is(const char *head, const char *text, const char *expected,
    const char *name)
{
    bridge_str_t  h, t;

    h.data = (char *) head;
    h.len = strlen(head);
    t.data = (char *) text;
    t.len = strlen(text);
    b.len = 0;

    mime_preview(&b, &h, &t);
    tap_is_mem(b.data, b.len, expected, name);
}


static void
test_previews(void)
{
    preview_is("\r\n", "Hi,\r\n\r\n  there.\r\n", "Hi, there.", "plain text");
    preview_is("Content-Type: text/plain; charset=\"iso-8859-15\"\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
               "5 =A4 f=FCr =\r\nalle =", "5 \xe2\x82\xac f\xc3\xbcr alle",
               "quoted-printable");
    preview_is("Content-Transfer-Encoding: base64\r\n\r\n",
               "SGVs\r\nbG8h4pg", "Hello!", "base64 that was cut off");
    preview_is("Content-Type: text/plain; charset=utf-8\r\n\r\n",
               "gr\xc3\xbcn\xe2\x82", "gr\xc3\xbcn",
               "a character that was cut off");
    preview_is("Content-Type: text/html\r\n\r\n",
               "<html><head><title>x</title></head><style>a{}</style><p>A "
               "&amp; B&#x21; &euro;<!-- no --><br>C</p> &unknown; <scr",
               "A & B! \xe2\x82\xac C &unknown;", "HTML");
    preview_is("Content-Type: multipart/mixed;\r\n boundary=\"=_b\"\r\n\r\n",
               "ignored\r\n--=_b\r\n"
               "Content-Type: multipart/alternative; boundary=in\r\n\r\n"
               "--in\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: base64\r\n\r\nZ3LDvG4=\r\n"
               "--in\r\nContent-Type: text/html\r\n\r\n<b>no</b>\r\n"
               "--in--\r\n--=_b--\r\n", "gr\xc3\xbcn", "parts within parts");
    preview_is("Content-Type: multipart/mixed; boundary=b\r\n\r\n",
               "--b\r\nContent-Type: text/plain\r\nContent-Disposition: "
               "attachment\r\n\r\nno\r\n--b\r\nContent-Type: image/png\r\n"
               "\r\nno\r\n--b\r\n\r\nyes", "yes", "not an attachment");
    preview_is("Content-Type: image/png\r\n\r\n", "no", "", "no text");
    preview_is("Content-Type: multipart/mixed\r\n\r\n", "no", "",
               "no boundary");
}


/* Texts of updates have no clean-up: an invalid byte would drop all of one. */

static void
charset_is(const char *charset, const char *text, size_t len,
    const char *expected)
{
    b.len = 0;
    mime_charset(&b, charset, strlen(charset), text, len);
    tap_is_mem(b.data, b.len, expected, charset);
}


static void
test_charsets(void)
{
    charset_is("UTF-16BE", "\0a\x20\xac", 4, "a\xe2\x82\xac");
    charset_is("UCS-4", "\0\0\0a\0\x11\0\0\0\0\0b", 12,
               "a" "\xef\xbf\xbd" "b");

    /* the last letter is held back until the end */

    charset_is("windows-1255", "\xf9\xec\xe5\xed", 4,
               "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d");

    /* an invalid character is one, and what follows is read */

    charset_is("gb2312", "\xff\xff\xc4\xe3", 4,
               "\xef\xbf\xbd" "\xe4\xbd\xa0");
    charset_is("euc-kr", "\xff" "a\xb0\xa1", 4,
               "\xef\xbf\xbd" "a\xea\xb0\x80");
    charset_is(" us-ascii ", "caf\xe9", 4, "caf\xc3\xa9");
    charset_is("iso-8859-1//TRANSLIT", "\xe9", 1, "\xef\xbf\xbd");
    charset_is("iso-2022-jp", "\x1b$B-!\n\x1b(I1\x1b$B", 13,
               "\xe2\x91\xa0\n\xef\xbd\xb1");
}


/* All of the encoding standard, but those that it replaces. */

static void
test_labels(void)
{
    size_t       i;
    mime_set_t  *set;

    static const char  *labels[] = {
    "866", "ansi_x3.4-1968", "arabic", "ascii", "asmo-708", "big5",
    "big5-hkscs", "chinese", "cn-big5", "cp1250", "cp1251", "cp1252",
    "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp819",
    "cp866", "csbig5", "cseuckr", "cseucpkdfmtjapanese", "csgb2312",
    "csibm866", "csiso2022jp", "csiso58gb231280", "csiso88596e",
    "csiso88596i", "csiso88598e", "csiso88598i", "csisolatin1",
    "csisolatin2", "csisolatin3", "csisolatin4", "csisolatin5",
    "csisolatin6", "csisolatin9", "csisolatinarabic", "csisolatincyrillic",
    "csisolatingreek", "csisolatinhebrew", "cskoi8r", "csksc56011987",
    "csmacintosh", "csshiftjis", "csunicode", "cyrillic", "dos-874",
    "ecma-114", "ecma-118", "elot_928", "euc-jp", "euc-kr", "gb18030",
    "gb2312", "gb_2312", "gb_2312-80", "gbk", "greek", "greek8", "hebrew",
    "ibm819", "ibm866", "iso-10646-ucs-2", "iso-2022-jp", "iso-8859-1",
    "iso-8859-10", "iso-8859-11", "iso-8859-13", "iso-8859-14",
    "iso-8859-15", "iso-8859-16", "iso-8859-2", "iso-8859-3", "iso-8859-4",
    "iso-8859-5", "iso-8859-6", "iso-8859-6-e", "iso-8859-6-i", "iso-8859-7",
    "iso-8859-8", "iso-8859-8-e", "iso-8859-8-i", "iso-8859-9", "iso-ir-100",
    "iso-ir-101", "iso-ir-109", "iso-ir-110", "iso-ir-126", "iso-ir-127",
    "iso-ir-138", "iso-ir-144", "iso-ir-148", "iso-ir-149", "iso-ir-157",
    "iso-ir-58", "iso8859-1", "iso8859-10", "iso8859-11", "iso8859-13",
    "iso8859-14", "iso8859-15", "iso8859-2", "iso8859-3", "iso8859-4",
    "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9",
    "iso88591", "iso885910", "iso885911", "iso885913", "iso885914",
    "iso885915", "iso88592", "iso88593", "iso88594", "iso88595", "iso88596",
    "iso88597", "iso88598", "iso88599", "iso_8859-1", "iso_8859-15",
    "iso_8859-1:1987", "iso_8859-2", "iso_8859-2:1987", "iso_8859-3",
    "iso_8859-3:1988", "iso_8859-4", "iso_8859-4:1988", "iso_8859-5",
    "iso_8859-5:1988", "iso_8859-6", "iso_8859-6:1987", "iso_8859-7",
    "iso_8859-7:1987", "iso_8859-8", "iso_8859-8:1988", "iso_8859-9",
    "iso_8859-9:1989", "koi", "koi8", "koi8-r", "koi8-ru", "koi8-u",
    "koi8_r", "korean", "ks_c_5601-1987", "ks_c_5601-1989", "ksc5601",
    "ksc_5601", "l1", "l2", "l3", "l4", "l5", "l6", "l9", "latin1", "latin2",
    "latin3", "latin4", "latin5", "latin6", "logical", "mac", "macintosh",
    "ms932", "ms_kanji", "shift-jis", "shift_jis", "sjis", "sun_eu_greek",
    "tis-620", "ucs-2", "unicode", "unicode-1-1-utf-8", "unicode11utf8",
    "unicode20utf8", "unicodefeff", "unicodefffe", "us-ascii", "utf-16",
    "utf-16be", "utf-16le", "utf-8", "utf8", "visual", "windows-1250",
    "windows-1251", "windows-1252", "windows-1253", "windows-1254",
    "windows-1255", "windows-1256", "windows-1257", "windows-1258",
    "windows-31j", "windows-874", "windows-949", "x-cp1250", "x-cp1251",
    "x-cp1252", "x-cp1253", "x-cp1254", "x-cp1255", "x-cp1256", "x-cp1257",
    "x-cp1258", "x-euc-jp", "x-gbk", "x-mac-cyrillic", "x-mac-roman",
    "x-mac-ukrainian", "x-sjis", "x-unicode20utf8", "x-x-big5",
    };

    for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        set = mime_label_find(labels[i], strlen(labels[i]));

        if (set == NULL || mime_label_open(set) == (iconv_t) -1) {
            break;
        }
    }

    tap_is_mem(i < sizeof(labels) / sizeof(labels[0]) ? labels[i] : "",
               i < sizeof(labels) / sizeof(labels[0]) ? strlen(labels[i]) : 0,
               "", "each label of the encoding standard is a set of iconv");
}


/* The work for a message has a limit, whatever it has. */

static int  opened;


iconv_t
iconv_open(const char *to, const char *from)
{
    static iconv_t  (*real)(const char *to, const char *from);

    if (real == NULL) {
        real = (iconv_t (*)(const char *, const char *))
               dlsym(RTLD_NEXT, "iconv_open");
    }

    opened++;

    return real(to, from);
}


static void
test_limits(void)
{
    int   i;
    char  text[8192], *p;

    static const char  *sets[] = {
        "gb2312", "big5", "euc-kr", "iso-2022-jp", "koi8-r"
    };

    mime_init();
    opened = 0;
    p = text;

    for (i = 0; i < 20; i++) {
        p += sprintf(p, "=?%s?q?%0300d?= ", sets[i % 5], 0);
    }

    b.len = 0;
    mime_header(&b, text, p - text, NULL);
    tap_is_int(opened, 0, "20 changes of the character set open none anew");
    tap_ok(b.len > 900 && b.len <= MIME_MAX_MEMBER, "and the text is cut");

    p = stpcpy(text, "--b\r\n");

    for (i = 0; i < 40; i++) {
        p = stpcpy(p, "\r\n--b\r\n");
    }

    strcpy(p, "\r\ntext");
    preview_is("Content-Type: multipart/mixed; boundary=b\r\n\r\n", text, "",
               "40 empty parts: no preview");

    p = stpcpy(text, "--b\r\n");

    for (i = 0; i < 500; i++) {
        p = stpcpy(p, "a:b\r\n");
    }

    strcpy(p, "\r\ntext");
    preview_is("Content-Type: multipart/mixed; boundary=b\r\n\r\n", text, "",
               "500 fields of a part: no preview");

    p = text + sprintf(text, "a<img src=\"%03000d\">b", 0);
    preview_is("Content-Type: text/html\r\n\r\n", text, "ab",
               "a tag of 3 kB is left out");
}


/* Parts within parts, the innermost with the text. */

static void
nested_is(int depth, const char *expected, const char *name)
{
    int   i;
    char  head[80], *p, *text;

    text = malloc(depth * 120 + 100);
    p = text;

    for (i = 1; i < depth; i++) {
        p += sprintf(p, "--b%d\r\nContent-Type: multipart/mixed; "
                     "boundary=b%d\r\n\r\n", i - 1, i);
    }

    sprintf(p, "--b%d\r\n\r\ndeep", depth - 1);
    strcpy(head, "Content-Type: multipart/mixed; boundary=b0\r\n\r\n");

    preview_is(head, text, expected, name);
    free(text);
}


static void
test_nested(void)
{
    nested_is(1, "deep", "a part");
    nested_is(4, "deep", "four parts in each other");
    nested_is(5, "", "five parts in each other: no preview");
    nested_is(1000, "", "a thousand");
}


static void
address(mime_addresses_t *list, const char *name, const char *mailbox,
    const char *host)
{
    mime_address_t  *a = &list->list[list->n++];

    a->name.data = (char *) name;
    a->name.len = name ? strlen(name) : 0;
    a->mailbox.data = (char *) mailbox;
    a->mailbox.len = mailbox ? strlen(mailbox) : 0;
    a->host.data = (char *) host;
    a->host.len = host ? strlen(host) : 0;
}


static void
addresses_are(mime_addresses_t *list, const char *expected, const char *name)
{
    b.len = 0;
    mime_addresses(&b, list, NULL);
    tap_is_mem(b.data, b.len, expected, name);
    list->n = 0;
}


static void
test_addresses(void)
{
    int               i;
    char              name[3001];
    mime_addresses_t  list;

    list.n = 0;
    address(&list, "=?utf-8?q?B=C3=B6b?=", "bob", "example.net");
    address(&list, NULL, "bob", "example.net");
    addresses_are(&list, "B\xc3\xb6" "b <bob@example.net>, bob@example.net",
                  "addresses");

    address(&list, "Cron", "root", NULL);
    address(&list, "Cron", "root", "");
    address(&list, NULL, "root", "MISSING_DOMAIN");
    address(&list, "Bob", "MISSING_MAILBOX", "MISSING_DOMAIN");
    address(&list, NULL, "MISSING_MAILBOX", "MISSING_DOMAIN");
    addresses_are(&list, "Cron <root>, Cron <root>, root, Bob",
                  "what there is of an address");

    address(&list, NULL, "Team", NULL);
    address(&list, NULL, "bob", "example.net");
    address(&list, NULL, NULL, NULL);
    address(&list, NULL, "undisclosed-recipients", NULL);
    address(&list, NULL, NULL, NULL);
    addresses_are(&list, "bob@example.net, undisclosed-recipients", "groups");

    memset(name, 'a', 3000);
    name[3000] = '\0';

    for (i = 0; i < MIME_MAX_ADDRESSES; i++) {
        address(&list, name, "bob", "x");
    }

    b.len = 0;
    mime_addresses(&b, &list, NULL);
    tap_ok(b.len < 450, "long names: one is cut, and the others not read");
}


int
main(void)
{
    test_headers();
    test_dates();
    test_previews();
    test_charsets();
    test_labels();
    test_limits();
    test_nested();
    test_addresses();

    bridge_buffer_free(&b);

    return tap_done();
}
