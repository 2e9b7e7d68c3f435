
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * All texts of a URL are in one piece of memory, which has room for the
 * address four times: its hosts, its login, its path, its text for logs.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pimap_redis_host.h"
#include "pimap_redis_url.h"


#define PIMAP_REDIS_URL_PORT           6379
#define PIMAP_REDIS_URL_SENTINEL_PORT  26379

#define PIMAP_REDIS_URL_ALONE          "write each parameter as a value of "  \
                                       "its own"


typedef struct {
    const char              *scheme;
    pimap_redis_url_type_t   type;
    int                      tls;
} pimap_redis_url_scheme_t;


/* Where the rest of an address is, and where its next text will be. */

typedef struct {
    const char              *p;
    const char              *last;
    char                    *free;
} pimap_redis_url_parser_t;


static const char *pimap_redis_url_unix(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in);
static const char *pimap_redis_url_net(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in, const char *scheme);
static void pimap_redis_url_text(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in, const char *scheme, const char *hosts,
    const char *end);
static const char *pimap_redis_url_login(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in, const char *end);
static const char *pimap_redis_url_hosts(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in, const char *end);
static const char *pimap_redis_url_host(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in, const char *end);
static const char *pimap_redis_url_path(pimap_redis_url_t *url,
    pimap_redis_url_parser_t *in);
static int pimap_redis_url_plain(const char *p, const char *last,
    const char *others);
static char *pimap_redis_url_copy(pimap_redis_url_parser_t *in, const char *p,
    const char *last);
static char *pimap_redis_url_decode(pimap_redis_url_parser_t *in,
    const char *p, const char *last);
static int pimap_redis_url_hex(char c);


const char *
pimap_redis_url_parse(pimap_redis_url_t *url, const char *text, size_t len)
{
    size_t                     i, n;
    pimap_redis_url_parser_t   in;

    static const pimap_redis_url_scheme_t  schemes[] = {
        { "unix:", PIMAP_REDIS_URL_UNIX, 0 },
        { "redis://", PIMAP_REDIS_URL_SINGLE, 0 },
        { "rediss://", PIMAP_REDIS_URL_SINGLE, 1 },
        { "sentinel://", PIMAP_REDIS_URL_SENTINEL, 0 },
        { "sentinels://", PIMAP_REDIS_URL_SENTINEL, 1 },
        { "cluster://", PIMAP_REDIS_URL_CLUSTER, 0 },
        { "clusters://", PIMAP_REDIS_URL_CLUSTER, 1 }
    };

    memset(url, 0, sizeof(pimap_redis_url_t));

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        n = strlen(schemes[i].scheme);

        if (len <= n || memcmp(text, schemes[i].scheme, n) != 0) {
            continue;
        }

        url->type = schemes[i].type;
        url->tls = schemes[i].tls;
        url->memory = malloc(4 * len + 64);

        if (url->memory == NULL) {
            return "can't be read, there is no memory";
        }

        in.p = text + n;
        in.last = text + len;
        in.free = url->memory;

        return url->type == PIMAP_REDIS_URL_UNIX
               ? pimap_redis_url_unix(url, &in)
               : pimap_redis_url_net(url, &in, schemes[i].scheme);
    }

    return "must be redis://host:port, rediss://host:port, "
           "sentinel://host:port,.../master, cluster://host:port,... or "
           "unix:/path";
}


void
pimap_redis_url_free(pimap_redis_url_t *url)
{
    free(url->memory);

    memset(url, 0, sizeof(pimap_redis_url_t));
}


static const char *
pimap_redis_url_unix(pimap_redis_url_t *url, pimap_redis_url_parser_t *in)
{
    if (*in->p != '/') {
        return "must have an absolute path after \"unix:\"";
    }

    if (!pimap_redis_url_plain(in->p, in->last, "/._-+,@~:=")) {
        return "has an odd character in its path, " PIMAP_REDIS_URL_ALONE;
    }

    url->path = pimap_redis_url_copy(in, in->p, in->last);
    url->text = pimap_redis_url_copy(in, in->p - sizeof("unix:") + 1,
                                     in->last);

    return NULL;
}


