
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The requests of a DAV client, and the ways in which a server can answer
 * them wrongly.
 */


#ifndef _DAV_WRONG_H_INCLUDED_
#define _DAV_WRONG_H_INCLUDED_


#include "dav_http.h"
#include "dav_world.h"


/* "path" and "body" may be empty: any. */

typedef struct {
    world_kind_t         kind;
    unsigned             first;         /* it is sent only at first */
    const char          *method;
    const char          *path;
    const char          *body;
} wrong_request_t;


static const wrong_request_t  wrong_requests[] = {
    { WORLD_WELL_KNOWN, 1, "PROPFIND", "/.well-known/carddav", "" },
    { WORLD_WELL_KNOWN, 1, "PROPFIND", "/.well-known/", "" },
    { WORLD_ROOT, 1, "PROPFIND", "/", "" },
    { WORLD_WELL_KNOWN, 1, "PROPFIND", "/p/alice/", "" },
    { WORLD_PATH, 1, "PROPFIND", "/p/alice/", "" },
    { WORLD_WELL_KNOWN, 0, "PROPFIND", "/card/", "" },
    { WORLD_WELL_KNOWN, 0, "PROPFIND", "/cal/", "" },
    { WORLD_WELL_KNOWN, 0, "PROPFIND", "/cal/old/", "" },
    { WORLD_WELL_KNOWN, 0, "REPORT", "/card/book/", "sync-collection" },
    { WORLD_WELL_KNOWN, 0, "REPORT", "/card/book/", "multiget" },
    { WORLD_WELL_KNOWN, 0, "PUT", "", "" },
    { WORLD_WELL_KNOWN, 0, "DELETE", "", "" },
    { WORLD_WELL_KNOWN, 0, "", "", "" },
    { 0, 0, NULL, NULL, NULL }
};


/* Without a body: an empty one; the right one if "right". */

typedef struct {
    const char          *name;
    int                  status;
    const char          *body;
    uint32_t             retry_after;
    dav_http_result_t    result;
    enum { WRONG_BODY, WRONG_RIGHT, WRONG_CUT, WRONG_TOKENS, WRONG_PAGES,
           WRONG_SAME_PAGE, WRONG_HALF_LIST, WRONG_HALF_REFUSED } how;
    unsigned             requests;      /* more than one */
    uint32_t             after;         /* ms */
} wrong_t;


#define WRONG_PAGE                                                            \
    "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 507 X</D:status>"      \
    "</D:response><D:sync-token>t%u</D:sync-token>"


static const wrong_t  wrongs[] = {
    { .name = "400", .status = 400 },
    { .name = "401", .status = 401 },
    { .name = "403", .status = 403 },
    { .name = "404", .status = 404 },
    { .name = "405", .status = 405 },
    { .name = "409", .status = 409 },
    { .name = "410", .status = 410 },
    { .name = "412", .status = 412 },
    { .name = "429", .status = 429 },
    { .name = "429, Retry-After: 1", .status = 429, .retry_after = 1000 },
    { .name = "500", .status = 500 },
    { .name = "500 with the right body", .status = 500, .how = WRONG_RIGHT },
    { .name = "501", .status = 501 },
    { .name = "503", .status = 503 },
    { .name = "503, Retry-After: 1", .status = 503, .retry_after = 1000 },
    { .name = "503, Retry-After: 3600", .status = 503,
      .retry_after = 3600000 },
    { .name = "507", .status = 507 },
    { .name = "207 without a body", .status = 207 },
    { .name = "an empty 207", .status = 207, .body = WORLD_XML WORLD_XML_END },
    { .name = "207, no XML", .status = 207, .body = "<<& no XML" },
    { .name = "207 of others", .status = 207, .body = WORLD_XML
      "<D:response><D:href>/x/y</D:href><D:propstat><D:prop><D:getetag>e"
      "</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
      "</D:response>" WORLD_XML_END },
    { .name = "200, HTML", .status = 200, .body = "<html><p>Log in!</html>" },
    { .name = "200 with the right body", .status = 200, .how = WRONG_RIGHT },
    { .name = "another token each time", .status = 207, .how = WRONG_TOKENS },
    { .name = "the same page", .status = 207, .how = WRONG_SAME_PAGE },
    { .name = "half of a list without end", .status = 207,
      .how = WRONG_HALF_LIST },
    { .name = "half of a list, then 403", .status = 207,
      .how = WRONG_HALF_REFUSED },
    { .name = "empty pages without end", .status = 207, .how = WRONG_PAGES },
    { .name = "a redirect to itself", .status = 302, .result = DAV_HTTP_LIMIT,
      .requests = DAV_HTTP_REDIRECTS },
    { .name = "a redirect to another host", .status = 302,
      .result = DAV_HTTP_LIMIT },
    { .name = "cut off", .status = 207, .how = WRONG_CUT,
      .result = DAV_HTTP_LOST },
    { .name = "never", .result = DAV_HTTP_LOST, .after = 60000 },
    { .name = "reset", .result = DAV_HTTP_LOST },
    { .name = "refused", .result = DAV_HTTP_UNSENT },
    { .name = "a bad certificate", .result = DAV_HTTP_TLS }
};

#define WRONGS  (sizeof(wrongs) / sizeof(wrongs[0]))


static inline int
wrong_is_for(const wrong_request_t *r, const char *method, const char *path,
    const char *body)
{
    size_t  len = strlen(r->path);

    return strncmp(method, r->method, strlen(r->method)) == 0
           && (strcmp(r->path, path) == 0 || len == 0
               || (strcmp(r->path, "/.well-known/") == 0
                   && strncmp(path, r->path, len) == 0))
           && strstr(body ? body : "", r->body);
}


/* Returns the status.  "b" has the right body.  "n" is another number each
   time. */

static inline int
wrong_answer(bridge_buffer_t *b, const wrong_t *wrong, const char *path,
    const char *body, unsigned n)
{
    switch (wrong->how) {

    case WRONG_BODY:
        b->len = 0;
        bridge_buffer_text(b, wrong->body ? wrong->body : "");
        break;

    case WRONG_CUT:
        b->len /= 2;
        break;

    case WRONG_TOKENS:
        b->len = 0;
        world_say(b, WORLD_XML "<D:sync-token>t%u</D:sync-token>"
                  WORLD_XML_END, 1000000 + n);
        break;

    case WRONG_PAGES:
    case WRONG_SAME_PAGE:
        b->len = 0;
        world_say(b, WORLD_XML WRONG_PAGE WORLD_XML_END, path,
                  wrong->how == WRONG_PAGES ? 1000000 + n : 7);
        break;

    case WRONG_HALF_LIST:
    case WRONG_HALF_REFUSED:
        b->len = 0;

        if (strstr(body, "sync-token>t")
            && (wrong->how == WRONG_HALF_REFUSED
                || strstr(body, "sync-token>t7<") == NULL))
        {
            return 403;
        }

        bridge_buffer_text(b, WORLD_XML);
        world_response(b, "/card/book/2.vcf", "<D:getetag>\"e1\"</D:getetag>");
        world_say(b, WRONG_PAGE WORLD_XML_END, path, 7);
        break;

    default:
        break;
    }

    return wrong->status;
}


#endif /* _DAV_WRONG_H_INCLUDED_ */
