
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns an address book or a calendar: its known objects, its stored state and
 * its events.  Called by the steps of a round.  Pure.
 */


#ifndef _DAV_COLLECTION_H_INCLUDED_
#define _DAV_COLLECTION_H_INCLUDED_


#include "bridge.h"
#include "dav_etag_list.h"
#include "dav_multistatus.h"

#include <sys/queue.h>


/* Keys of states.  The tab keeps them apart from mailboxes, in one hash. */

#define DAV_KEY             "\tdav"     /* the account */
#define DAV_KEY_PREFIX      "\tdav:"    /* a collection, with its path */

/* Well below the largest event of a device, 64 kB by default. */

#define DAV_EVENT_BYTES     49152


typedef struct dav_collection_s {
    TAILQ_ENTRY(dav_collection_s)  link;
    char           *path;               /* as the server spells it */
    char           *name;
    char           *color;
    unsigned        flags;              /* DAV_IS_*, DAV_HAS_* */

    char           *token;              /* of the next sync-collection */
    char           *seen;               /* marker at the last sync */
    char           *marker;             /* now: ctag and token */
    dav_etag_list_t  known;             /* objects */

    bridge_backoff_t  backoff;          /* its own failures */
    bridge_msec_t   until;              /* it is not tried again before */

    unsigned        unknown:1;          /* too many objects */
    unsigned        baseline:1;         /* was synchronized once */
    unsigned        nosync:1;           /* has no sync-collection */
    unsigned        listed:1;           /* in this round */
    unsigned        missing:1;          /* not listed in the last round */
    unsigned        failed:1;           /* its last sync has failed */
    unsigned        skips:1;            /* objects were left out, logged */
    unsigned        doubt:1;            /* some were: the next list is whole */
    unsigned        due:1;              /* to be synchronized */
} dav_collection_t;

typedef TAILQ_HEAD(, dav_collection_s)  dav_collections_t;


dav_collection_t *dav_collection_create(const char *path);
void dav_collection_free(dav_collection_t *col);

/* The same path, as the server spells it now. */

void dav_collection_spell(dav_collection_t *col, const char *path);

/* Takes the properties of a response.  True if users see a difference. */

int dav_collection_update(dav_collection_t *col, const dav_response_t *r);

/* NULL: not a state of a collection. */

json_t *dav_collection_state(const dav_collection_t *col);
dav_collection_t *dav_collection_from_state(const char *key, json_t *state);

/* "what" is "Create", "Update" or "Delete"; "old" a former name, or NULL. */

json_t *dav_collection_event(const dav_collection_t *col, const char *what,
    const char *old);

/*
 * Adds the events of "delta" to "events".  "contents", or NULL, has contents
 * by name.  The last event has the token, the others "more".
 */

void dav_collection_changes(const dav_collection_t *col, json_t *events,
    const dav_etag_list_t *delta, json_t *contents);

/* Adds an item of an ETag list to "changed" or "removed" of "to". */

void dav_collection_object(json_t *to, const char *path, const char *item,
    json_t *content);

/* The changes are not known: a device has to compare all objects. */

json_t *dav_collection_resync(const dav_collection_t *col);


#endif /* _DAV_COLLECTION_H_INCLUDED_ */
