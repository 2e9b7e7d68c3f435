
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the reading of an answer: a multistatus (RFC 4918, 13) or an error.
 * Called by dav_report.c with bytes; calls a handler for each response.  Pure.
 * Invariant: memory is bounded.  Limits of depth, of the length of a text, of
 * a tag and of the document, of the number of responses, and any document
 * type, which entities need, end the reading.  A control character, which XML
 * forbids and some servers send, is read as a space.
 */


#ifndef _DAV_MULTISTATUS_H_INCLUDED_
#define _DAV_MULTISTATUS_H_INCLUDED_


#include "bridge.h"


#define DAV_MULTISTATUS_DEPTH   32
#define DAV_MULTISTATUS_TEXT    4096        /* bytes of a property */
#define DAV_MULTISTATUS_TAG     65536       /* bytes of a tag */


typedef struct dav_multistatus_s  dav_multistatus_t;

/* Texts of a response: properties, then its href. */

typedef enum {
    DAV_ETAG = 0,
    DAV_CTAG,
    DAV_TOKEN,                  /* sync-token */
    DAV_NAME,                   /* displayname */
    DAV_COLOR,
    DAV_PRINCIPAL,              /* an href */
    DAV_CARD_HOME,              /* hrefs, a line each */
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
    unsigned        failed:1;   /* the server could not give a property: it
                                   may be there */
    unsigned        cut:1;      /* DAV_DATA was too long, and is left out */
    char           *text[DAV_TEXTS];        /* NULL: not there; of properties
                                               whose status is 2xx only */
} dav_response_t;

typedef struct {
    size_t          max_bytes;
    size_t          max_data;   /* of DAV_DATA; longer data is left out */
    unsigned        max_responses;
} dav_multistatus_limits_t;


/* Of the whole document. */

typedef struct {
    const char     *why;        /* the reading has ended, NULL: it goes on */
    char           *token;      /* sync-token, or NULL */
    unsigned        multistatus:1;
    unsigned        invalid_token:1;    /* an error, valid-sync-token */
    unsigned        nameless:1; /* a response has no href */
} dav_multistatus_result_t;


/* "r" is valid during the call. */

typedef void (*dav_response_pt)(void *data, const dav_response_t *r);


dav_multistatus_t *dav_multistatus_create(
    const dav_multistatus_limits_t *limits, dav_response_pt handler,
    void *data);

/* Returns -1 when the reading has ended. */

int dav_multistatus_feed(dav_multistatus_t *m, const char *bytes, size_t len);

/* Returns -1 if that was not a whole document. */

int dav_multistatus_end(dav_multistatus_t *m);

const dav_multistatus_result_t *dav_multistatus_result(dav_multistatus_t *m);

void dav_multistatus_free(dav_multistatus_t *m);


#endif /* _DAV_MULTISTATUS_H_INCLUDED_ */
