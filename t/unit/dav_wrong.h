
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
           WRONG_SAME_PAGE, WRONG_HALF_LIST, WRONG_HALF_REFUSED,
           WRONG_CUT_LIST, WRONG_WORD } how;
    const char          *word;          /* of the right body, has become */
    const char          *other;         /* another one */
    unsigned             requests;      /* more than one */
    uint32_t             after;         /* ms */
} wrong_t;


#define WRONG_PAGE                                                            \
    "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 507 X</D:status>"      \
    "</D:response><D:sync-token>t%u</D:sync-token>"


#define WRONG_IN_BODY(text, from, to)                                         \
    { .name = text, .status = 207, .how = WRONG_WORD, .word = from,           \
      .other = to }


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
    { .name = "204", .status = 204 },
    { .name = "206 with the right body", .status = 206, .how = WRONG_RIGHT },
    { .name = "304", .status = 304 },
    { .name = "402", .status = 402 },
    { .name = "423", .status = 423 },
    { .name = "451", .status = 451 },
    { .name = "502, HTML", .status = 502, .body = "<html>Bad gateway" },
    { .name = "504, Retry-After: 2", .status = 504, .retry_after = 2000 },
    { .name = "401, Retry-After: 1", .status = 401, .retry_after = 1000 },
    { .name = "a list that is cut", .status = 207, .how = WRONG_CUT_LIST },
    WRONG_IN_BODY("each part answers 500", "HTTP/1.1 200", "HTTP/1.1 500"),
    WRONG_IN_BODY("each part answers 403", "HTTP/1.1 200", "HTTP/1.1 403"),
    WRONG_IN_BODY("each part answers 429", "HTTP/1.1 200", "HTTP/1.1 429"),
    WRONG_IN_BODY("parts without status", "HTTP/1.1 200", "well"),
    WRONG_IN_BODY("no ETags", "D:getetag", "D:getxtag"),
    WRONG_IN_BODY("no types", "D:resourcetype", "D:type"),
    WRONG_IN_BODY("no hrefs", "D:href", "D:ref"),
    WRONG_IN_BODY("hrefs on another host", "<D:href>/",
                  "<D:href>http://other.example.org/"),
    WRONG_IN_BODY("relative hrefs", "<D:href>/", "<D:href>"),
    WRONG_IN_BODY("hrefs with a prefix", "<D:href>/", "<D:href>/proxy/"),
    WRONG_IN_BODY("another namespace", "'DAV:'", "'dav:'"),
    WRONG_IN_BODY("no tokens", "D:sync-token", "D:sync"),
    WRONG_IN_BODY("an entity", "<D:response>", "<D:response>&nbsp;"),
    WRONG_IN_BODY("control characters", "<D:prop>", "<D:prop>\x01\x1f"),
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


#endif /* _DAV_WRONG_H_INCLUDED_ */
