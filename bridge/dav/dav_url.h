
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Addresses: what a server or a device calls an href becomes a path in its
 * one canonical form, or is refused.  Pure.
 *
 * Canonical: begins with "/", has no segment that is empty, "." or "..", is
 * percent-encoded where a path has to be, with capital letters, and nowhere
 * else.  Collections end with "/".
 */


#ifndef _DAV_URL_H_INCLUDED_
#define _DAV_URL_H_INCLUDED_


#include "bridge.h"


#define DAV_URL_MAX         2048        /* bytes, of what comes in */


/*
 * Splits "https://host[:port][/path]" into "https://host:port", in lower
 * case, and the rest ("/" if there is none).  Both are to be freed.  Returns
 * -1 if it is no such address, or has a user or control characters in it.
 */
int dav_url_split(const char *url, char **origin, char **path);

/* True if both origins are of one host, whatever their schemes and ports. */
int dav_url_same_host(const char *a, const char *b);

/*
 * The canonical path of what a server calls "href" in an answer to a request
 * for "base", which is canonical; NULL if it is no path of this origin.
 */
char *dav_url_resolve(const char *origin, const char *base, const char *href);

/*
 * The same of what a device says.  More strict: it has to be a path, and what
 * would be canonical only after a change of its meaning is refused.
 */
char *dav_url_device(const char *href);

/* True if "path" is a member of "collection": one segment below it. */
int dav_url_member(const char *collection, const char *path);


#endif /* _DAV_URL_H_INCLUDED_ */
