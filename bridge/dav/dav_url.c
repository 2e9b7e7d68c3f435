
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libcurl splits URLs.  It has no normal form of a path; that is made here, of
 * segments that are split before they are decoded: an encoded slash never
 * becomes a slash.
 */


#include "dav_url.h"
#include "bridge_buffer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <curl/curl.h>
#include <glib.h>


typedef int (*dav_url_segment_pt)(bridge_buffer_t *b, const char *p,
    size_t len);


static char *dav_url_normal(const char *path, size_t len, int empty,
    dav_url_segment_pt segment);
static int dav_url_spelled(bridge_buffer_t *b, const char *p, size_t len);
static int dav_url_plain(bridge_buffer_t *b, const char *p, size_t len);
static int dav_url_strict(bridge_buffer_t *b, const char *p, size_t len);
static int dav_url_byte(const char **p);


int
dav_url_split(const char *url, char **origin, char **path)
{
    int          rc;
    char        *scheme, *host, *port, *user, *p;
    CURLU       *u;
    const char  *rest;

    /* libcurl accepts "http:/host" and "http:///host", too */

    rest = strstr(url, "://");

    if (rest == NULL || strcspn(rest + 3, "/?#") == 0
        || strlen(url) > DAV_URL_MAX)
    {
        return -1;
    }

    scheme = host = port = user = NULL;
    rc = -1;
    u = curl_url();

    if (curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK
        && curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
        && (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0)
        && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK
        && curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT)
           == CURLUE_OK
        && curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER)
    {
        for (p = host; *p; p++) {
            *p = tolower((unsigned char) *p);
        }

        rest += 3 + strcspn(rest + 3, "/?#");

        *origin = bridge_format("%s://%s:%s", scheme, host, port);
        *path = bridge_string(*rest == '/' ? rest : "/");
        rc = 0;
    }

    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(u);

    return rc;
}


int
dav_url_same_host(const char *a, const char *b)
{
    ptrdiff_t  len;

    a = strstr(a, "://") + 3;
    b = strstr(b, "://") + 3;
    len = strrchr(a, ':') - a;

    return len == strrchr(b, ':') - b && strncasecmp(a, b, len) == 0;
}


char *
dav_url_resolve(const char *origin, const char *base, const char *href)
{
    char        *path, *other, *full;
    size_t       len;
    const char  *slash;

    len = strcspn(href, "?#");
    path = NULL;
    full = NULL;

    if (strlen(href) > DAV_URL_MAX) {
        return NULL;
    }

    if (href[0] == '/' && href[1] != '/') {
        return dav_url_normal(href, len, 0, dav_url_spelled);
    }

    if (strstr(href, "://")) {

        if (dav_url_split(href, &other, &full) == 0) {
            path = dav_url_same_host(origin, other)
                   ? dav_url_normal(full, strcspn(full, "?#"), 0,
                                    dav_url_spelled)
                   : NULL;
            free(other);
        }

    } else if (len && href[0] != '/') {

        /* RFC 4918, 8.3 forbids a relative path, some servers have it */

        slash = strrchr(base, '/');
        full = bridge_format("%.*s%.*s", (int) (slash ? slash + 1 - base : 0),
                             base, (int) len, href);
        path = dav_url_normal(full, strlen(full), 0, dav_url_spelled);
    }

    free(full);

    return path;
}


char *
dav_url_collection(const char *origin, const char *base, const char *href)
{
    char    *path, *full;

    path = dav_url_resolve(origin, base, href);

    if (path == NULL || path[strlen(path) - 1] == '/') {
        return path;
    }

    full = bridge_format("%s/", path);
    free(path);

    return full;
}


char *
dav_url_device(const char *href)
{
    size_t  len;

    len = strlen(href);

    if (len > DAV_URL_MAX || strcspn(href, "?#\\") != len) {
        return NULL;
    }

    return dav_url_normal(href, len, 1, dav_url_strict);
}


char *
dav_url_canonical(const char *path)
{
    char  *canonical;

    canonical = dav_url_normal(path, strlen(path), 0, dav_url_plain);

    return canonical ? canonical : bridge_string(path);
}


/* Empty segments are refused if "empty", otherwise left out. */

