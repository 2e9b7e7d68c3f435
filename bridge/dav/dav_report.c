
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_report.h"
#include "dav_xml.h"

#include <stdlib.h>


#define DAV_REPORT_RESPONSES  200000
#define DAV_REPORT_OTHER      65536       /* bytes of what is no multistatus */


struct dav_report_s {
    dav_transfer_t      *transfer;
    dav_multistatus_t   *multistatus;
    dav_reply_pt         reply;
    void                *data;
    size_t               received;
    unsigned             stopped:1;     /* we have read enough of it */
};


static int dav_report_body(void *data, const char *bytes, size_t len);
static void dav_report_done(void *data, const dav_answer_t *answer);
static void dav_report_free(dav_report_t *call);


dav_report_t *
dav_report(dav_client_t *c, const char *method, const char *path, int depth,
    char *xml, dav_response_pt response, dav_reply_pt reply, void *data)
{
    dav_report_t                *call;
    dav_request_t              request;
    dav_multistatus_limits_t   limits;

    limits.max_bytes = c->server->max_answer;
    limits.max_data = c->server->max_object;
    limits.max_responses = DAV_REPORT_RESPONSES;

    memset(&request, 0, sizeof(request));
    request.method = method;
    request.origin = c->origin;
    request.path = path;
    request.depth = depth;
    request.type = DAV_XML_TYPE;
    request.body = xml;
    request.len = strlen(xml);
    request.max_answer = c->server->max_answer;

    call = bridge_alloc(sizeof(dav_report_t));
    call->reply = reply;
    call->data = data;
    call->multistatus = dav_multistatus_create(&limits, response, data);
    call->transfer = dav_http_send(c->server->http, &request, &c->login,
                                   dav_report_body, dav_report_done, call);
    free(xml);

    if (call->transfer == NULL) {
        dav_report_free(call);
        return NULL;
    }

    return call;
}


void
dav_report_cancel(dav_report_t *call)
{
    dav_http_cancel(call->transfer);
    dav_report_free(call);
}


/*
 * An error's body is often no XML, and then it does not matter: a short one
 * is read to its end, so that the connection can be used again.
 */

static int
dav_report_body(void *data, const char *bytes, size_t len)
{
    dav_report_t *call = data;

    call->received += len;

    if (dav_multistatus_feed(call->multistatus, bytes, len) == -1
        && (dav_multistatus_is(call->multistatus)
            || call->received > DAV_REPORT_OTHER))
    {
        call->stopped = 1;
        return -1;
    }

    return 0;
}


static void
dav_report_done(void *data, const dav_answer_t *answer)
{
    dav_report_t *call = data;

    int                 whole;
    dav_reply_t         reply;
    dav_multistatus_t  *m = call->multistatus;

    memset(&reply, 0, sizeof(reply));

    whole = dav_multistatus_end(m) == 0;

    reply.answer = answer;
    reply.error = dav_multistatus_error(m);
    reply.token = dav_multistatus_token(m);
    reply.ok = whole && answer->result == DAV_HTTP_OK && answer->status == 207
               && dav_multistatus_is(m);

    reply.why = answer->result == DAV_HTTP_OK || call->stopped
                ? dav_multistatus_why(m) : answer->why;

    if (reply.why == NULL) {
        reply.why = "no multistatus";
    }

    call->reply(call->data, &reply);

    dav_report_free(call);
}


static void
dav_report_free(dav_report_t *call)
{
    dav_multistatus_free(call->multistatus);
    free(call);
}


/*
 * RFC 6578, 3.2 has 403 with a precondition; others are seen, too, up to the
 * 500 of Xandikos.
 */

int
dav_report_is_token(int status)
{
    return status == 400 || status == 403 || status == 409 || status == 410
           || status == 412 || status == 500;
}
