
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Event codec: checks a publisher's text and takes out of it what delivery
 * needs to know.  The text itself is never rewritten but for line breaks
 * between tokens, as an event has to fit on one "data:" line.
 */


#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pimap_event.h"
#include "pimap_types.h"


typedef struct {
    const char   *reason;
    int           at;                   /* byte in the text, -1 if unknown */
} pimap_event_error_t;


static pimap_event_status_t pimap_event_finish(pimap_event_t *ev,
    pimap_event_status_t status, pimap_event_error_t *err, char *why,
    size_t why_size);
static pimap_event_status_t pimap_event_parse_id(pimap_event_t *ev,
    const char *payload, size_t len, pimap_event_error_t *err);
static const char *pimap_event_parse_number(const char *p, const char *last,
    uint64_t *number);
static pimap_event_status_t pimap_event_parse_text(pimap_event_t *ev,
    char *text, size_t len, size_t max, pimap_event_error_t *err);
static pimap_event_status_t pimap_event_scan(const char *text, size_t len,
    pimap_event_error_t *err);
static pimap_event_status_t pimap_event_load(pimap_event_t *ev,
    const char *text, size_t len, pimap_event_error_t *err);
static const char *pimap_event_json_reason(const json_error_t *error);
static pimap_event_status_t pimap_event_take_name(pimap_event_t *ev,
    pimap_event_error_t *err);
static pimap_event_status_t pimap_event_check_name(const pimap_str_t *name,
    pimap_event_error_t *err);
static pimap_event_status_t pimap_event_take_jmap(pimap_event_t *ev,
    pimap_event_error_t *err);
static pimap_event_status_t pimap_event_take_changed(pimap_event_t *ev,
    pimap_event_error_t *err);
static int pimap_event_take_string(const json_t *value, pimap_str_t *str);
static int pimap_event_is(const pimap_str_t *str, const char *name);
static size_t pimap_event_squeeze(char *text, size_t len);


/*
 * Names that only we send.  "state" and "calendarAlert" do come from
 * publishers, but as JMAP objects with "@type".
 */

static const char  *pimap_event_reserved[] = {
    "parked",
    "position",
    "ping",
    "retry",
    "superseded",
    "resync",
    "expired",
    "accepted",
    "refused",
    "open",
    "error",
    "state",
    "calendarAlert",
    NULL
};


static const char  *pimap_event_names[] = {
    [PIMAP_EVENT_OK] = "ok",
    [PIMAP_EVENT_TOO_LARGE] = "too large",
    [PIMAP_EVENT_TOO_DEEP] = "too deep",
    [PIMAP_EVENT_BAD_ID] = "bad id",
    [PIMAP_EVENT_BAD_JSON] = "bad json",
    [PIMAP_EVENT_NOT_OBJECT] = "not an object",
    [PIMAP_EVENT_NO_NAME] = "no name",
    [PIMAP_EVENT_BAD_NAME] = "bad name",
    [PIMAP_EVENT_BAD_MEMBER] = "bad member",
    [PIMAP_EVENT_NO_MEMORY] = "no memory"
};


pimap_event_status_t
pimap_event_parse(pimap_event_t *ev, char *payload, size_t len, size_t max,
    char *why, size_t why_size)
{
    pimap_event_error_t   err;
    pimap_event_status_t  status;

    memset(ev, 0, sizeof(pimap_event_t));
    err.at = -1;

    status = PIMAP_EVENT_OK;

    /* no JSON object starts with a digit */

    if (len > 0 && *payload >= '0' && *payload <= '9') {
        status = pimap_event_parse_id(ev, payload, len, &err);

        payload += ev->id.len + 1;
        len -= ev->id.len + 1;
    }

    if (status == PIMAP_EVENT_OK) {
        status = pimap_event_parse_text(ev, payload, len, max, &err);
    }

    return pimap_event_finish(ev, status, &err, why, why_size);
}


pimap_event_status_t
pimap_event_parse_json(pimap_event_t *ev, char *text, size_t len, size_t max,
    char *why, size_t why_size)
{
    pimap_event_error_t   err;
    pimap_event_status_t  status;

    memset(ev, 0, sizeof(pimap_event_t));
    err.at = -1;

    status = pimap_event_parse_text(ev, text, len, max, &err);

    return pimap_event_finish(ev, status, &err, why, why_size);
}


