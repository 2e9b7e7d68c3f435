
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An element is known by its place.  An element that is not in the table is
 * skipped with its content.
 */


#include "dav_element.h"
#include "bridge_buffer.h"

#include <expat.h>
#include <stdlib.h>


struct dav_multistatus_s {
    XML_Parser                 parser;
    dav_multistatus_limits_t   limits;
    dav_response_pt            handler;
    void                      *data;

    dav_at_t                   at[DAV_MULTISTATUS_DEPTH];
    unsigned                   depth;
    unsigned                   which;   /* text that is being read */
    size_t                     max;     /* of it */
    bridge_buffer_t            text;

    size_t                     fed;
    unsigned                   nresponses;
    dav_response_t             response;
    dav_response_t             propstat;
    dav_multistatus_result_t   result;

    unsigned                   reading:1;
    unsigned                   dropped:1;   /* the text is too long */
};


static void XMLCALL dav_multistatus_start(void *data, const XML_Char *name,
    const XML_Char **attributes);
static void XMLCALL dav_multistatus_finish(void *data, const XML_Char *name);
static void XMLCALL dav_multistatus_text(void *data, const XML_Char *text,
    int len);
static void XMLCALL dav_multistatus_doctype(void *data, const XML_Char *name,
    const XML_Char *system, const XML_Char *public, int internal);
static void dav_multistatus_enter(dav_multistatus_t *m,
    const dav_element_t *e, const XML_Char **attributes);
static void dav_multistatus_component(dav_multistatus_t *m,
    const XML_Char **attributes);
static void dav_multistatus_read(dav_multistatus_t *m, unsigned which,
    size_t max);
static void dav_multistatus_store(dav_multistatus_t *m, char **to, int list);
static void dav_multistatus_propstat(dav_multistatus_t *m);
static void dav_multistatus_response(dav_multistatus_t *m);
static int dav_multistatus_status(const char *line);
static void dav_multistatus_clear(dav_response_t *r);
static void dav_multistatus_stop(dav_multistatus_t *m, const char *why);


dav_multistatus_t *
dav_multistatus_create(const dav_multistatus_limits_t *limits,
    dav_response_pt handler, void *data)
{
    dav_multistatus_t  *m;

    m = bridge_alloc(sizeof(dav_multistatus_t));

    m->limits = *limits;
    m->handler = handler;
    m->data = data;
    m->at[0] = DAV_AT_ROOT;

    m->parser = XML_ParserCreateNS(NULL, '|');

    if (m->parser == NULL) {
        m->result.why = "no memory for a parser";
        return m;
    }

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
    free(m->result.token);
    free(m);
}


int
dav_multistatus_feed(dav_multistatus_t *m, const char *bytes, size_t len)
{
    size_t   n;
    XML_Index  at;

    /* Pieces are small, so that a tag that never ends is found early. */

    for ( /* void */ ; len && m->result.why == NULL; bytes += n, len -= n) {
        n = len < DAV_MULTISTATUS_TAG / 4 ? len : DAV_MULTISTATUS_TAG / 4;

        m->fed += n;

        if (m->fed > m->limits.max_bytes) {
            m->result.why = "answer is too long";
            break;
        }

        if (XML_Parse(m->parser, bytes, (int) n, 0) != XML_STATUS_OK
            && m->result.why == NULL)
        {
            m->result.why = XML_ErrorString(XML_GetErrorCode(m->parser));
        }

        at = XML_GetCurrentByteIndex(m->parser);

        if (m->result.why == NULL && at >= 0
            && m->fed - (size_t) at > DAV_MULTISTATUS_TAG)
        {
            m->result.why = "tag is too long";
        }
    }

    return m->result.why ? -1 : 0;
}


