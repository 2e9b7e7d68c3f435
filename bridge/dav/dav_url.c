
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Paths are taken apart into segments before anything is decoded, so that an
 * encoded slash never becomes one.
 */


#include "dav_url.h"
#include "bridge_buffer.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>


static char *dav_url_canonical(const char *path, size_t len, int strict);
static int dav_url_segment(bridge_buffer_t *b, const char *p, size_t len,
    int strict);
static int dav_url_decode(const char *p, size_t len, size_t *used);
static int dav_url_plain(unsigned char c);
static size_t dav_url_host(const char *origin, const char **host);
static int dav_url_hex(char c);


int
dav_url_split(const char *url, char **origin, char **path)
{
    int          tls;
    size_t       len, i;
    const char  *host, *end, *port;

    tls = strncasecmp(url, "https://", 8) == 0;

    if (!tls && strncasecmp(url, "http://", 7) != 0) {
        return -1;
    }

    host = url + (tls ? 8 : 7);
    len = strcspn(host, "/?#");
    end = host + len;

    for (i = 0; url[i]; i++) {
        if ((unsigned char) url[i] <= ' ' || url[i] == 0x7f || i > DAV_URL_MAX)
        {
            return -1;
        }
    }

    if (len == 0 || len > 255 || memchr(host, '@', len)) {
        return -1;
    }

    port = memchr(host, ']', len);
    port = memchr(port ? port : host, ':', end - (port ? port : host));

    if (port && (port == host || port + 1 == end
                 || strspn(port + 1, "0123456789")
                    != (size_t) (end - port - 1)))
    {
        return -1;
    }

    *origin = bridge_format("http%s://%.*s%s", tls ? "s" : "", (int) len, host,
                            port ? "" : (tls ? ":443" : ":80"));

    for (i = 0; (*origin)[i]; i++) {
        (*origin)[i] = tolower((unsigned char) (*origin)[i]);
    }

    *path = bridge_string(*end == '/' ? end : "/");

    return 0;
}


int
dav_url_same_host(const char *a, const char *b)
{
    size_t       alen, blen;
    const char  *ahost, *bhost;

    alen = dav_url_host(a, &ahost);
    blen = dav_url_host(b, &bhost);

    return alen == blen && strncasecmp(ahost, bhost, alen) == 0;
}


static size_t
dav_url_host(const char *origin, const char **host)
{
    const char  *p;

    p = strstr(origin, "://");
    *host = p ? p + 3 : origin;

    if (**host == '[') {
        return strcspn(*host, "]");
    }

    return strcspn(*host, ":/");
}


char *
dav_url_resolve(const char *origin, const char *base, const char *href)
{
    char        *path, *other, *full;
    size_t       len;
    const char  *slash;

    if (strlen(href) > DAV_URL_MAX) {
        return NULL;
    }

    if (href[0] == '/' && href[1] != '/') {
        return dav_url_canonical(href, strcspn(href, "?#"), 0);
    }

    if (strstr(href, "://")) {

        if (dav_url_split(href, &other, &full) == -1) {
            return NULL;
        }

        path = dav_url_same_host(origin, other)
               ? dav_url_canonical(full, strcspn(full, "?#"), 0) : NULL;

        free(other);
        free(full);

        return path;
    }

    /* RFC 4918, 8.3 forbids it, but there are such servers */

    len = strcspn(href, "?#");

    if (len == 0 || href[0] == '/') {
        return NULL;
    }

    slash = strrchr(base, '/');
    full = bridge_format("%.*s%.*s", (int) (slash ? slash + 1 - base : 0),
                         base, (int) len, href);
    path = dav_url_canonical(full, strlen(full), 0);
    free(full);

    return path;
}


char *
dav_url_device(const char *href)
{
    size_t  len;

    len = strlen(href);

    if (len > DAV_URL_MAX || strcspn(href, "?#\\") != len) {
        return NULL;
    }

    return dav_url_canonical(href, len, 1);
}


static char *
dav_url_canonical(const char *path, size_t len, int strict)
{
    size_t      i, n;
    bridge_buffer_t  b;

    if (len == 0 || path[0] != '/') {
        return NULL;
    }

    memset(&b, 0, sizeof(b));
    bridge_buffer_char(&b, '/');

    for (i = 1; i < len; i += n + 1) {
        for (n = 0; i + n < len && path[i + n] != '/'; n++) { /* void */ }

        if (n == 0 && !strict) {
            continue;
        }

        if (dav_url_segment(&b, path + i, n, strict) == -1) {
            bridge_buffer_free(&b);
            return NULL;
        }

        if (i + n < len) {
            bridge_buffer_char(&b, '/');
        }
    }

    bridge_buffer_char(&b, '\0');

    return b.data;
}


static int
dav_url_segment(bridge_buffer_t *b, const char *p, size_t len, int strict)
{
    int     c;
    char    hex[3];
    size_t  i, used;

    for (i = 0; i < len; i += used) {
        c = dav_url_decode(p + i, len - i, &used);

        if (c < ' ' || c == 0x7f
            || (strict && used == 3 && (c == '/' || c == '\\')))
        {
            return -1;
        }

        if (dav_url_plain(c)) {
            bridge_buffer_char(b, c);
            continue;
        }

        hex[0] = '%';
        hex[1] = "0123456789ABCDEF"[c >> 4];
        hex[2] = "0123456789ABCDEF"[c & 15];
        bridge_buffer_add(b, hex, 3);
    }

    if (len == 0) {
        return -1;
    }

    /* "." and "..", however they are written */

    if (b->len >= 2 && b->data[b->len - 1] == '.'
        && (b->data[b->len - 2] == '/'
            || (b->len >= 3 && b->data[b->len - 2] == '.'
                && b->data[b->len - 3] == '/')))
    {
        return -1;
    }

    return 0;
}


/* The next byte, or -1. */

static int
dav_url_decode(const char *p, size_t len, size_t *used)
{
    int  high, low;

    *used = 1;

    if (*p != '%') {
        return (unsigned char) *p;
    }

    if (len < 3) {
        return -1;
    }

    high = dav_url_hex(p[1]);
    low = dav_url_hex(p[2]);
    *used = 3;

    return high < 0 || low < 0 ? -1 : (high << 4 | low);
}


static int
dav_url_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


/* "pchar" of RFC 3986 */

static int
dav_url_plain(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || (c && strchr("-._~!$&'()*+,;=:@", c)));
}


int
dav_url_member(const char *collection, const char *path)
{
    size_t  len;

    len = strlen(collection);

    return strncmp(collection, path, len) == 0 && path[len] != '\0'
           && strchr(path + len, '/') == NULL;
}
