
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An element is known by its place.  An element that is not in the table is
 * skipped with its content.
 */


#include "dav_multistatus.h"
#include "bridge_buffer.h"

#include <expat.h>
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>


#define DAV_NS         "DAV:|"
#define DAV_NS_CARD    "urn:ietf:params:xml:ns:carddav|"
#define DAV_NS_CAL     "urn:ietf:params:xml:ns:caldav|"
#define DAV_NS_CS      "http://calendarserver.org/ns/|"
#define DAV_NS_APPLE   "http://apple.com/ns/ical/|"
#define DAV_NS_AB      "http://inf-it.com/ns/ab/|"

#define DAV_STATUS     DAV_TEXTS        /* a text that no handler gets */

/* expat 2.9 deprecates the function with the narrower type. */

#if (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9)
#define XML_GetCurrentByteIndex64  XML_GetCurrentByteIndex
#endif


typedef enum {
    DAV_AT_NOWHERE = 0,
    DAV_AT_ROOT,
    DAV_AT_MULTISTATUS,
    DAV_AT_ERROR,
    DAV_AT_INVALID_TOKEN,
    DAV_AT_RESPONSE,
    DAV_AT_PROPSTAT,
    DAV_AT_PROP,
    DAV_AT_TYPE,
    DAV_AT_COMPONENTS,
    DAV_AT_COMPONENT,
    DAV_AT_COMPONENT_NAME,              /* an attribute of that */
    DAV_AT_PRINCIPAL,
    DAV_AT_CARD_HOME,
    DAV_AT_CALENDAR_HOME,
    DAV_AT_FLAG,
    DAV_AT_TEXT
} dav_at_t;

typedef struct {
    dav_at_t       parent;
    const char    *name;
    dav_at_t       at;
    unsigned       value;               /* of a flag; the text */
} dav_element_t;

typedef struct {
    dav_response_t             response;
    char                      *status;
} dav_part_t;

struct dav_multistatus_s {
    XML_Parser                 parser;
    dav_multistatus_limits_t   limits;
    dav_response_pt            handler;
    void                      *data;

    dav_at_t                   at[DAV_MULTISTATUS_DEPTH];
    unsigned                   depth;
    bridge_buffer_t            text;    /* that is being read */
    char                     **to;      /* its place, NULL: none is read */
    unsigned                   which;

    size_t                     fed;
    bridge_buffer_t            clean;   /* without control characters */
    unsigned                   utf16:1;
    unsigned                   nresponses;
    dav_part_t                 response;
    dav_part_t                 propstat;
    dav_multistatus_result_t   result;
};


static const char *dav_multistatus_clean(dav_multistatus_t *m,
    const char *bytes, size_t len);
static int dav_multistatus_parse(dav_multistatus_t *m, const char *bytes,
    size_t len, int last);
static void XMLCALL dav_multistatus_start(void *data, const XML_Char *name,
    const XML_Char **attributes);
static const dav_element_t *dav_multistatus_element(dav_at_t parent,
    const char *name);
static void dav_multistatus_enter(dav_multistatus_t *m,
    const dav_element_t *e, const XML_Char **attributes);
static void XMLCALL dav_multistatus_text(void *data, const XML_Char *text,
    int len);
static void XMLCALL dav_multistatus_finish(void *data, const XML_Char *name);
static void dav_multistatus_store(dav_multistatus_t *m);
static void dav_multistatus_propstat(dav_multistatus_t *m);
static void dav_multistatus_response(dav_multistatus_t *m);
static int dav_multistatus_status(const char *line);
static void dav_multistatus_clear(dav_part_t *part);
static void dav_multistatus_stop(dav_multistatus_t *m, const char *why);
static void XMLCALL dav_multistatus_doctype(void *data, const XML_Char *name,
    const XML_Char *system, const XML_Char *public, int internal);


