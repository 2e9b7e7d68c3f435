
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What a WebDAV server answers, a multistatus (RFC 4918, 13) or an error,
 * while it comes: bytes in, one call for each response out.  Pure.
 *
 * Nothing in an answer makes it take more than a bounded memory: depth, the
 * length of a text, of a tag and of the whole, the number of responses, and
 * any document type, which entities need, end the reading.
 */


#ifndef _DAV_MULTISTATUS_H_INCLUDED_
#define _DAV_MULTISTATUS_H_INCLUDED_


#include "bridge.h"


#define DAV_MULTISTATUS_DEPTH   32
#define DAV_MULTISTATUS_TEXT    4096        /* bytes of a property */
#define DAV_MULTISTATUS_TAG     65536       /* of what is between < and > */


typedef struct dav_multistatus_s  dav_multistatus_t;

/* Texts of a response; the last one is of its member, not a property. */

typedef enum {
    DAV_ETAG = 0,
    DAV_CTAG,
    DAV_TOKEN,                  /* sync-token */
    DAV_NAME,                   /* displayname */
    DAV_COLOR,
    DAV_PRINCIPAL,              /* an href, as the homes are */
    DAV_CARD_HOME,              /* several are separated by a line feed */
    DAV_CALENDAR_HOME,
    DAV_DATA,                   /* address-data or calendar-data */
    DAV_HREF,
    DAV_TEXTS
} dav_text_t;

#define DAV_IS_COLLECTION       0x01        /* resourcetype */
#define DAV_IS_ADDRESSBOOK      0x02
#define DAV_IS_CALENDAR         0x04

#define DAV_HAS_EVENT           0x10        /* supported components */
#define DAV_HAS_TODO            0x20
#define DAV_HAS_JOURNAL         0x40

typedef struct {
    int             status;     /* of the response, 200 if it has none */
    unsigned        flags;      /* DAV_IS_*, DAV_HAS_* */
    char           *text[DAV_TEXTS];        /* NULL: not there; of properties
                                               whose status is 2xx only */
} dav_response_t;

/* Preconditions in an error's body */

#define DAV_ERROR_TOKEN         0x01        /* valid-sync-token */
#define DAV_ERROR_LIMIT         0x02        /* number-of-matches-within-... */


typedef struct {
    size_t          max_bytes;
    size_t          max_data;   /* of DAV_DATA; a longer one is left out */
    unsigned        max_responses;
} dav_multistatus_limits_t;


/* "r" is valid during the call.  Anything but 0 ends the reading. */

typedef int (*dav_response_pt)(void *data, const dav_response_t *r);


dav_multistatus_t *dav_multistatus_create(
    const dav_multistatus_limits_t *limits, dav_response_pt handler,
    void *data);

/* Returns -1 when the reading is over, dav_multistatus_why() knows why. */

int dav_multistatus_feed(dav_multistatus_t *m, const char *bytes, size_t len);

/* The end: returns -1 if that was not a whole document. */

int dav_multistatus_end(dav_multistatus_t *m);

const char *dav_multistatus_why(dav_multistatus_t *m);

/* The sync-token of the whole, or NULL; DAV_ERROR_*. */

const char *dav_multistatus_token(dav_multistatus_t *m);
unsigned dav_multistatus_error(dav_multistatus_t *m);

/* False if the document was no multistatus. */

int dav_multistatus_is(dav_multistatus_t *m);

void dav_multistatus_free(dav_multistatus_t *m);


#endif /* _DAV_MULTISTATUS_H_INCLUDED_ */