int
dav_multistatus_end(dav_multistatus_t *m)
{
    if (m->result.why == NULL
        && XML_Parse(m->parser, "", 0, 1) != XML_STATUS_OK
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

    /* Elements in a text end it: it is none that we want. */

    m->reading = 0;

    e = dav_element_find(m->at[m->depth], name);

    m->at[++m->depth] = e ? e->at : DAV_AT_NOWHERE;

    if (e) {
        dav_multistatus_enter(m, e, attributes);
    }
}


static void
dav_multistatus_enter(dav_multistatus_t *m, const dav_element_t *e,
    const XML_Char **attributes)
{
    switch (e->at) {

    case DAV_AT_MULTISTATUS:
        m->result.multistatus = 1;
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

    case DAV_AT_INVALID_TOKEN:
        m->result.invalid_token = 1;
        break;

    case DAV_AT_FLAG:
        m->propstat.flags |= e->value;
        break;

    case DAV_AT_COMPONENT:
        dav_multistatus_component(m, attributes);
        break;

    case DAV_AT_RESPONSE_STATUS:
    case DAV_AT_STATUS:
    case DAV_AT_WHOLE_TOKEN:
        dav_multistatus_read(m, DAV_TEXTS, DAV_MULTISTATUS_TEXT);
        break;

    case DAV_AT_TEXT:
        dav_multistatus_read(m, e->value,
                             e->value == DAV_DATA ? m->limits.max_data
                                                  : DAV_MULTISTATUS_TEXT);
        break;

    default:
        break;
    }
}


static void
dav_multistatus_component(dav_multistatus_t *m, const XML_Char **attributes)
{
    for ( /* void */ ; attributes[0]; attributes += 2) {

        if (strcmp(attributes[0], "name") != 0) {
            continue;
        }

        if (strcmp(attributes[1], "VEVENT") == 0) {
            m->propstat.flags |= DAV_HAS_EVENT;

        } else if (strcmp(attributes[1], "VTODO") == 0) {
            m->propstat.flags |= DAV_HAS_TODO;

        } else if (strcmp(attributes[1], "VJOURNAL") == 0) {
            m->propstat.flags |= DAV_HAS_JOURNAL;
        }
    }
}


static void
dav_multistatus_read(dav_multistatus_t *m, unsigned which, size_t max)
{
    m->reading = 1;
    m->dropped = 0;
    m->which = which;
    m->max = max;
    m->text.len = 0;
}


static void XMLCALL
dav_multistatus_text(void *data, const XML_Char *text, int len)
{
    dav_multistatus_t *m = data;

    if (m->result.why || !m->reading || m->dropped) {
        return;
    }

    if (m->text.len + len <= m->max) {
        bridge_buffer_add(&m->text, text, len);
        return;
    }

    if (m->which == DAV_DATA) {
        m->dropped = 1;
        return;
    }

    dav_multistatus_stop(m, "text is too long");
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

    if (m->reading) {
        bridge_buffer_char(&m->text, '\0');
        m->text.len--;
    }

    switch (at) {

    case DAV_AT_TEXT:
        dav_multistatus_store(m, m->which == DAV_HREF
                                 ? &m->response.text[DAV_HREF]
                                 : &m->propstat.text[m->which],
                              m->which >= DAV_PRINCIPAL
                              && m->which <= DAV_CALENDAR_HOME);
        break;

    case DAV_AT_WHOLE_TOKEN:
        dav_multistatus_store(m, &m->result.token, 0);
        break;

    case DAV_AT_STATUS:
        m->propstat.status = m->reading
                             ? dav_multistatus_status(m->text.data) : 0;
        break;

    case DAV_AT_RESPONSE_STATUS:
        m->response.status = m->reading
                             ? dav_multistatus_status(m->text.data) : 0;
        break;

    case DAV_AT_PROPSTAT:
        dav_multistatus_propstat(m);
        break;

    case DAV_AT_RESPONSE:
        dav_multistatus_response(m);
        break;

    default:
        break;
    }

    m->reading = 0;
}


/* Keeps the text, without the white space around it. */

static void
dav_multistatus_store(dav_multistatus_t *m, char **to, int list)
{
    char        *old;
    size_t       len;
    const char  *p;

    if (!m->reading || m->dropped) {
        return;
    }

    p = m->text.data;
    len = strlen(p);

    if (m->which != DAV_DATA) {
        p += strspn(p, " \t\r\n");
        len = strlen(p);

        while (len && strchr(" \t\r\n", p[len - 1])) {
            len--;
        }
    }

    old = *to;

    if (list && old && strlen(old) + len < DAV_MULTISTATUS_TEXT) {
        *to = bridge_format("%s\n%.*s", old, (int) len, p);

    } else {
        *to = bridge_copy(p, len);
    }

    free(old);
}


/* What the server has given becomes a part of the response. */

static void
dav_multistatus_propstat(dav_multistatus_t *m)
{
    int  i;

    if (m->propstat.status / 100 == 2) {
        m->response.flags |= m->propstat.flags;

        for (i = 0; i < DAV_HREF; i++) {
            if (m->propstat.text[i]) {
                free(m->response.text[i]);
                m->response.text[i] = m->propstat.text[i];
                m->propstat.text[i] = NULL;
            }
        }
    }

    dav_multistatus_clear(&m->propstat);
}


static void
dav_multistatus_response(dav_multistatus_t *m)
{
    if (m->response.text[DAV_HREF]) {

        if (m->response.status == 0) {
            m->response.status = 200;
        }

        m->handler(m->data, &m->response);
    }

    dav_multistatus_clear(&m->response);
}


/* "HTTP/1.1 404 Not Found"; 0 if it is no such line. */

static int
dav_multistatus_status(const char *line)
{
    int  status;

    line += strspn(line, " \t\r\n");

    if (strncmp(line, "HTTP/", 5) != 0) {
        return 0;
    }

    line += strcspn(line, " ");
    status = atoi(line);

    return status >= 100 && status <= 599 ? status : 0;
}


static void
dav_multistatus_clear(dav_response_t *r)
{
    int  i;

    for (i = 0; i < DAV_TEXTS; i++) {
        free(r->text[i]);
    }

    memset(r, 0, sizeof(dav_response_t));
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