static const dav_element_t  dav_elements[] = {

    { DAV_AT_ROOT, DAV_NS "multistatus", DAV_AT_MULTISTATUS, 0 },
    { DAV_AT_ROOT, DAV_NS "error", DAV_AT_ERROR, 0 },
    { DAV_AT_ERROR, DAV_NS "valid-sync-token", DAV_AT_INVALID_TOKEN, 0 },

    { DAV_AT_MULTISTATUS, DAV_NS "response", DAV_AT_RESPONSE, 0 },
    { DAV_AT_MULTISTATUS, DAV_NS "sync-token", DAV_AT_TEXT, DAV_TOKEN },

    { DAV_AT_RESPONSE, DAV_NS "href", DAV_AT_TEXT, DAV_HREF },
    { DAV_AT_RESPONSE, DAV_NS "status", DAV_AT_TEXT, DAV_STATUS },
    { DAV_AT_RESPONSE, DAV_NS "propstat", DAV_AT_PROPSTAT, 0 },

    { DAV_AT_PROPSTAT, DAV_NS "prop", DAV_AT_PROP, 0 },
    { DAV_AT_PROPSTAT, DAV_NS "status", DAV_AT_TEXT, DAV_STATUS },

    { DAV_AT_PROP, DAV_NS "getetag", DAV_AT_TEXT, DAV_ETAG },
    { DAV_AT_PROP, DAV_NS_CS "getctag", DAV_AT_TEXT, DAV_CTAG },
    { DAV_AT_PROP, DAV_NS "sync-token", DAV_AT_TEXT, DAV_TOKEN },
    { DAV_AT_PROP, DAV_NS "displayname", DAV_AT_TEXT, DAV_NAME },
    { DAV_AT_PROP, DAV_NS_APPLE "calendar-color", DAV_AT_TEXT, DAV_COLOR },
    { DAV_AT_PROP, DAV_NS_AB "addressbook-color", DAV_AT_TEXT, DAV_COLOR },
    { DAV_AT_PROP, DAV_NS_CARD "address-data", DAV_AT_TEXT, DAV_DATA },
    { DAV_AT_PROP, DAV_NS_CAL "calendar-data", DAV_AT_TEXT, DAV_DATA },
    { DAV_AT_PROP, DAV_NS "resourcetype", DAV_AT_TYPE, 0 },
    { DAV_AT_PROP, DAV_NS_CAL "supported-calendar-component-set",
      DAV_AT_COMPONENTS, 0 },
    { DAV_AT_PROP, DAV_NS "current-user-principal", DAV_AT_PRINCIPAL, 0 },
    { DAV_AT_PROP, DAV_NS_CARD "addressbook-home-set", DAV_AT_CARD_HOME, 0 },
    { DAV_AT_PROP, DAV_NS_CAL "calendar-home-set", DAV_AT_CALENDAR_HOME, 0 },

    { DAV_AT_TYPE, DAV_NS "collection", DAV_AT_FLAG, DAV_IS_COLLECTION },
    { DAV_AT_TYPE, DAV_NS_CARD "addressbook", DAV_AT_FLAG,
      DAV_IS_ADDRESSBOOK },
    { DAV_AT_TYPE, DAV_NS_CAL "calendar", DAV_AT_FLAG, DAV_IS_CALENDAR },

    { DAV_AT_COMPONENTS, DAV_NS_CAL "comp", DAV_AT_COMPONENT, 0 },
    { DAV_AT_COMPONENT_NAME, "VEVENT", DAV_AT_FLAG, DAV_HAS_EVENT },
    { DAV_AT_COMPONENT_NAME, "VTODO", DAV_AT_FLAG, DAV_HAS_TODO },
    { DAV_AT_COMPONENT_NAME, "VJOURNAL", DAV_AT_FLAG, DAV_HAS_JOURNAL },

    { DAV_AT_PRINCIPAL, DAV_NS "href", DAV_AT_TEXT, DAV_PRINCIPAL },
    { DAV_AT_CARD_HOME, DAV_NS "href", DAV_AT_TEXT, DAV_CARD_HOME },
    { DAV_AT_CALENDAR_HOME, DAV_NS "href", DAV_AT_TEXT, DAV_CALENDAR_HOME },

    { DAV_AT_NOWHERE, NULL, DAV_AT_NOWHERE, 0 }
};


dav_multistatus_t *
dav_multistatus_create(const dav_multistatus_limits_t *limits,
    dav_response_pt handler, void *data)
{
    dav_multistatus_t  *m;

    static const XML_Memory_Handling_Suite  memory = {
        g_malloc, g_realloc, free
    };

    m = bridge_alloc(sizeof(dav_multistatus_t));

    m->limits = *limits;
    m->handler = handler;
    m->data = data;
    m->at[0] = DAV_AT_ROOT;

    m->parser = XML_ParserCreate_MM(NULL, &memory, "|");

    XML_SetUserData(m->parser, m);
    XML_SetElementHandler(m->parser, dav_multistatus_start,
                          dav_multistatus_finish);
    XML_SetCharacterDataHandler(m->parser, dav_multistatus_text);
    XML_SetStartDoctypeDeclHandler(m->parser, dav_multistatus_doctype);

    return m;
}


void
dav_multistatus_free(dav_multistatus_t *m)
{
    if (m->parser) {
        XML_ParserFree(m->parser);
    }

    dav_multistatus_clear(&m->response);
    dav_multistatus_clear(&m->propstat);
    bridge_buffer_free(&m->text);
    bridge_buffer_free(&m->clean);
    free(m->result.token);
    free(m);
}


