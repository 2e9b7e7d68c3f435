
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a REPORT request and its answer.  Called by synchronisation and by
 * updates.
 */


#include "dav_report.h"

#include <stdlib.h>

#include <glib.h>


#define DAV_REPORT_RESPONSES    200000
#define DAV_REPORT_OTHER        65536   /* bytes of another document */


struct dav_report_s {
    dav_report_t       **owner;
    dav_transfer_t      *transfer;
    dav_multistatus_t   *multistatus;
    dav_reply_pt         reply;
    void                *data;
    size_t               received;
    unsigned             stopped:1;     /* by us */
};


static int dav_report_body(void *data, const char *bytes, size_t len);
static void dav_report_done(void *data, const dav_answer_t *answer);
static void dav_report_free(dav_report_t *report);
static int dav_report_is_folder(const char *base, char *path);
static const char *dav_report_known(const dav_etag_list_t *known,
    const char *name);


int
dav_report(dav_report_t **owner, dav_client_t *c, const char *method,
    const char *path, int depth, const char *xml, dav_response_pt response,
    dav_reply_pt reply, void *data)
{
    dav_report_t              *report;
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
    request.type = "application/xml; charset=utf-8";
    request.body = xml;
    request.len = strlen(xml);
    request.max_answer = c->server->max_answer;

    report = bridge_alloc(sizeof(dav_report_t));
    report->owner = owner;
    report->reply = reply;
    report->data = data;
    report->multistatus = dav_multistatus_create(&limits, response, data);
    report->transfer = dav_http_send(c->server->http, &request, &c->login,
                                     dav_report_body, dav_report_done, report);

    if (report->transfer == NULL) {
        dav_report_free(report);
        return -1;
    }

    *owner = report;

    return 0;
}


int
dav_report_changes(dav_report_t **owner, dav_client_t *c, const char *path,
    const char *token, dav_response_pt response, dav_reply_pt reply,
    void *data)
{
    int    rc;
    char  *xml;

    if (token == NULL) {
        return dav_report(owner, c, "PROPFIND", path, 1, dav_xml_etags,
                          response, reply, data);
    }

    xml = dav_xml_sync(token);
    rc = dav_report(owner, c, "REPORT", path, 0, xml, response, reply, data);
    g_free(xml);

    return rc;
}


int
dav_report_objects(dav_report_t **owner, dav_client_t *c, const char *path,
    int calendar, char **paths, unsigned n, dav_response_pt response,
    dav_reply_pt reply, void *data)
{
    int    rc;
    char  *xml;

    xml = dav_xml_multiget(calendar, paths, n);
    rc = dav_report(owner, c, "REPORT", path, 1, xml, response, reply, data);
    g_free(xml);

    return rc;
}


void
dav_report_cancel(dav_report_t **owner)
{
    dav_report_t  *report = *owner;

    if (report) {
        *owner = NULL;
        dav_http_cancel(report->transfer);
        dav_report_free(report);
    }
}


/*
 * The body of an error is often no XML.  A short one is read to its end, so
 * that the connection can be used again.
 */

static int
dav_report_body(void *data, const char *bytes, size_t len)
{
    dav_report_t *report = data;

    report->received += len;

    if (dav_multistatus_feed(report->multistatus, bytes, len) == -1
        && (dav_multistatus_result(report->multistatus)->multistatus
            || report->received > DAV_REPORT_OTHER))
    {
        report->stopped = 1;
        return -1;
    }

    return 0;
}


static void
dav_report_done(void *data, const dav_answer_t *answer)
{
    dav_report_t *report = data;

    int                              whole;
    dav_reply_t                      reply;
    const dav_multistatus_result_t  *result;

    whole = dav_multistatus_end(report->multistatus) == 0;
    result = dav_multistatus_result(report->multistatus);

    reply.answer = answer;
    reply.status = answer->result == DAV_HTTP_OK ? answer->status : 0;
    reply.ok = whole && reply.status == 207 && result->multistatus;
    reply.invalid_token = result->invalid_token;
    reply.nameless = result->nameless;
    reply.token = result->token;
    reply.why = reply.status || report->stopped ? result->why : answer->why;

    if (reply.why == NULL) {
        reply.why = "no multistatus";
    }

    *report->owner = NULL;
    report->reply(report->data, &reply);

    dav_report_free(report);
}


const char *
dav_report_path(const dav_report_t *report)
{
    return dav_transfer_path(report->transfer);
}


static void
dav_report_free(dav_report_t *report)
{
    dav_multistatus_free(report->multistatus);
    free(report);
}


dav_change_t
dav_report_change(dav_client_t *c, const char *base, const dav_response_t *r,
    const dav_etag_list_t *known, dav_etag_list_t *list)
{
    int            status = r->status;
    char          *path;
    const char    *name, *etag = r->text[DAV_ETAG];
    dav_change_t   change;

    path = dav_url_resolve(c->origin, base, r->text[DAV_HREF]);
    name = path ? dav_url_name(base, path) : NULL;
    change = path ? DAV_CHANGE_OBJECT : DAV_CHANGE_ELSEWHERE;

    if (path && dav_url_same_collection(base, path)) {

        /* RFC 6578, 3.6: 507 for the collection */

        change = status == 507 ? DAV_CHANGE_MORE : DAV_CHANGE_ITSELF;

    } else if (name) {

        if (status == 404 || status == 410) {
            etag = "";

        } else if (status / 100 != 2 || r->failed) {
            etag = dav_report_known(known, name);
            change = DAV_CHANGE_SKIPPED;

        } else if (r->flags & DAV_IS_COLLECTION) {
            etag = NULL;

        } else if (etag == NULL || *etag == '\0') {
            etag = dav_report_known(known, name);
            change = DAV_CHANGE_UNTAGGED;
        }

        if (etag && dav_etag_list_add(list, name, etag) == -1) {
            change = DAV_CHANGE_SKIPPED;
        }

    } else if (path && !dav_report_is_folder(base, path)) {
        change = DAV_CHANGE_ELSEWHERE;
    }

    free(path);

    return change;
}


/* Directly in the collection */

static int
dav_report_is_folder(const char *base, char *path)
{
    size_t  len;

    len = strlen(path) - 1;

    if (path[len] != '/') {
        return 0;
    }

    path[len] = '\0';

    return dav_url_name(base, path) != NULL;
}


/* An object without an ETag is there, and is what it was. */

static const char *
dav_report_known(const dav_etag_list_t *known, const char *name)
{
    const char  *item;

    item = dav_etag_list_find(known, name);

    return item ? dav_etag_list_etag(item) : NULL;
}


/*
 * RFC 6578, 3.2 has 403 with a precondition.  Servers answer otherwise, too,
 * Xandikos with 500.
 */

int
dav_report_is_token(const dav_reply_t *reply)
{
    int  status = reply->status;

    return reply->invalid_token || status == 400 || status == 403
           || status == 409 || status == 410 || status == 412 || status == 500;
}
