
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Cyrus names a mailbox as its administrator does: "user/alice/Work", with a
 * domain "user/alice/Work@example.com"; the separator may be a dot.  Other
 * notifications have "alice@host" before the path, and the mailbox in it.  A
 * name with bytes that are no UTF-8 is refused later, as each event is.
 */


#include <stdio.h>
#include <string.h>

#include "pimap_cyrus_uri.h"


static void pimap_cyrus_uri_path(const char *p, const char *end,
    pimap_cyrus_uri_t *uri);
static void pimap_cyrus_uri_name(pimap_str_t *name, pimap_cyrus_uri_t *uri);
static void pimap_cyrus_uri_owner(pimap_str_t *owner, pimap_str_t *domain,
    pimap_cyrus_uri_t *uri);
static void pimap_cyrus_uri_domain(pimap_str_t *mailbox, pimap_str_t *domain);
static const char *pimap_cyrus_uri_number(const char *p, const char *end,
    const char *name, pimap_str_t *number);
static void pimap_cyrus_uri_decode(const char *p, const char *end, char *buf,
    pimap_str_t *text);
static void pimap_cyrus_uri_string(const pimap_str_t *text, char *buf,
    size_t size, pimap_str_t *value);
static int pimap_cyrus_uri_byte(const char **p, const char *end);
static int pimap_cyrus_uri_hex(char c);


void
pimap_cyrus_uri_read(const pimap_str_t *value, pimap_cyrus_uri_t *uri)
{
    const char   *p, *end, *path, *at;
    pimap_str_t   text;

    static const char  scheme[] = "imap://";

    memset(&uri->owner, 0, sizeof(pimap_str_t));
    memset(&uri->mailbox, 0, sizeof(pimap_str_t));
    memset(&uri->uidvalidity, 0, sizeof(pimap_str_t));
    memset(&uri->uid, 0, sizeof(pimap_str_t));

    if (pimap_json_string(value, uri->text, sizeof(uri->text), &text) != 0
        || text.len < sizeof(scheme) - 1 || text.len > PIMAP_CYRUS_URI_MAX
        || memcmp(text.data, scheme, sizeof(scheme) - 1) != 0)
    {
        return;
    }

    p = text.data + sizeof(scheme) - 1;
    end = text.data + text.len;

    path = memchr(p, '/', end - p);

    if (path == NULL) {
        path = end;
    }

    for (at = path; at > p && *at != '@'; at--) { /* void */ }

    if (at > p) {
        pimap_cyrus_uri_decode(p, at, uri->decoded, &text);
        pimap_cyrus_uri_string(&text, uri->owner_text,
                               sizeof(uri->owner_text), &uri->owner);
    }

    if (path < end) {
        pimap_cyrus_uri_path(path + 1, end, uri);
    }
}


static void
pimap_cyrus_uri_path(const char *p, const char *end, pimap_cyrus_uri_t *uri)
{
    const char   *semicolon;
    pimap_str_t   name;

    semicolon = memchr(p, ';', end - p);

    if (semicolon == NULL) {
        semicolon = end;
    }

    pimap_cyrus_uri_decode(p, semicolon, uri->decoded, &name);
    pimap_cyrus_uri_name(&name, uri);

    p = pimap_cyrus_uri_number(semicolon, end, ";UIDVALIDITY=",
                               &uri->uidvalidity);
    (void) pimap_cyrus_uri_number(p, end, "/;UID=", &uri->uid);
}


/* The owner's own mailbox is INBOX, whatever the administrator calls it. */

