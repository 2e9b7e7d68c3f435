
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libcurl splits URLs.  It has no canonical form of a path; that is made
 * here, of segments that are split before they are decoded: an encoded slash
 * never becomes a slash.
 */


#include "dav_url.h"
#include "bridge_buffer.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <curl/curl.h>
#include <glib.h>


static char *dav_url_canonical(const char *path, size_t len, int strict);
static int dav_url_segment(bridge_buffer_t *b, const char *p, size_t len,
    int strict);


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
        return dav_url_canonical(href, len, 0);
    }

    if (strstr(href, "://")) {

        if (dav_url_split(href, &other, &full) == 0) {
            path = dav_url_same_host(origin, other)
                   ? dav_url_canonical(full, strcspn(full, "?#"), 0) : NULL;
            free(other);
        }

    } else if (len && href[0] != '/') {

        /* RFC 4918, 8.3 forbids a relative path, some servers have it */

        slash = strrchr(base, '/');
        full = bridge_format("%.*s%.*s", (int) (slash ? slash + 1 - base : 0),
                             base, (int) len, href);
        path = dav_url_canonical(full, strlen(full), 0);
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

    return dav_url_canonical(href, len, 1);
}


static char *
dav_url_canonical(const char *path, size_t len, int strict)
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


/* A "pchar" of RFC 3986 is not encoded, any other byte is. */

static int
dav_url_segment(bridge_buffer_t *b, const char *p, size_t len, int strict)
{
    int          rc;
    char        *plain, *encoded;
    const char  *c;

    plain = g_uri_unescape_segment(p, p + len, strict ? "/\\" : NULL);

    for (c = plain; c && *c; c++) {
        if ((unsigned char) *c < ' ' || *c == 0x7f) {
            break;
        }
    }

    /* "." and "..", also if they were encoded */

    rc = plain == NULL || *plain == '\0' || *c || strcmp(plain, ".") == 0
         || strcmp(plain, "..") == 0 ? -1 : 0;

    if (rc == 0) {
        encoded = g_uri_escape_string(plain, "!$&'()*+,;=:@", FALSE);
        bridge_buffer_text(b, encoded);
        g_free(encoded);
    }

    g_free(plain);

    return rc;
}


int
dav_url_member(const char *collection, const char *path)
{
    size_t  len;

    len = strlen(collection);

    return strncmp(collection, path, len) == 0 && path[len] != '\0'
           && strchr(path + len, '/') == NULL;
}


void
dav_paths_add(dav_paths_t *l, char *path)
{
    unsigned  i;

    for (i = 0; path && i < l->n; i++) {
        if (strcmp(l->paths[i], path) == 0) {
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
