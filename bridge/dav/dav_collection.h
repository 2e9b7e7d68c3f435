
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An address book or a calendar: what we know of it, as it is stored, and the
 * events that tell what has become of it.  Pure.
 */


#ifndef _DAV_COLLECTION_H_INCLUDED_
#define _DAV_COLLECTION_H_INCLUDED_


#include "bridge.h"
#include "dav_etag_list.h"
#include "dav_multistatus.h"

#include <sys/queue.h>


/* No mailbox is called so: states of both are in one hash. */

#define DAV_KEY             "\tdav"     /* of the account's own state */
#define DAV_KEY_PREFIX      "\tdav:"    /* of a collection's, its path */

/* An event is kept well below what devices get at most, 64 kB by default. */

#define DAV_EVENT_BYTES     49152


typedef struct dav_collection_s {
    TAILQ_ENTRY(dav_collection_s)  link;
    char           *path;
    char           *name;
    char           *color;
    unsigned        flags;              /* DAV_IS_*, DAV_HAS_* */

    char           *token;              /* for the next sync-collection */
    char           *seen;               /* marker at the last sync */
    char           *marker;             /* that it has now: ctag or token */
    dav_etag_list_t      known;

    unsigned        unknown:1;          /* too many to be known */
    unsigned        based:1;            /* has been synchronized once */
    unsigned        nosync:1;           /* has no sync-collection */
    unsigned        listed:1;           /* in this round */
    unsigned        due:1;              /* to be synchronized */
} dav_collection_t;

typedef TAILQ_HEAD(, dav_collection_s)  dav_collections_t;


dav_collection_t *dav_collection_create(const char *path);
void dav_collection_free(dav_collection_t *col);

/* Takes the properties of a response; true if one that users see differs. */

int dav_collection_update(dav_collection_t *col, const dav_response_t *r);

/* The key is to be freed. */

char *dav_collection_key(const dav_collection_t *col);
json_t *dav_collection_state(const dav_collection_t *col);

/* NULL if that is no state. */

dav_collection_t *dav_collection_from_state(const char *key, json_t *state);

/*
 * "AddressBook" or "Calendar" with "what", "Create", "Update" or "Delete";
 * "old" is the name that it had, NULL if that is the same.
 */

json_t *dav_collection_event(const dav_collection_t *col, const char *what,
    const char *old);

/*
 * Adds the events of "delta" to "events".  "contents" has texts of objects by
 * name, or is NULL.  The last one has the token, the others "more".
 */

void dav_collection_changes(const dav_collection_t *col, json_t *events,
    const dav_etag_list_t *delta, json_t *contents);

/* What has changed is not known: a device has to look at all. */

json_t *dav_collection_resync(const dav_collection_t *col);


#endif /* _DAV_COLLECTION_H_INCLUDED_ */
