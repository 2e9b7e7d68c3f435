
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns addresses: the href of a server or a device becomes a canonical path,
 * or is refused.  Called by the whole room and the configuration.  Pure.
 * Invariant: a canonical path begins with "/", has no segment that is empty,
 * "." or "..", and is percent-encoded, with capital letters, only where it
 * has to be.  Collections end with "/".
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
 * The canonical path of an href in the answer to a request for "base", which
 * is canonical.  NULL if it is no path of this host.  To be freed.
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

/* True if "path" is one segment below "collection". */
int dav_url_member(const char *collection, const char *path);

/* Consumes the path, which may be NULL. */
void dav_paths_add(dav_paths_t *l, char *path);
void dav_paths_free(dav_paths_t *l);


#endif /* _DAV_URL_H_INCLUDED_ */
