
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * JSON is checked and parsed, and never rewritten but for line breaks between
 * tokens, because an object has to fit on one line.
 */


#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pimap_json.h"


static pimap_json_status_t pimap_json_scan(const char *text, size_t len,
    pimap_json_error_t *err);
static pimap_json_status_t pimap_json_parse(json_t **root, const char *text,
    size_t len, pimap_json_error_t *err);
static const char *pimap_json_reason(const json_error_t *error);


pimap_json_status_t
pimap_json_load(json_t **root, char **text, size_t *len, size_t max,
    pimap_json_error_t *err)
{
    pimap_json_status_t  status;

    static const char    space[4] = { ' ', '\t', '\r', '\n' };

    while (*len > 0 && memchr(space, (*text)[*len - 1], sizeof(space))) {
        (*len)--;
    }

    while (*len > 0 && memchr(space, **text, sizeof(space))) {
        (*text)++;
        (*len)--;
    }

    *root = NULL;
    err->at = -1;

    if (*len > max) {
        err->reason = "text is too large";
        return PIMAP_JSON_TOO_LARGE;
    }

    if (*len == 0) {
        err->reason = "text is empty";
        return PIMAP_JSON_BAD;
    }

    status = pimap_json_scan(*text, *len, err);
    if (status != PIMAP_JSON_OK) {
        return status;
    }

    status = pimap_json_parse(root, *text, *len, err);

    if (status != PIMAP_JSON_OK) {
        json_decref(*root);
        *root = NULL;
    }

    return status;
}


/*
 * What jansson does not look after: it recurses, much deeper than we want it
 * to, and it overlooks a zero byte right after a number or a literal.
 *
 * Text that isn't JSON may be counted wrong, but only behind the point where
 * jansson gives up.
 */

static pimap_json_status_t
pimap_json_scan(const char *text, size_t len, pimap_json_error_t *err)
{
    int     string;
    size_t  i, depth;

    if (memchr(text, '\0', len)) {
        err->reason = "zero byte";
        return PIMAP_JSON_BAD;
    }

    string = 0;
    depth = 0;

    for (i = 0; i < len; i++) {

        if (text[i] == '"') {
            string = !string;

        } else if (string) {

            if (text[i] == '\\') {
                i++;                    /* the escaped character */
            }

        } else if (text[i] == '{' || text[i] == '[') {

            if (++depth > PIMAP_JSON_MAX_DEPTH) {
                err->reason = "nested too deep";
                return PIMAP_JSON_TOO_DEEP;
            }

        } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
            depth--;
        }
    }

    return PIMAP_JSON_OK;
}


static pimap_json_status_t
pimap_json_parse(json_t **root, const char *text, size_t len,
    pimap_json_error_t *err)
{
    json_error_t  error;

    memset(&error, 0, sizeof(json_error_t));
    errno = 0;

    *root = json_loadb(text, len,
                       JSON_REJECT_DUPLICATES|JSON_DECODE_ANY|JSON_ALLOW_NUL,
                       &error);

    /*
     * jansson has no status for a failed allocation, or calls it a syntax
     * error, or goes on if its token buffer could not grow; errno tells
     */

    if (errno == ENOMEM) {
        err->reason = "out of memory";
        return PIMAP_JSON_NO_MEMORY;
    }

    if (*root == NULL) {
        err->reason = pimap_json_reason(&error);
        err->at = error.position;
        return PIMAP_JSON_BAD;
    }

    if (!json_is_object(*root)) {
        err->reason = "not an object";
        return PIMAP_JSON_NOT_OBJECT;
    }

    return PIMAP_JSON_OK;
}


/* error->text quotes the payload, which must not get into logs. */

static const char *
pimap_json_reason(const json_error_t *error)
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


int
pimap_json_string(const json_t *value, pimap_str_t *str)
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


/*
 * Valid JSON has no raw line break in a string, and none that is all that
 * keeps two tokens apart.
 */

size_t
pimap_json_squeeze(char *text, size_t len)
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


void
pimap_json_why(const pimap_json_error_t *err, char *why, size_t size)
{
    if (why == NULL || size == 0) {
        return;
    }

    if (err->at < 0) {
        snprintf(why, size, "%s", err->reason);

    } else {
        snprintf(why, size, "%s at byte %d", err->reason, err->at);
    }
}
