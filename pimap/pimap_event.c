
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The text of a publisher is checked, and never rewritten but for line breaks
 * between tokens, because an event has to fit on one "data:" line.
 */


#include <stdlib.h>
#include <string.h>

#include "pimap_event.h"
#include "pimap_event_id.h"
#include "pimap_types.h"


static pimap_event_status_t pimap_event_load(pimap_event_t *ev, char *text,
    size_t len, size_t max, int with_id, char *why, size_t why_size);
static pimap_event_status_t pimap_event_parse_id(pimap_event_t *ev,
    const char *payload, size_t len, size_t *skip, pimap_json_error_t *err);
static pimap_event_status_t pimap_event_parse_text(pimap_event_t *ev,
    char *text, size_t len, size_t max, pimap_json_error_t *err);
static pimap_event_status_t pimap_event_take(pimap_event_t *ev,
    const pimap_json_member_t *members, pimap_json_error_t *err);
static int pimap_event_take_string(pimap_event_t *ev, int member,
    pimap_str_t *str);
static pimap_event_status_t pimap_event_take_name(pimap_event_t *ev,
    pimap_json_error_t *err);
static pimap_event_status_t pimap_event_check_name(const pimap_str_t *name,
    pimap_json_error_t *err);
static int pimap_event_is_allowed(char c);
static pimap_event_status_t pimap_event_take_jmap(pimap_event_t *ev,
    pimap_json_error_t *err);
static pimap_event_status_t pimap_event_take_changed(pimap_event_t *ev,
    pimap_json_error_t *err);
static int pimap_event_is(const pimap_str_t *str, const char *name);


/*
 * Names that only we send.  "state" and "calendarAlert" do come from
 * publishers, but as JMAP objects with "@type".
 */

static const char  *pimap_event_reserved[] = {
    "parked", "position", "ping", "retry", "superseded", "resync", "expired",
    "accepted", "refused", "unknown", "open", "error", "state",
    "calendarAlert", NULL
};


static const char  *pimap_event_members[PIMAP_MEMBERS] = {
    [PIMAP_MEMBER_EVENT] = "event",
    [PIMAP_MEMBER_TYPE] = "@type",
    [PIMAP_MEMBER_ID] = "id",
    [PIMAP_MEMBER_MAILBOX] = "mailbox",
    [PIMAP_MEMBER_OLD_MAILBOX] = "oldMailbox",
    [PIMAP_MEMBER_COLLECTION] = "collection",
    [PIMAP_MEMBER_OWNER] = "owner",
    [PIMAP_MEMBER_CHANGED] = "changed",
    [PIMAP_MEMBER_DEVICE] = "device",
    [PIMAP_MEMBER_UPDATE] = "update"
};


static const pimap_event_status_t  pimap_event_statuses[] = {
    [PIMAP_JSON_OK] = PIMAP_EVENT_OK,
    [PIMAP_JSON_TOO_LARGE] = PIMAP_EVENT_TOO_LARGE,
    [PIMAP_JSON_TOO_DEEP] = PIMAP_EVENT_TOO_DEEP,
    [PIMAP_JSON_BAD] = PIMAP_EVENT_BAD_JSON,
    [PIMAP_JSON_NOT_OBJECT] = PIMAP_EVENT_NOT_OBJECT,
    [PIMAP_JSON_NO_MEMORY] = PIMAP_EVENT_NO_MEMORY
};


pimap_event_status_t
pimap_event_parse(pimap_event_t *ev, char *payload, size_t len, size_t max,
    char *why, size_t why_size)
{
    return pimap_event_load(ev, payload, len, max, 1, why, why_size);
}


pimap_event_status_t
pimap_event_parse_json(pimap_event_t *ev, char *text, size_t len, size_t max,
    char *why, size_t why_size)
{
    return pimap_event_load(ev, text, len, max, 0, why, why_size);
}


static pimap_event_status_t
pimap_event_load(pimap_event_t *ev, char *text, size_t len, size_t max,
    int with_id, char *why, size_t why_size)
{
    size_t                skip;
    pimap_json_error_t    err;
    pimap_event_status_t  status;

    memset(ev, 0, sizeof(pimap_event_t));
    err.at = -1;

    status = PIMAP_EVENT_OK;

    /* no JSON object starts with a digit */

    if (with_id && len > 0 && *text >= '0' && *text <= '9') {
        skip = 0;
        status = pimap_event_parse_id(ev, text, len, &skip, &err);

        text += skip;
        len -= skip;
    }

    if (status == PIMAP_EVENT_OK) {
        status = pimap_event_parse_text(ev, text, len, max, &err);
    }

    if (status != PIMAP_EVENT_OK) {
        pimap_event_free(ev);
        pimap_json_why(&err, why, why_size);
    }

    return status;
}