void
pimap_event_free(pimap_event_t *ev)
{
    json_decref(ev->root);
    memset(ev, 0, sizeof(pimap_event_t));
}


const char *
pimap_event_status_name(pimap_event_status_t status)
{
    if ((size_t) status >= sizeof(pimap_event_names) / sizeof(char *)) {
        return "unknown";
    }

    return pimap_event_names[status];
}


static pimap_event_status_t
pimap_event_finish(pimap_event_t *ev, pimap_event_status_t status,
    pimap_event_error_t *err, char *why, size_t why_size)
{
    if (status == PIMAP_EVENT_OK) {
        return status;
    }

    pimap_event_free(ev);

    if (why == NULL || why_size == 0) {
        return status;
    }

    if (err->at < 0) {
        snprintf(why, why_size, "%s", err->reason);

    } else {
        snprintf(why, why_size, "%s at byte %d", err->reason, err->at);
    }

    return status;
}


/* The space after the id is not in ev->id, but it is there. */

static pimap_event_status_t
pimap_event_parse_id(pimap_event_t *ev, const char *payload, size_t len,
    pimap_event_error_t *err)
{
    const char  *p, *last;

    last = payload + len;

    p = pimap_event_parse_number(payload, last, &ev->epoch);

    if (p && p < last && *p == '-') {
        p = pimap_event_parse_number(p + 1, last, &ev->n);

    } else {
        p = NULL;
    }

    if (p == NULL || p == last || *p != ' ') {
        err->reason = "invalid id";
        return PIMAP_EVENT_BAD_ID;
    }

    ev->id.data = payload;
    ev->id.len = p - payload;

    return PIMAP_EVENT_OK;
}


/* Returns what follows the number, NULL if it isn't canonical or is zero. */

static const char *
pimap_event_parse_number(const char *p, const char *last, uint64_t *number)
{
    uint64_t  n, digit;

    if (p == last || *p < '1' || *p > '9') {
        return NULL;
    }

    for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
        digit = *p - '0';

        if (n > (UINT64_MAX - digit) / 10) {
            return NULL;
        }

        n = n * 10 + digit;
    }

    *number = n;

    return p;
}


