
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The text of a publisher is checked, and never rewritten but for line breaks
 * between tokens, because an event has to fit on one "data:" line.
 */


#include <string.h>

#include "pimap_event.h"
#include "pimap_event_id.h"
#include "pimap_types.h"


static pimap_event_status_t pimap_event_load(pimap_event_t *ev, char *text,
    size_t len, size_t max, int with_id, char *why, size_t why_size);
static pimap_event_status_t pimap_event_parse_id(pimap_event_t *ev,
    const char *payload, size_t len, pimap_json_error_t *err);
static pimap_event_status_t pimap_event_parse_text(pimap_event_t *ev,
    char *text, size_t len, size_t max, pimap_json_error_t *err);
static pimap_event_status_t pimap_event_take_name(pimap_event_t *ev,
    pimap_json_error_t *err);
static pimap_event_status_t pimap_event_check_name(const pimap_str_t *name,
    pimap_json_error_t *err);
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
    "accepted", "refused", "open", "error", "state", "calendarAlert", NULL
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
    pimap_json_error_t    err;
    pimap_event_status_t  status;

    memset(ev, 0, sizeof(pimap_event_t));
    err.at = -1;

    status = PIMAP_EVENT_OK;

    /* no JSON object starts with a digit */

    if (with_id && len > 0 && *text >= '0' && *text <= '9') {
        status = pimap_event_parse_id(ev, text, len, &err);

        text += ev->id.len + 1;
        len -= ev->id.len + 1;
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
    json_decref(ev->root);
    memset(ev, 0, sizeof(pimap_event_t));
}


/* The space after the id is not in ev->id, but it is there. */

static pimap_event_status_t
pimap_event_parse_id(pimap_event_t *ev, const char *payload, size_t len,
    pimap_json_error_t *err)
{
    const char        *p, *last;
    pimap_event_id_t   id;

    last = payload + len;

    p = pimap_event_id_scan(&id, payload, last);

    if (p == NULL || p == last || *p != ' ' || *payload == '0' || id.n == 0
        || ((const char *) memchr(payload, '-', len))[1] == '0')
    {
        err->reason = "invalid id";
        return PIMAP_EVENT_BAD_ID;
    }

    ev->epoch = id.epoch;
    ev->n = id.n;
    ev->id.data = payload;
    ev->id.len = p - payload;

    return PIMAP_EVENT_OK;
}


static pimap_event_status_t
pimap_event_parse_text(pimap_event_t *ev, char *text, size_t len, size_t max,
    pimap_json_error_t *err)
{
    pimap_event_status_t  status;

    status = pimap_event_statuses[pimap_json_load(&ev->root, &text, &len, max,
                                                  err)];
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    status = pimap_event_take_name(ev, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    if (pimap_json_string(json_object_get(ev->root, "mailbox"), &ev->mailbox)
        || pimap_json_string(json_object_get(ev->root, "oldMailbox"),
                             &ev->old_mailbox))
    {
        err->reason = "a mailbox is not a string";
        return PIMAP_EVENT_BAD_MEMBER;
    }

    (void) pimap_json_string(json_object_get(ev->root, "collection"),
                             &ev->collection);

    ev->json.data = text;
    ev->json.len = pimap_json_squeeze(text, len);

    return PIMAP_EVENT_OK;
}


static pimap_event_status_t
pimap_event_take_name(pimap_event_t *ev, pimap_json_error_t *err)
{
    json_t                *value;
    pimap_event_status_t   status;

    value = json_object_get(ev->root, "event");

    if (value == NULL) {
        return pimap_event_take_jmap(ev, err);
    }

    if (pimap_json_string(value, &ev->name)) {
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
    const char         **reserved;

    static const char    allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz"
                                     "0123456789._-";

    if (name->len == 0 || name->len > PIMAP_EVENT_MAX_NAME) {
        err->reason = "\"event\" is empty or too long";
        return PIMAP_EVENT_BAD_NAME;
    }

    /* stops at a zero of the name at the latest */

    if (strspn(name->data, allowed) != name->len) {
        err->reason = "invalid character in \"event\"";
        return PIMAP_EVENT_BAD_NAME;
    }

    for (reserved = pimap_event_reserved; *reserved; reserved++) {
        if (pimap_event_is(name, *reserved)) {
            err->reason = "\"event\" is a reserved name";
            return PIMAP_EVENT_BAD_NAME;
        }
    }

    return PIMAP_EVENT_OK;
}


/* RFC 8620, 7.1: StateChange; JMAP for Calendars: CalendarAlert */

static pimap_event_status_t
pimap_event_take_jmap(pimap_event_t *ev, pimap_json_error_t *err)
{
    json_t       *value;
    pimap_str_t   type;

    value = json_object_get(ev->root, "@type");

    if (value == NULL) {
        err->reason = "neither \"event\" nor \"@type\"";
        return PIMAP_EVENT_NO_NAME;
    }

    if (pimap_json_string(value, &type)) {
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
    json_t      *changed, *account, *state;
    const char  *id, *type;

    changed = json_object_get(ev->root, "changed");

    if (!json_is_object(changed)) {
        err->reason = "\"changed\" is not an object";
        return PIMAP_EVENT_BAD_MEMBER;
    }

    json_object_foreach(changed, id, account) {

        if (!json_is_object(account)) {
            err->reason = "\"changed\" has a member that is not an object";
            return PIMAP_EVENT_BAD_MEMBER;
        }

        json_object_foreach(account, type, state) {
            ev->types |= pimap_type_bit(type, strlen(type));
        }
    }

    return PIMAP_EVENT_OK;
}


static int
pimap_event_is(const pimap_str_t *str, const char *name)
{
    return str->len == strlen(name) && memcmp(str->data, name, str->len) == 0;
}
