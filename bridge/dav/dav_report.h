
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Requests that are answered by a multistatus, and their bodies.  Called by
 * the steps of a round and by updates.  Invariant: reply() is called once,
 * from the event loop, unless the request is cancelled.
 */


#ifndef _DAV_REPORT_H_INCLUDED_
#define _DAV_REPORT_H_INCLUDED_


#include "dav_state.h"


struct dav_reply_s {
    const dav_answer_t   *answer;
    int                   status;       /* 0: no whole answer */
    unsigned              ok:1;         /* 207, and read to its end */
    unsigned              invalid_token:1;
    unsigned              nameless:1;   /* responses about nobody knows what */
    const char           *token;        /* of the whole */
    const char           *why;          /* if not ok */
};

typedef void (*dav_reply_pt)(void *data, const dav_reply_t *reply);


/*
 * Sends a request, which "report" points to until reply() is called.
 * Returns -1 if too many requests wait.
 */

int dav_report(dav_report_t **report, dav_client_t *c, const char *method,
    const char *path, int depth, const char *xml, dav_response_pt response,
    dav_reply_pt reply, void *data);

/*
 * Asks for the changes of a collection since "token", "" for all; NULL: for
 * all ETags, from a server without sync-collection.
 */

int dav_report_changes(dav_report_t **report, dav_client_t *c,
    const char *path, const char *token, dav_response_pt response,
    dav_reply_pt reply, void *data);

/* Asks for "n" objects of a collection with their contents. */

int dav_report_objects(dav_report_t **report, dav_client_t *c,
    const char *path, int calendar, char **paths, unsigned n,
    dav_response_pt response, dav_reply_pt reply, void *data);

/* Within response(): the path that answers, after redirects. */

const char *dav_report_path(const dav_report_t *report);

/* Not within its reply(). */

void dav_report_cancel(dav_report_t **report);

/*
 * Adds the change in a response about the collection at "path" to the list.
 * An object that the server could not tell of, or tells of without its ETag,
 * is as it is in "known".
 */

typedef enum {
    DAV_CHANGE_OBJECT = 0,
    DAV_CHANGE_ITSELF,                  /* it is about the collection */
    DAV_CHANGE_MORE,                    /* there are more changes */
    DAV_CHANGE_UNTAGGED,                /* it has no ETag; where the type was
                                           not asked for, it may be a folder */
    DAV_CHANGE_SKIPPED,                 /* the server can't tell of it */
    DAV_CHANGE_ELSEWHERE                /* nobody knows which object it is */
} dav_change_t;

dav_change_t dav_report_change(dav_client_t *c, const char *path,
    const dav_response_t *r, const dav_etag_list_t *known,
    dav_etag_list_t *list);

/* True if the reply to a request with a token means that it is not valid. */

int dav_report_is_token(const dav_reply_t *reply);


/* dav_xml.c */

/* Asks for the user's principal and homes. */
extern const char  dav_xml_principal[];

/* Asks for the collections of a home, and for a mark of their changes. */
extern const char  dav_xml_home[];

/* Asks for the ETags of all objects of a collection. */
extern const char  dav_xml_etags[];

/* Asks for the changes since "token", "" for all objects.  For g_free(). */
char *dav_xml_sync(const char *token);

/* Asks for some objects with their contents.  For g_free(). */
char *dav_xml_multiget(int calendar, char **paths, unsigned n);


#endif /* _DAV_REPORT_H_INCLUDED_ */
