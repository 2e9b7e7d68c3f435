
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A member that is not known is refused: it is a slip of the pen, and the
 * event would go where it should not.
 */


#include <string.h>

#include "pimap_envelope.h"


static const char *pimap_envelope_take(pimap_envelope_t *e,
    const pimap_str_t *object);
static const char *pimap_envelope_member(pimap_envelope_t *e,
    const pimap_str_t *name, const pimap_str_t *value);
static int pimap_envelope_is(const pimap_str_t *name, const char *wanted);


pimap_json_status_t
pimap_envelope_parse(pimap_envelope_t *e, char *text, size_t len, char *why,
    size_t why_size)
{
    pimap_str_t          object;
    pimap_json_error_t   err;
    pimap_json_status_t  status;

    memset(&e->account, 0, sizeof(pimap_str_t));
    memset(&e->event, 0, sizeof(pimap_str_t));
    memset(&e->key, 0, sizeof(pimap_str_t));

    status = pimap_json_check(&text, &len, len, NULL, 0, &err);

    if (status == PIMAP_JSON_OK) {
        object.data = text;
        object.len = len;

        err.at = -1;
        err.reason = pimap_envelope_take(e, &object);

        status = err.reason ? PIMAP_JSON_BAD : PIMAP_JSON_OK;
    }

    if (status != PIMAP_JSON_OK) {
        pimap_json_why(&err, why, why_size);
    }

    return status;
}


/* NULL, or the reason why it is none. */

static const char *
pimap_envelope_take(pimap_envelope_t *e, const pimap_str_t *object)
{
    const char   *p, *reason;
    pimap_str_t   name, value;

    p = NULL;

    while (pimap_json_next(object, &p, &name, &value)) {

        reason = pimap_envelope_member(e, &name, &value);

        if (reason) {
            return reason;
        }
    }

    return e->account.data == NULL ? "no \"account\""
           : e->event.data == NULL ? "no \"event\""
           : NULL;
}


static const char *
pimap_envelope_member(pimap_envelope_t *e, const pimap_str_t *name,
    const pimap_str_t *value)
{
    if (pimap_envelope_is(name, "account")) {
        return pimap_json_string(value, e->account_text,
                                 sizeof(e->account_text), &e->account) == 0
               && e->account.len
               ? NULL : "\"account\" is no name";
    }

    if (pimap_envelope_is(name, "event")) {
        e->event = *value;

        return pimap_json_is_object(value) ? NULL
                                           : "\"event\" is not an object";
    }

    if (pimap_envelope_is(name, "key")) {
        return pimap_json_string(value, e->key_text, sizeof(e->key_text),
                                 &e->key) == 0
               && e->key.len && e->key.len <= PIMAP_ENVELOPE_MAX_KEY
               ? NULL : "\"key\" is no string of 1 to 128 bytes";
    }

    return "a member besides \"account\", \"event\" and \"key\"";
}


static int
pimap_envelope_is(const pimap_str_t *name, const char *wanted)
{
    char         buf[PIMAP_JSON_MAX_NAME];
    pimap_str_t  str;

    return pimap_json_string(name, buf, sizeof(buf), &str) == 0
           && str.len == strlen(wanted)
           && memcmp(str.data, wanted, str.len) == 0;
}