int
dav_multistatus_feed(dav_multistatus_t *m, const char *bytes, size_t len)
{
    size_t       n;
    int64_t      at;
    const char  *text;

    /* Pieces are small, so that a tag without an end is found early. */

    for ( /* void */ ; len && m->result.why == NULL; bytes += n, len -= n) {
        n = len < DAV_MULTISTATUS_TAG / 4 ? len : DAV_MULTISTATUS_TAG / 4;

        if (m->fed == 0 && g_ascii_isspace(*bytes)) {

            /* XML has to begin at once, some scripts print a line before */

            n = 1;
            continue;
        }

        text = dav_multistatus_clean(m, bytes, n);
        m->fed += n;

        if (m->fed > m->limits.max_bytes) {
            m->result.why = "answer is too long";
            break;
        }

        if (dav_multistatus_parse(m, text, n, 0) == -1) {
            break;
        }

        at = XML_GetCurrentByteIndex64(m->parser);

        if (at >= 0 && m->fed - (size_t) at > DAV_MULTISTATUS_TAG) {
            m->result.why = "tag is too long";
        }
    }

    return m->result.why ? -1 : 0;
}


/* In UTF-16, a zero is half of a letter. */

static const char *
dav_multistatus_clean(dav_multistatus_t *m, const char *bytes, size_t len)
{
    size_t         i;
    unsigned char  c;

    m->clean.len = 0;

    for (i = 0; i < len; i++) {
        c = bytes[i];

        if (m->fed + i < 2 && (c == 0 || c >= 0xfe)) {
            m->utf16 = 1;
        }

        if (c < ' ' && c != '\t' && c != '\n' && c != '\r' && !m->utf16) {

            if (m->clean.len == 0) {
                bridge_buffer_add(&m->clean, bytes, len);
            }

            m->clean.data[i] = ' ';
        }
    }

    return m->clean.len ? m->clean.data : bytes;
}


int
dav_multistatus_end(dav_multistatus_t *m)
{
    return dav_multistatus_parse(m, "", 0, 1);
}


static int
dav_multistatus_parse(dav_multistatus_t *m, const char *bytes, size_t len,
    int last)
{
    if (m->result.why == NULL
        && XML_Parse(m->parser, bytes, (int) len, last) != XML_STATUS_OK
        && m->result.why == NULL)
    {
        m->result.why = XML_ErrorString(XML_GetErrorCode(m->parser));
    }

    return m->result.why ? -1 : 0;
}


const dav_multistatus_result_t *
dav_multistatus_result(dav_multistatus_t *m)
{
    return &m->result;
}


static void XMLCALL
dav_multistatus_start(void *data, const XML_Char *name,
    const XML_Char **attributes)
{
    dav_multistatus_t *m = data;

    const dav_element_t  *e;

    if (m->result.why) {
        return;
    }

    if (m->depth + 1 == DAV_MULTISTATUS_DEPTH) {
        dav_multistatus_stop(m, "answer is nested too deep");
        return;
    }

    /* A text with elements in it is not kept. */

    m->to = NULL;

    e = dav_multistatus_element(m->at[m->depth], name);

    m->at[++m->depth] = e ? e->at : DAV_AT_NOWHERE;

    if (e) {
        dav_multistatus_enter(m, e, attributes);
    }
}


static const dav_element_t *
dav_multistatus_element(dav_at_t parent, const char *name)
{
    const dav_element_t  *e;

    for (e = dav_elements; e->name; e++) {
        if (e->parent == parent && strcmp(e->name, name) == 0) {
            return e;
        }
    }

    return NULL;
}


static void
dav_multistatus_enter(dav_multistatus_t *m, const dav_element_t *e,
    const XML_Char **attributes)
{
    dav_part_t  *part;

    switch (e->at) {

    case DAV_AT_MULTISTATUS:
        m->result.multistatus = 1;
        break;

    case DAV_AT_INVALID_TOKEN:
        m->result.invalid_token = 1;
        break;

    case DAV_AT_RESPONSE:
        dav_multistatus_clear(&m->response);

        if (++m->nresponses > m->limits.max_responses) {
            dav_multistatus_stop(m, "answer has too many responses");
        }

        break;

    case DAV_AT_PROPSTAT:
        dav_multistatus_clear(&m->propstat);
        break;

    case DAV_AT_COMPONENT:
        for ( /* void */ ; attributes[0]; attributes += 2) {
            e = strcmp(attributes[0], "name") == 0
                ? dav_multistatus_element(DAV_AT_COMPONENT_NAME, attributes[1])
                : NULL;
            m->propstat.response.flags |= e ? e->value : 0;
        }

        break;

    case DAV_AT_FLAG:
        m->propstat.response.flags |= e->value;
        break;

    case DAV_AT_TEXT:
        part = e->parent == DAV_AT_RESPONSE ? &m->response : &m->propstat;

        m->text.len = 0;
        m->which = e->value;
        m->to = e->parent == DAV_AT_MULTISTATUS ? &m->result.token
                : e->value == DAV_STATUS ? &part->status
                : &part->response.text[e->value];
        break;

    default:
        break;
    }
}


