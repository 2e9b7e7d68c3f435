
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The fields of a message in events: headers, addresses, dates and the
 * beginning of the text become plain UTF-8, whatever the message has.
 */


#include "mime_header.h"
#include "tap.h"


static bridge_buffer_t  b;


static void
header_is(const char *text, const char *expected)
{
    b.len = 0;
    mime_header(&b, text, strlen(text));
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
    mime_header(&b, NULL, 0);
    tap_is_int(b.len, 0, "NIL");
    date_is("32 Jan 2026 00:00:00 +0000", "");

    tap_is_int(mime_internal_date("17-Jul-1996 02:44:25 -0700", 26),
               837596665, "INTERNALDATE");
    tap_is_int(mime_internal_date(" 1-Jan-1970 01:00:00 +0100", 26), 0,
               "the epoch");
    tap_is_int(mime_internal_date("never", 5), 0, "no INTERNALDATE");
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


static void
test_addresses(void)
{
    mime_addresses_t  list;

    memset(&list, 0, sizeof(list));
    list.n = 2;
    list.list[0].name.data = "=?utf-8?q?B=C3=B6b?=";
    list.list[0].name.len = 20;
    list.list[0].mailbox.data = "bob";
    list.list[0].mailbox.len = 3;
    list.list[0].host.data = "example.net";
    list.list[0].host.len = 11;
    list.list[1] = list.list[0];
    list.list[1].name.data = NULL;
    list.list[1].name.len = 0;

    b.len = 0;
    mime_addresses(&b, &list);
    tap_is_mem(b.data, b.len, "B\xc3\xb6" "b <bob@example.net>, "
               "bob@example.net", "addresses");
}


int
main(void)
{
    test_headers();
    test_dates();
    test_previews();
    test_addresses();

    bridge_buffer_free(&b);

    return tap_done();
}