static const char *
pimap_redis_url_net(pimap_redis_url_t *url, pimap_redis_url_parser_t *in,
    const char *scheme)
{
    const char  *at, *hosts, *slash, *why;

    slash = memchr(in->p, '/', in->last - in->p);

    if (slash == NULL) {
        slash = in->last;
    }

    at = pimap_redis_host_last(in->p, slash, '@');

    if (at && at != in->p) {
        why = pimap_redis_url_login(url, in, at);

        if (why) {
            return why;
        }

        in->p = at + 1;
    }

    if (!pimap_redis_url_plain(in->p, slash, "._-:[]%,")) {
        return "has an odd character in its host, " PIMAP_REDIS_URL_ALONE;
    }

    hosts = in->p;
    why = pimap_redis_url_hosts(url, in, slash);

    if (why) {
        return why;
    }

    in->p = slash < in->last ? slash + 1 : in->last;
    why = pimap_redis_url_path(url, in);

    if (why) {
        return why;
    }

    pimap_redis_url_text(url, in, scheme, hosts, slash);

    return NULL;
}


/* Without the login and the database. */

static void
pimap_redis_url_text(pimap_redis_url_t *url, pimap_redis_url_parser_t *in,
    const char *scheme, const char *hosts, const char *end)
{
    int          ip6;
    const char  *name;

    url->text = in->free;

    if (url->type != PIMAP_REDIS_URL_SINGLE) {
        sprintf(in->free, "%s%.*s%s%s", scheme, (int) (end - hosts), hosts,
                url->master ? "/" : "", url->master ? url->master : "");
        return;
    }

    name = url->hosts[0].name;
    ip6 = strchr(name, ':') != NULL;

    sprintf(in->free, "%s%s%s%s:%u", scheme, ip6 ? "[" : "", name,
            ip6 ? "]" : "", url->hosts[0].port);
}


static const char *
pimap_redis_url_login(pimap_redis_url_t *url, pimap_redis_url_parser_t *in,
    const char *end)
{
    const char  *colon;

    colon = memchr(in->p, ':', end - in->p);

    url->user = pimap_redis_url_decode(in, in->p, colon ? colon : end);

    if (colon) {
        url->password = pimap_redis_url_decode(in, colon + 1, end);
    }

    if (url->user == NULL || (colon && url->password == NULL)) {
        return "has an invalid user or password, a \"%\" of them is \"%25\"";
    }

    if (*url->user == '\0') {
        url->user = NULL;
    }

    return NULL;
}


static const char *
pimap_redis_url_hosts(pimap_redis_url_t *url, pimap_redis_url_parser_t *in,
    const char *end)
{
    const char  *comma, *why;

    for ( ;; ) {
        comma = memchr(in->p, ',', end - in->p);

        if (comma && url->type == PIMAP_REDIS_URL_SINGLE) {
            return "has several hosts, which only sentinel:// and cluster:// "
                   "can have";
        }

        if (url->nhosts == PIMAP_REDIS_URL_HOSTS) {
            return "has more than 64 hosts";
        }

        why = pimap_redis_url_host(url, in, comma ? comma : end);

        if (why || comma == NULL) {
            return why;
        }

        in->p = comma + 1;
    }
}


/* "name", "name:port", "[address]:port" */