static void XMLCALL
dav_multistatus_text(void *data, const XML_Char *text, int len)
{
    dav_multistatus_t *m = data;

    if (m->result.why || m->to == NULL) {
        return;
    }

    if (m->text.len + len <= (m->which == DAV_DATA ? m->limits.max_data
                                                   : DAV_MULTISTATUS_TEXT))
    {
        bridge_buffer_add(&m->text, text, len);

    } else if (m->which == DAV_DATA) {
        m->propstat.response.cut = 1;
        m->to = NULL;

    } else {
        dav_multistatus_stop(m, "text is too long");
    }
}


static void XMLCALL
dav_multistatus_finish(void *data, const XML_Char *name)
{
    dav_multistatus_t *m = data;

    dav_at_t  at;

    if (m->result.why || m->depth == 0) {
        return;
    }

    at = m->at[m->depth--];

    if (m->to) {
        dav_multistatus_store(m);

    } else if (at == DAV_AT_PROPSTAT) {
        dav_multistatus_propstat(m);

    } else if (at == DAV_AT_RESPONSE) {
        dav_multistatus_response(m);
    }
}


/* Keeps the text, without the white space around it. */

static void
dav_multistatus_store(dav_multistatus_t *m)
{
    char  *old = *m->to, *text;

    text = bridge_copy(m->text.data, m->text.len);

    if (m->which != DAV_DATA) {
        g_strstrip(text);
    }

    *m->to = text;

    /* homes are lists, and a response may be about several objects */
    if (old && m->which >= DAV_PRINCIPAL && m->which <= DAV_HREF
        && m->which != DAV_DATA)
    {
        *m->to = bridge_format("%s\n%s", old, text);
        free(text);

        if (strlen(old) > DAV_MULTISTATUS_TAG) {
            dav_multistatus_stop(m, "too many hrefs");
        }
    }

    free(old);
    m->to = NULL;
}


/* Properties that the server has become a part of the response. */

static void
dav_multistatus_propstat(dav_multistatus_t *m)
{
    int              i, status;
    dav_response_t  *from = &m->propstat.response, *to = &m->response.response;

    status = dav_multistatus_status(m->propstat.status);
    to->failed |= status / 100 != 2 && status != 404;

    if (status / 100 == 2) {
        to->flags |= from->flags;
        to->cut |= from->cut;

        for (i = 0; i < DAV_HREF; i++) {
            if (from->text[i]) {
                free(to->text[i]);
                to->text[i] = from->text[i];
                from->text[i] = NULL;
            }
        }
    }

    dav_multistatus_clear(&m->propstat);
}


static void
dav_multistatus_response(dav_multistatus_t *m)
{
    char            *more;
    dav_response_t  *r = &m->response.response;

    r->status = dav_multistatus_status(m->response.status);

    if (r->status == 0) {
        r->status = 200;
    }

    m->result.nameless |= r->text[DAV_HREF] == NULL;

    while (r->text[DAV_HREF]) {
        more = strchr(r->text[DAV_HREF], '\n');

        if (more) {
            *more++ = '\0';
            more = bridge_string(more);
        }

        m->handler(m->data, r);
        free(r->text[DAV_HREF]);
        r->text[DAV_HREF] = more;
    }

    dav_multistatus_clear(&m->response);
}


/* "HTTP/1.1 404 Not Found"; 0 if it is no such line. */

static int
dav_multistatus_status(const char *line)
{
    int  status;

    if (line == NULL || strncmp(line, "HTTP/", 5) != 0) {
        return 0;
    }

    status = atoi(line + strcspn(line, " "));

    return status >= 100 && status <= 599 ? status : 0;
}


static void
dav_multistatus_clear(dav_part_t *part)
{
    int  i;

    for (i = 0; i < DAV_TEXTS; i++) {
        free(part->response.text[i]);
    }

    free(part->status);
    memset(part, 0, sizeof(dav_part_t));
}


/* Within a call of expat's, which may make some more calls. */

static void
dav_multistatus_stop(dav_multistatus_t *m, const char *why)
{
    m->result.why = why;
    XML_StopParser(m->parser, XML_FALSE);
}


static void XMLCALL
dav_multistatus_doctype(void *data, const XML_Char *name,
    const XML_Char *system, const XML_Char *public, int internal)
{
    dav_multistatus_stop(data, "answer has a document type");
}
