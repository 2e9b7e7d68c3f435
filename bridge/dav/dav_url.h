
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns addresses: the href of a server or a device becomes a path, or is
 * refused.  Called by the whole room and the configuration.  Pure.
 * Invariant: a path begins with "/", has no segment that is empty, "." or
 * "..", and only bytes that a request line may have.  A server's path keeps
 * its spelling, because some servers compare bytes.  So paths are compared by
 * dav_url_compare().  Collections end with "/".
 */


#ifndef _DAV_URL_H_INCLUDED_
#define _DAV_URL_H_INCLUDED_


#include "bridge.h"


#define DAV_URL_MAX         2048        /* bytes, of an address */
#define DAV_MAX_PATHS       8


/* A few paths, each once. */

typedef struct {
    char      *paths[DAV_MAX_PATHS];
    unsigned   n;
} dav_paths_t;


/*
 * Splits "https://host[:port][/path]" into "https://host:port", in lower
 * case, and the rest, "/" if it is empty.  Both are to be freed.  Returns -1
 * for another scheme, a user, control characters or no URL.
 */
int dav_url_split(const char *url, char **origin, char **path);

/* True if both origins have the same host; schemes and ports may differ. */
int dav_url_same_host(const char *a, const char *b);

/*
 * The path of an href in the answer to a request for "base", spelled as the
 * server does.  NULL if it is no path of this host.  To be freed.
 */
char *dav_url_resolve(const char *origin, const char *base, const char *href);

/* The same with "/" at the end. */
char *dav_url_collection(const char *origin, const char *base,
    const char *href);

/*
 * The canonical path of an href of a device.  NULL if it is no path, or if
 * a decoded byte would change its meaning.  To be freed.
 */
char *dav_url_device(const char *href);

/*
 * The one spelling of a path: percent-encoded, with capital letters, only
 * where it has to be.  To be freed.
 */
char *dav_url_canonical(const char *path);

/* As strcmp(), of decoded paths.  An encoded slash is not a slash. */
int dav_url_compare(const char *a, const char *b);

/* True if both are the path of one collection, "path" maybe without its "/" */
int dav_url_same_collection(const char *collection, const char *path);

/* The last segment of "path", if that is directly in "collection"; or NULL. */
const char *dav_url_name(const char *collection, const char *path);

/* Consumes the path, which may be NULL. */
void dav_paths_add(dav_paths_t *l, char *path);
void dav_paths_free(dav_paths_t *l);


#endif /* _DAV_URL_H_INCLUDED_ */