static const char *
pimap_redis_url_host(pimap_redis_url_t *url, pimap_redis_url_parser_t *in,
    const char *end)
{
    const char              *colon;
    pimap_redis_url_host_t  *host;

    host = &url->hosts[url->nhosts++];

    host->port = url->type == PIMAP_REDIS_URL_SENTINEL
                 ? PIMAP_REDIS_URL_SENTINEL_PORT : PIMAP_REDIS_URL_PORT;

    colon = pimap_redis_host_last(in->p, end, ':');

    if (colon && memchr(colon, ']', end - colon)) {
        colon = NULL;
    }

    if (colon) {
        host->port = pimap_redis_host_port(colon + 1, end - colon - 1);

        if (host->port == 0) {
            return "has an invalid port, must be 1 to 65535";
        }

        end = colon;
    }

    if (end == in->p) {
        switch (url->type) {

        case PIMAP_REDIS_URL_SENTINEL:
            return "has a sentinel without a host: there is a comma too much";

        case PIMAP_REDIS_URL_CLUSTER:
            return "has a node without a host: there is a comma too much";

        default:
            return "has no host, must be redis://host:port";
        }
    }

    if (end - in->p > 2 && in->p[0] == '[' && end[-1] == ']') {
        in->p++;
        end--;
    }

    if (end - in->p >= PIMAP_REDIS_HOST || memchr(in->p, '[', end - in->p)
        || memchr(in->p, ']', end - in->p))
    {
        return "has an invalid host";
    }

    host->name = pimap_redis_url_copy(in, in->p, end);

    return NULL;
}


/* "/db", or "/master/db" */

static const char *
pimap_redis_url_path(pimap_redis_url_t *url, pimap_redis_url_parser_t *in)
{
    const char  *end;

    if (url->type == PIMAP_REDIS_URL_CLUSTER) {
        return in->p == in->last ? NULL
               : "has a path, but a cluster has one database only";
    }

    if (url->type == PIMAP_REDIS_URL_SENTINEL) {
        end = memchr(in->p, '/', in->last - in->p);

        if (end == NULL) {
            end = in->last;
        }

        if (end == in->p) {
            return "has no name of a master, must be "
                   "sentinel://host:port,.../master";
        }

        if (!pimap_redis_url_plain(in->p, end, "._-")) {
            return "has an odd character in the name of the master, "
                   PIMAP_REDIS_URL_ALONE;
        }

        url->master = pimap_redis_url_copy(in, in->p, end);
        in->p = end < in->last ? end + 1 : end;
    }

    if (in->p < in->last) {
        url->db = pimap_redis_url_copy(in, in->p, in->last);
    }

    return NULL;
}


/*
 * True if there are letters, digits and these others only: the text is logged,
 * and could have a parameter such as the password in it.
 */

static int
pimap_redis_url_plain(const char *p, const char *last, const char *others)
{
    for ( /* void */ ; p < last; p++) {

        if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')
            || (*p >= 'A' && *p <= 'Z') || (unsigned char) *p >= 0x80)
        {
            continue;
        }

        if (*p == '\0' || strchr(others, *p) == NULL) {
            return 0;
        }
    }

    return 1;
}


static char *
pimap_redis_url_copy(pimap_redis_url_parser_t *in, const char *p,
    const char *last)
{
    char  *text;

    text = in->free;

    memcpy(text, p, last - p);
    text[last - p] = '\0';

    in->free += last - p + 1;

    return text;
}


/* Percent-encoding; NULL if it is invalid, or if a byte is zero. */

static char *
pimap_redis_url_decode(pimap_redis_url_parser_t *in, const char *p,
    const char *last)
{
    int    high, low;
    char  *text, *d;

    text = in->free;

    for (d = text; p < last; p++) {

        if (*p != '%') {
            *d = *p;

        } else {
            high = last - p > 2 ? pimap_redis_url_hex(p[1]) : -1;
            low = last - p > 2 ? pimap_redis_url_hex(p[2]) : -1;

            if (high == -1 || low == -1) {
                return NULL;
            }

            *d = high << 4 | low;
            p += 2;
        }

        if (*d++ == '\0') {
            return NULL;
        }
    }

    *d++ = '\0';
    in->free = d;

    return text;
}


static int
pimap_redis_url_hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