static pimap_event_status_t
pimap_event_parse_text(pimap_event_t *ev, char *text, size_t len, size_t max,
    pimap_event_error_t *err)
{
    pimap_event_status_t  status;

    static const char     space[4] = { ' ', '\t', '\r', '\n' };

    while (len > 0 && memchr(space, text[len - 1], sizeof(space))) {
        len--;
    }

    while (len > 0 && memchr(space, *text, sizeof(space))) {
        text++;
        len--;
    }

    if (len > max) {
        err->reason = "text is too large";
        return PIMAP_EVENT_TOO_LARGE;
    }

    if (len == 0) {
        err->reason = "text is empty";
        return PIMAP_EVENT_BAD_JSON;
    }

    status = pimap_event_scan(text, len, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    status = pimap_event_load(ev, text, len, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    status = pimap_event_take_name(ev, err);
    if (status != PIMAP_EVENT_OK) {
        return status;
    }

    if (pimap_event_take_string(json_object_get(ev->root, "mailbox"),
                                &ev->mailbox)
        || pimap_event_take_string(json_object_get(ev->root, "oldMailbox"),
                                   &ev->old_mailbox))
    {
        err->reason = "a mailbox is not a string";
        return PIMAP_EVENT_BAD_MEMBER;
    }

    /* not earlier: "[1\n2]" must not become valid by it */

    ev->json.data = text;
    ev->json.len = pimap_event_squeeze(text, len);

    return PIMAP_EVENT_OK;
}


/*
 * What jansson does not look after: it recurses, much deeper than we want it
 * to, and it overlooks a zero byte right after a number or a literal.
 *
 * Text that isn't JSON may be counted wrong, but only behind the point where
 * jansson gives up.
 */

static pimap_event_status_t
pimap_event_scan(const char *text, size_t len, pimap_event_error_t *err)
{
    int     string;
    size_t  i, depth;

    if (memchr(text, '\0', len)) {
        err->reason = "zero byte";
        return PIMAP_EVENT_BAD_JSON;
    }

    string = 0;
    depth = 0;

    for (i = 0; i < len; i++) {

        if (text[i] == '"') {
            string = !string;

        } else if (string) {

            if (text[i] == '\\') {
                i++;                    /* what it escapes */
            }

        } else if (text[i] == '{' || text[i] == '[') {

            if (++depth > PIMAP_EVENT_MAX_DEPTH) {
                err->reason = "nested too deep";
                return PIMAP_EVENT_TOO_DEEP;
            }

        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }

    return PIMAP_EVENT_OK;
}


static pimap_event_status_t
pimap_event_load(pimap_event_t *ev, const char *text, size_t len,
    pimap_event_error_t *err)
{
    json_error_t  error;

    memset(&error, 0, sizeof(json_error_t));
    errno = 0;

    ev->root = json_loadb(text, len,
                          JSON_REJECT_DUPLICATES|JSON_DECODE_ANY
                          |JSON_ALLOW_NUL,
                          &error);

    /*
     * jansson has no status for a failed allocation, or calls it a syntax
     * error, or goes on if its token buffer could not grow; errno tells
     */

    if (errno == ENOMEM) {
        err->reason = "out of memory";
        return PIMAP_EVENT_NO_MEMORY;
    }

    if (ev->root == NULL) {
        err->reason = pimap_event_json_reason(&error);
        err->at = error.position;
        return PIMAP_EVENT_BAD_JSON;
    }

    if (!json_is_object(ev->root)) {
        err->reason = "not an object";
        return PIMAP_EVENT_NOT_OBJECT;
    }

    return PIMAP_EVENT_OK;
}


/* error->text quotes the payload, which must not get into logs. */

static const char *
pimap_event_json_reason(const json_error_t *error)
{
    switch (json_error_code(error)) {

    case json_error_invalid_utf8:
        return "invalid UTF-8";

    case json_error_premature_end_of_input:
        return "unexpected end";

    case json_error_end_of_input_expected:
        return "text after the object";

    case json_error_duplicate_key:
        return "duplicate member";

    case json_error_null_byte_in_key:
        return "zero in a member's name";

    case json_error_numeric_overflow:
        return "number out of range";

    default:
        return "syntax error";
    }
}


static pimap_event_status_t
pimap_event_take_name(pimap_event_t *ev, pimap_event_error_t *err)
{
    json_t                *value;
    pimap_event_status_t   status;

    value = json_object_get(ev->root, "event");

    if (value == NULL) {
        return pimap_event_take_jmap(ev, err);
    }

    if (pimap_event_take_string(value, &ev->name)) {
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
pimap_event_check_name(const pimap_str_t *name, pimap_event_error_t *err)
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
pimap_event_take_jmap(pimap_event_t *ev, pimap_event_error_t *err)
{
    json_t       *value;
    pimap_str_t   type;

    value = json_object_get(ev->root, "@type");

    if (value == NULL) {
        err->reason = "neither \"event\" nor \"@type\"";
        return PIMAP_EVENT_NO_NAME;
    }

    if (pimap_event_take_string(value, &type)) {
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
pimap_event_take_changed(pimap_event_t *ev, pimap_event_error_t *err)
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


/* An absent value leaves *str empty.  Returns -1 if it isn't a string. */

static int
pimap_event_take_string(const json_t *value, pimap_str_t *str)
{
    str->data = NULL;
    str->len = 0;

    if (value == NULL) {
        return 0;
    }

    if (!json_is_string(value)) {
        return -1;
    }

    str->data = json_string_value(value);
    str->len = json_string_length(value);

    return 0;
}


static int
pimap_event_is(const pimap_str_t *str, const char *name)
{
    return str->len == strlen(name) && memcmp(str->data, name, str->len) == 0;
}


/*
 * Valid JSON has no raw line break in a string, and none that is all that
 * keeps two tokens apart.
 */

static size_t
pimap_event_squeeze(char *text, size_t len)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < len; i++) {

        if (text[i] == '\r' || text[i] == '\n') {
            continue;
        }

        text[n++] = text[i];
    }

    return n;
}