void
pimap_event_free(pimap_event_t *ev)
{
    free(ev->decoded);
    memset(ev, 0, sizeof(pimap_event_t));
}


/* The space after the id is not in ev->id, but it is there. */

static pimap_event_status_t
pimap_event_parse_id(pimap_event_t *ev, const char *payload, size_t len,
    size_t *skip, pimap_json_error_t *err)
{
    const char        *p, *end, *last;
    pimap_event_id_t   id;

    last = payload + len;

    end = pimap_event_id_scan(&id, payload, last);
    p = end ? pimap_event_id_time(&ev->time, end, last) : NULL;

    if (p == NULL || p == last || *p != ' ' || id.epoch == 0 || id.n == 0) {
        err->reason = "invalid id";
        return PIMAP_EVENT_BAD_ID;
    }

    *skip = p + 1 - payload;

    ev->epoch = id.epoch;
    ev->n = id.n;
    ev->id.data = payload;
    ev->id.len = end - payload;

    return PIMAP_EVENT_OK;
}


static pimap_event_status_t
pimap_event_parse_text(pimap_event_t *ev, char *text, size_t len, size_t max,
    pimap_json_error_t *err)
{
    int                   i;
    pimap_json_member_t   members[PIMAP_MEMBERS];
    pimap_event_status_t  status;

    for (i = 0; i < PIMAP_MEMBERS; i++) {
        members[i].name = pimap_event_members[i];
    }

    status = pimap_event_statuses[pimap_json_check(&text, &len, max, members,
                                                   PIMAP_MEMBERS, err)];

    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    ev->json.data = text;
    ev->json.len = pimap_json_squeeze(text, len);

    if (ev->json.len < len) {
        pimap_json_find(&ev->json, members, PIMAP_MEMBERS);
    }

    status = pimap_event_take(ev, members, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    status = pimap_event_take_name(ev, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    if (pimap_event_take_string(ev, PIMAP_MEMBER_MAILBOX, &ev->mailbox) != 0
        || pimap_event_take_string(ev, PIMAP_MEMBER_OLD_MAILBOX,
                                   &ev->old_mailbox)
           != 0)
    {
        err->reason = "a mailbox is not a string";
        return PIMAP_EVENT_BAD_MEMBER;
    }

    (void) pimap_event_take_string(ev, PIMAP_MEMBER_COLLECTION,
                                   &ev->collection);
    (void) pimap_event_take_string(ev, PIMAP_MEMBER_DEVICE, &ev->device);
    (void) pimap_event_take_string(ev, PIMAP_MEMBER_UPDATE, &ev->update);

    return PIMAP_EVENT_OK;
}


/* Also takes memory for all members with escapes, which few events have. */

static pimap_event_status_t
pimap_event_take(pimap_event_t *ev, const pimap_json_member_t *members,
    pimap_json_error_t *err)
{
    int     i;
    size_t  size;

    size = 0;

    for (i = 0; i < PIMAP_MEMBERS; i++) {
        ev->members[i] = members[i].value;

        if (pimap_json_is_string(&ev->members[i])
            && pimap_json_escaped(&ev->members[i]))
        {
            size += ev->members[i].len;
        }
    }

    if (size == 0) {
        return PIMAP_EVENT_OK;
    }

    ev->decoded = malloc(size);

    if (ev->decoded == NULL) {
        err->reason = "out of memory";
        return PIMAP_EVENT_NO_MEMORY;
    }

    return PIMAP_EVENT_OK;
}


/* -1: it is not a string. */

static int
pimap_event_take_string(pimap_event_t *ev, int member, pimap_str_t *str)
{
    char               *buf;
    const pimap_str_t  *value;

    value = &ev->members[member];
    buf = ev->decoded ? ev->decoded + ev->decoded_len : NULL;

    if (pimap_json_string(value, buf, value->len, str) != 0) {
        return -1;
    }

    if (buf && str->data == buf) {
        ev->decoded_len += str->len;
    }

    return 0;
}


static pimap_event_status_t
pimap_event_take_name(pimap_event_t *ev, pimap_json_error_t *err)
{
    pimap_event_status_t  status;

    if (ev->members[PIMAP_MEMBER_EVENT].data == NULL) {
        return pimap_event_take_jmap(ev, err);
    }

    if (pimap_event_take_string(ev, PIMAP_MEMBER_EVENT, &ev->name) != 0) {
        err->reason = "\"event\" is not a string";
        return PIMAP_EVENT_BAD_NAME;
    }

    status = pimap_event_check_name(&ev->name, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    ev->types = pimap_types_of_event(ev->name.data, ev->name.len);

    return PIMAP_EVENT_OK;
}


static pimap_event_status_t
pimap_event_check_name(const pimap_str_t *name, pimap_json_error_t *err)
{
    size_t        i;
    const char  **reserved;

    if (name->len == 0 || name->len > PIMAP_EVENT_MAX_NAME) {
        err->reason = "\"event\" is empty or too long";
        return PIMAP_EVENT_BAD_NAME;
    }

    for (i = 0; i < name->len; i++) {
        if (!pimap_event_is_allowed(name->data[i])) {
            err->reason = "invalid character in \"event\"";
            return PIMAP_EVENT_BAD_NAME;
        }
    }

    for (reserved = pimap_event_reserved; *reserved; reserved++) {
        if (name->data[0] == **reserved && pimap_event_is(name, *reserved)) {
            err->reason = "\"event\" is a reserved name";
            return PIMAP_EVENT_BAD_NAME;
        }
    }

    return PIMAP_EVENT_OK;
}


static int
pimap_event_is_allowed(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}


/* RFC 8620, 7.1: StateChange; JMAP for Calendars: CalendarAlert */

static pimap_event_status_t
pimap_event_take_jmap(pimap_event_t *ev, pimap_json_error_t *err)
{
    pimap_str_t  type;

    if (ev->members[PIMAP_MEMBER_TYPE].data == NULL) {
        err->reason = "neither \"event\" nor \"@type\"";
        return PIMAP_EVENT_NO_NAME;
    }

    if (pimap_event_take_string(ev, PIMAP_MEMBER_TYPE, &type) != 0) {
        err->reason = "\"@type\" is not a string";
        return PIMAP_EVENT_BAD_NAME;
    }

    if (pimap_event_is(&type, "StateChange")) {
        ev->name.data = "state";
        ev->name.len = sizeof("state") - 1;

        return pimap_event_take_changed(ev, err);
    }

    if (pimap_event_is(&type, "CalendarAlert")) {
        ev->name.data = "calendarAlert";
        ev->name.len = sizeof("calendarAlert") - 1;
        ev->types = pimap_types_of_event(ev->name.data, ev->name.len);

        return PIMAP_EVENT_OK;
    }

    err->reason = "unknown \"@type\"";
    return PIMAP_EVENT_BAD_NAME;
}


/* "changed":{"<account>":{"<type>":"<state>", ...}, ...} */

static pimap_event_status_t
pimap_event_take_changed(pimap_event_t *ev, pimap_json_error_t *err)
{
    char                text[PIMAP_EVENT_MAX_NAME];
    const char         *p, *q;
    pimap_str_t         id, account, name, type, state;
    const pimap_str_t  *changed;

    changed = &ev->members[PIMAP_MEMBER_CHANGED];

    if (!pimap_json_is_object(changed)) {
        err->reason = "\"changed\" is not an object";
        return PIMAP_EVENT_BAD_MEMBER;
    }

    p = NULL;

    while (pimap_json_next(changed, &p, &id, &account)) {

        if (!pimap_json_is_object(&account)) {
            err->reason = "\"changed\" has a member that is not an object";
            return PIMAP_EVENT_BAD_MEMBER;
        }

        q = NULL;

        while (pimap_json_next(&account, &q, &name, &state)) {

            /* no type has a longer name */

            ev->types |= pimap_json_string(&name, text, sizeof(text), &type)
                         == 0
                         ? pimap_type_bit(type.data, type.len)
                         : PIMAP_TYPE_OTHER;
        }
    }

    return PIMAP_EVENT_OK;
}


static int
pimap_event_is(const pimap_str_t *str, const char *name)
{
    return str->len == strlen(name) && memcmp(str->data, name, str->len) == 0;
}