static char *
dav_url_normal(const char *path, size_t len, int empty,
    dav_url_segment_pt segment)
{
    size_t           i, n;
    bridge_buffer_t  b;

    if (len == 0 || path[0] != '/') {
        return NULL;
    }

    memset(&b, 0, sizeof(b));
    bridge_buffer_char(&b, '/');

    for (i = 1; i < len; i += n + 1) {
        for (n = 0; i + n < len && path[i + n] != '/'; n++) { /* void */ }

        if (n == 0 && !empty) {
            continue;
        }

        if (segment(&b, path + i, n) == -1) {
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


/*
 * A server's: only bytes are encoded that a request line can't have.  A "%"
 * without two digits stays, because the server may compare bytes.
 */

static int
dav_url_spelled(bridge_buffer_t *b, const char *p, size_t len)
{
    int          byte, plain[3];
    char         encoded[4];
    unsigned     n;
    const char  *end = p + len, *from;

    for (n = 0; p < end; n++) {
        from = p;
        byte = dav_url_byte(&p);
        plain[n < 3 ? n : 2] = byte;

        if (byte == 256) {
            return -1;
        }

        if (p == from + 1 && !g_ascii_isalnum(*from)
            && strchr("%-._~!$&'()*+,;=:@", *from) == NULL)
        {
            snprintf(encoded, sizeof(encoded), "%%%02X",
                     (unsigned char) byte);
            bridge_buffer_text(b, encoded);

        } else {
            bridge_buffer_add(b, from, p - from);
        }
    }

    /* "." and "..", also if they were encoded */

    return (n == 1 && plain[0] == '.')
           || (n == 2 && plain[0] == '.' && plain[1] == '.') ? -1 : 0;
}


/* A "pchar" of RFC 3986 is not encoded, any other byte is; and ";", which
   Radicale takes for the beginning of parameters. */

static int
dav_url_plain(bridge_buffer_t *b, const char *p, size_t len)
{
    char  *plain, *encoded;

    plain = g_uri_unescape_segment(p, p + len, NULL);

    if (plain == NULL) {
        return -1;
    }

    encoded = g_uri_escape_string(plain, "!$&'()*+,=:@", FALSE);
    bridge_buffer_text(b, encoded);

    g_free(encoded);
    g_free(plain);

    return 0;
}


/* A device's: what it decodes to may not change its meaning. */

static int
dav_url_strict(bridge_buffer_t *b, const char *p, size_t len)
{
    int          rc;
    char        *plain;
    const char  *c;

    plain = g_uri_unescape_segment(p, p + len, "/\\");

    for (c = plain; c && *c; c++) {
        if ((unsigned char) *c < ' ' || *c == 0x7f) {
            break;
        }
    }

    rc = plain == NULL || *plain == '\0' || *c || strcmp(plain, ".") == 0
         || strcmp(plain, "..") == 0 ? -1 : dav_url_plain(b, p, len);

    g_free(plain);

    return rc;
}


/* The next byte of a path, decoded; 0 at the end.  An encoded slash and an
   encoded zero stay apart. */

static int
dav_url_byte(const char **p)
{
    int          byte;
    const char  *c = *p;

    if (*c == '%' && g_ascii_isxdigit(c[1]) && g_ascii_isxdigit(c[2])) {
        byte = g_ascii_xdigit_value(c[1]) * 16 + g_ascii_xdigit_value(c[2]);
        *p += 3;

        return byte == '/' || byte == 0 ? 256 + byte : byte;
    }

    *p += *c != '\0';

    return (unsigned char) *c;
}


int
dav_url_compare(const char *a, const char *b)
{
    int  x, y;

    do {
        x = dav_url_byte(&a);
        y = dav_url_byte(&b);

    } while (x == y && x);

    return x - y;
}


int
dav_url_same_collection(const char *collection, const char *path)
{
    int  x, y;

    do {
        x = dav_url_byte(&collection);
        y = dav_url_byte(&path);

    } while (x == y && x);

    return x == y || (x == '/' && y == 0 && *collection == '\0');
}


const char *
dav_url_name(const char *collection, const char *path)
{
    const char  *slash, *p;

    slash = strrchr(path, '/');

    if (slash == NULL || slash[1] == '\0') {
        return NULL;
    }

    for (p = path; p <= slash; /* void */) {
        if (dav_url_byte(&p) != dav_url_byte(&collection)) {
            return NULL;
        }
    }

    return *collection == '\0' ? slash + 1 : NULL;
}


void
dav_paths_add(dav_paths_t *l, char *path)
{
    unsigned  i;

    for (i = 0; path && i < l->n; i++) {
        if (dav_url_compare(l->paths[i], path) == 0) {
            break;
        }
    }

    if (path == NULL || i < l->n || i == DAV_MAX_PATHS) {
        free(path);
        return;
    }

    l->paths[l->n++] = path;
}


void
dav_paths_free(dav_paths_t *l)
{
    while (l->n) {
        free(l->paths[--l->n]);
    }
}