static void
pimap_cyrus_uri_name(pimap_str_t *name, pimap_cyrus_uri_t *uri)
{
    const char   *p;
    pimap_str_t   owner, domain;

    domain.data = "";
    domain.len = 0;

    if (uri->owner.data == NULL && name->len > 5
        && memcmp(name->data, "user", 4) == 0
        && (name->data[4] == '/' || name->data[4] == '.'))
    {
        owner.data = name->data + 5;
        owner.len = name->len - 5;

        p = memchr(owner.data, name->data[4], owner.len);

        if (p == NULL) {
            name->data = "INBOX";
            name->len = 5;

        } else {
            name->data = p + 1;
            name->len = owner.data + owner.len - name->data;
            owner.len = p - owner.data;

            if (memchr(owner.data, '@', owner.len) == NULL) {
                pimap_cyrus_uri_domain(name, &domain);
            }
        }

        pimap_cyrus_uri_owner(&owner, &domain, uri);
    }

    if (name->len) {
        pimap_cyrus_uri_string(name, uri->mailbox_text,
                               sizeof(uri->mailbox_text), &uri->mailbox);
    }
}


/* The domain stands behind the mailbox, but belongs to its owner. */

static void
pimap_cyrus_uri_owner(pimap_str_t *owner, pimap_str_t *domain,
    pimap_cyrus_uri_t *uri)
{
    char         buf[PIMAP_CYRUS_URI_MAX];
    pimap_str_t  account;

    memcpy(buf, owner->data, owner->len);
    memcpy(buf + owner->len, domain->data, domain->len);

    account.data = buf;
    account.len = owner->len + domain->len;

    pimap_cyrus_uri_string(&account, uri->owner_text,
                           sizeof(uri->owner_text), &uri->owner);
}


/* Takes "@" and what is behind it off, if that may be a domain. */

static void
pimap_cyrus_uri_domain(pimap_str_t *mailbox, pimap_str_t *domain)
{
    int          dot;
    const char  *p;

    dot = 0;

    for (p = mailbox->data + mailbox->len; p > mailbox->data; p--) {

        if (p[-1] == '/') {
            return;
        }

        if (p[-1] == '@') {
            break;
        }

        dot |= p[-1] == '.';
    }

    if (p > mailbox->data && dot) {
        domain->data = p - 1;
        domain->len = mailbox->data + mailbox->len - domain->data;
        mailbox->len -= domain->len;
    }
}


/* The place after it, or the same place. */

static const char *
pimap_cyrus_uri_number(const char *p, const char *end, const char *name,
    pimap_str_t *number)
{
    size_t       len;
    const char  *digits, *last;

    len = strlen(name);

    if ((size_t) (end - p) < len || memcmp(p, name, len) != 0) {
        return p;
    }

    digits = p + len;

    for (last = digits; last < end && *last >= '0' && *last <= '9'; last++) {
        /* void */
    }

    if (last == digits) {
        return p;
    }

    number->data = digits;
    number->len = last - digits;

    return last;
}


/* Decodes "%HH"; the text is never longer than the address. */

static void
pimap_cyrus_uri_decode(const char *p, const char *end, char *buf,
    pimap_str_t *text)
{
    text->data = buf;
    text->len = 0;

    while (p < end) {
        buf[text->len++] = pimap_cyrus_uri_byte(&p, end);
    }
}


/* A string in JSON; absent if it does not fit. */

static void
pimap_cyrus_uri_string(const pimap_str_t *text, char *buf, size_t size,
    pimap_str_t *value)
{
    size_t          i, n;
    unsigned char   c;

    n = 0;
    buf[n++] = '"';

    for (i = 0; i < text->len; i++) {

        if (n + sizeof("\\u0000\"") > size) {
            return;
        }

        c = text->data[i];

        if (c < 0x20) {
            n += snprintf(buf + n, size - n, "\\u%04x", c);
            continue;
        }

        if (c == '"' || c == '\\') {
            buf[n++] = '\\';
        }

        buf[n++] = c;
    }

    buf[n++] = '"';

    value->data = buf;
    value->len = n;
}


static int
pimap_cyrus_uri_byte(const char **p, const char *end)
{
    int  high, low;

    if (**p == '%' && end - *p > 2) {
        high = pimap_cyrus_uri_hex((*p)[1]);
        low = pimap_cyrus_uri_hex((*p)[2]);

        if (high >= 0 && low >= 0) {
            *p += 3;
            return 16 * high + low;
        }
    }

    return (unsigned char) *(*p)++;
}


static int
pimap_cyrus_uri_hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
