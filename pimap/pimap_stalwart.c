
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Stalwart's own "id" of an event is no key.  It is the second and the type,
 * so two messages may have the same.  Later releases count, too, also when
 * they send an event again.
 */


#include <stdio.h>
#include <string.h>

#include "pimap_stalwart.h"


#define PIMAP_STALWART_MESSAGE_ID_MAX  1000     /* bytes, as it is written */


enum {
    PIMAP_STALWART_TYPE = 0,
    PIMAP_STALWART_DATA,
    PIMAP_STALWART_MEMBERS
};


enum {
    PIMAP_STALWART_ACCOUNT_NAME = 0,
    PIMAP_STALWART_ACCOUNT_ID,
    PIMAP_STALWART_CHANGE_ID,
    PIMAP_STALWART_DOCUMENT_ID,
    PIMAP_STALWART_IDENTIFIER,
    PIMAP_STALWART_DATA_MEMBERS
};


typedef struct {
    const char   *type;
    const char   *event;
} pimap_stalwart_type_t;


/* What was uploaded, or is taken for spam, is no news. */

static const pimap_stalwart_type_t  pimap_stalwart_types[] = {
    { "message-ingest.ham", "MessageNew" },
    { "message-ingest.spam", "MessageAppend" },
    { "message-ingest.imap-append", "MessageAppend" },
    { "message-ingest.jmap-append", "MessageAppend" },
    { NULL, NULL }
};


static void pimap_stalwart_event(const pimap_str_t *event,
    pimap_lines_t *lines);
static const char *pimap_stalwart_name(const pimap_str_t *type);
static void pimap_stalwart_line(const pimap_str_t *data, const char *name,
    pimap_lines_t *lines);
static void pimap_stalwart_identifier(const pimap_str_t *value,
    pimap_lines_t *lines);


pimap_json_status_t
pimap_stalwart_lines(char *text, size_t len, pimap_lines_t *lines, char *why,
    size_t why_size)
{
    const char           *p;
    pimap_str_t           event;
    pimap_json_error_t    err;
    pimap_json_member_t   events;
    pimap_json_status_t   status;

    events.name = "events";

    status = pimap_json_check(&text, &len, len, &events, 1, &err);

    if (status == PIMAP_JSON_OK && !pimap_json_is_array(&events.value)) {
        err.reason = "no \"events\"";
        err.at = -1;
        status = PIMAP_JSON_BAD;
    }

    if (status != PIMAP_JSON_OK) {
        pimap_json_why(&err, why, why_size);
        return status;
    }

    p = NULL;

    while (pimap_json_element(&events.value, &p, &event)) {
        pimap_stalwart_event(&event, lines);
    }

    return PIMAP_JSON_OK;
}


static void
pimap_stalwart_event(const pimap_str_t *event, pimap_lines_t *lines)
{
    const char           *name;
    pimap_json_member_t   members[PIMAP_STALWART_MEMBERS];

    if (!pimap_json_is_object(event)) {
        return;
    }

    members[PIMAP_STALWART_TYPE].name = "type";
    members[PIMAP_STALWART_DATA].name = "data";

    pimap_json_find(event, members, PIMAP_STALWART_MEMBERS);

    name = pimap_stalwart_name(&members[PIMAP_STALWART_TYPE].value);

    if (name) {
        pimap_stalwart_line(&members[PIMAP_STALWART_DATA].value, name, lines);
    }
}


/* NULL: nothing that devices want to know. */

static const char *
pimap_stalwart_name(const pimap_str_t *type)
{
    char                          buf[64];
    pimap_str_t                   str;
    const pimap_stalwart_type_t  *t;

    if (pimap_json_string(type, buf, sizeof(buf), &str) != 0) {
        return NULL;
    }

    for (t = pimap_stalwart_types; t->type; t++) {
        if (str.len == strlen(t->type)
            && memcmp(str.data, t->type, str.len) == 0)
        {
            return t->event;
        }
    }

    return NULL;
}


/* Events of messages have the number of the account, and mostly no name. */

static void
pimap_stalwart_line(const pimap_str_t *data, const char *name,
    pimap_lines_t *lines)
{
    pimap_str_t           none;
    pimap_json_member_t   members[PIMAP_STALWART_DATA_MEMBERS], *account;

    members[PIMAP_STALWART_ACCOUNT_NAME].name = "accountName";
    members[PIMAP_STALWART_ACCOUNT_ID].name = "accountId";
    members[PIMAP_STALWART_CHANGE_ID].name = "changeId";
    members[PIMAP_STALWART_DOCUMENT_ID].name = "documentId";
    members[PIMAP_STALWART_IDENTIFIER].name = "messageId";

    none.data = "{}";
    none.len = 2;

    pimap_json_find(pimap_json_is_object(data) ? data : &none, members,
                    PIMAP_STALWART_DATA_MEMBERS);

    account = &members[PIMAP_STALWART_ACCOUNT_NAME];

    if (!pimap_json_is_string(&account->value)) {
        account = &members[PIMAP_STALWART_ACCOUNT_ID];
    }

    pimap_lines_begin(lines, &account->value, name);

    pimap_stalwart_identifier(&members[PIMAP_STALWART_IDENTIFIER].value,
                              lines);
    pimap_lines_end(lines, &members[PIMAP_STALWART_CHANGE_ID].value,
                    &members[PIMAP_STALWART_DOCUMENT_ID].value);
}


/*
 * Stalwart takes the angle brackets off, and events have them.  The sender
 * chooses its length; half an identifier identifies nothing.
 */

static void
pimap_stalwart_identifier(const pimap_str_t *value, pimap_lines_t *lines)
{
    int          n, bare;
    char         buf[PIMAP_STALWART_MESSAGE_ID_MAX + sizeof("\"<>\"")];
    pimap_str_t  id;

    if (!pimap_json_is_string(value) || value->len == sizeof("\"\"") - 1
        || value->len > PIMAP_STALWART_MESSAGE_ID_MAX)
    {
        return;
    }

    bare = value->data[1] != '<';

    n = snprintf(buf, sizeof(buf), "\"%s%.*s%s\"", bare ? "<" : "",
                 (int) value->len - 2, value->data + 1, bare ? ">" : "");

    id.data = buf;
    id.len = n;

    pimap_lines_member(lines, "messageId", &id);
}
