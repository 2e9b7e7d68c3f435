
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a request that is answered by a multistatus.
 */


#ifndef _DAV_REPORT_H_INCLUDED_
#define _DAV_REPORT_H_INCLUDED_


#include "dav_state.h"


struct dav_reply_s {
    const dav_answer_t   *answer;
    int                   ok;           /* 207, and read to its end */
    unsigned              error;        /* DAV_ERROR_* */
    const char           *token;        /* of the whole */
    const char           *why;          /* if not ok */
};

typedef void (*dav_reply_pt)(void *data, const dav_reply_t *reply);

/* The XML is freed.  NULL if there are too many requests. */

dav_report_t *dav_report(dav_client_t *c, const char *method, const char *path,
    int depth, char *xml, dav_response_pt response, dav_reply_pt reply,
    void *data);

/* Not within its reply(). */

void dav_report_cancel(dav_report_t *call);

/* A question with a token that is answered so was about an invalid one. */

int dav_report_is_token(int status);


#endif /* _DAV_REPORT_H_INCLUDED_ */
