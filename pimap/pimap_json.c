
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One pass checks the text, without recursion.  What is checked is then read
 * without checks.  It is never rewritten but for line breaks between tokens,
 * because an object has to fit on one line.
 */


#include <stdio.h>
#include <string.h>

#include "pimap_json.h"
#include "pimap_json_keys.h"
#include "pimap_json_number.h"
#include "pimap_json_string.h"
#include "pimap_utf8.h"


typedef struct {
    const char           *p;
    const char           *end;
    unsigned              depth;
    char                  close[PIMAP_JSON_MAX_DEPTH];  /* brackets */
    size_t                first[PIMAP_JSON_MAX_DEPTH];  /* name of each */
    pimap_json_keys_t     keys;
    pimap_json_error_t   *err;
} pimap_json_text_t;


static pimap_json_status_t pimap_json_values(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_name(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_open(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_scalar(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_close(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_bad(pimap_json_text_t *t);
static int pimap_json_at(pimap_json_text_t *t, char c);
static void pimap_json_space(pimap_json_text_t *t);
static int pimap_json_is_space(char c);
static const char *pimap_json_skip(const char *p);
static const char *pimap_json_skip_string(const char *p);


pimap_json_status_t
pimap_json_check(char **text, size_t *len, size_t max,
    pimap_json_error_t *err)
{
    pimap_json_text_t    t;
    pimap_json_status_t  status;

    while (*len > 0 && pimap_json_is_space((*text)[*len - 1])) {
        (*len)--;
    }

    while (*len > 0 && pimap_json_is_space(**text)) {
        (*text)++;
        (*len)--;
    }

    err->at = -1;

    if (*len > max) {
        err->reason = "text is too large";
        return PIMAP_JSON_TOO_LARGE;
    }

    if (*len == 0) {
        err->reason = "text is empty";
        return PIMAP_JSON_BAD;
    }

    t.p = *text;
    t.end = *text + *len;
    t.depth = 0;
    t.err = err;

    pimap_json_keys_init(&t.keys);
    status = pimap_json_values(&t);
    pimap_json_keys_free(&t.keys);

    if (status == PIMAP_JSON_BAD) {
        err->at = (t.p < t.end ? t.p + 1 : t.end) - *text;

    } else if (status == PIMAP_JSON_OK && **text != '{') {
        err->reason = "not an object";
        return PIMAP_JSON_NOT_OBJECT;
    }

    return status;
}


/* Each round is a value, or the begin of one that is not empty. */

static pimap_json_status_t
pimap_json_values(pimap_json_text_t *t)
{
    pimap_json_status_t  status;

    do {
        status = PIMAP_JSON_OK;

        if (t->depth && t->close[t->depth - 1] == '}') {
            status = pimap_json_name(t);
        }

        if (status != PIMAP_JSON_OK) {
            return status;
        }

        pimap_json_space(t);

        if (pimap_json_at(t, '{') || pimap_json_at(t, '[')) {
            status = pimap_json_open(t);

            if (status == PIMAP_JSON_OK
                && !pimap_json_at(t, t->close[t->depth - 1]))
            {
                continue;
            }

        } else {
            status = pimap_json_scalar(t);
        }

        if (status == PIMAP_JSON_OK) {
            status = pimap_json_close(t);
        }

        if (status != PIMAP_JSON_OK) {
            return status;
        }

    } while (t->depth);

    if (t->p < t->end) {
        t->err->reason = *t->p == '\0' ? "zero byte"
                                       : "text after the object";
        return PIMAP_JSON_BAD;
    }

    return PIMAP_JSON_OK;
}


static pimap_json_status_t
pimap_json_name(pimap_json_text_t *t)
{
    int          escaped, zero;
    const char  *p;

    pimap_json_space(t);

    if (!pimap_json_at(t, '"')) {
        return pimap_json_bad(t);
    }

    p = pimap_json_string_check(&t->p, t->end, &escaped, &zero, t->err);

    if (p == NULL) {
        return PIMAP_JSON_BAD;
    }

    if (zero) {
        t->err->reason = "zero in a member's name";
        return PIMAP_JSON_BAD;
    }

    if (pimap_json_keys_add(&t->keys, t->p, p - t->p, escaped) != 0) {
        t->err->reason = "out of memory";
        return PIMAP_JSON_NO_MEMORY;
    }

    t->p = p;
    pimap_json_space(t);

    if (!pimap_json_at(t, ':')) {
        return pimap_json_bad(t);
    }

    t->p++;

    return PIMAP_JSON_OK;
}


static pimap_json_status_t
pimap_json_open(pimap_json_text_t *t)
{
    if (t->depth == PIMAP_JSON_MAX_DEPTH) {
        t->err->reason = "nested too deep";
        return PIMAP_JSON_TOO_DEEP;
    }

    t->close[t->depth] = *t->p == '{' ? '}' : ']';
    t->first[t->depth] = t->keys.n;
    t->depth++;
    t->p++;

    pimap_json_space(t);

    return PIMAP_JSON_OK;
}


static pimap_json_status_t
pimap_json_scalar(pimap_json_text_t *t)
{
    int          i, escaped, zero;
    size_t       len;
    const char  *p;

    static const char  *literals[] = { "true", "false", "null", NULL };

    if (pimap_json_at(t, '"')) {
        p = pimap_json_string_check(&t->p, t->end, &escaped, &zero, t->err);

        t->p = p ? p : t->p;

        return p ? PIMAP_JSON_OK : PIMAP_JSON_BAD;
    }

    for (i = 0; literals[i]; i++) {
        len = strlen(literals[i]);

        if ((size_t) (t->end - t->p) >= len
            && memcmp(t->p, literals[i], len) == 0)
        {
            t->p += len;
            return PIMAP_JSON_OK;
        }
    }

    p = pimap_json_number_check(t->p, t->end, t->err);

    if (p == NULL) {
        return t->err->reason ? PIMAP_JSON_BAD : pimap_json_bad(t);
    }

    t->p = p;

    return PIMAP_JSON_OK;
}


/* After a value: what it ends, up to the next comma. */

static pimap_json_status_t
pimap_json_close(pimap_json_text_t *t)
{
    const char  *twice;

    pimap_json_space(t);

    while (t->depth && !pimap_json_at(t, ',')) {

        if (!pimap_json_at(t, t->close[t->depth - 1])) {
            return pimap_json_bad(t);
        }

        t->depth--;

        twice = pimap_json_keys_close(&t->keys, t->first[t->depth]);

        if (twice) {
            t->p = twice;
            t->err->reason = "duplicate member";
            return PIMAP_JSON_BAD;
        }

        t->p++;
        pimap_json_space(t);
    }

    if (t->depth) {
        t->p++;                         /* the comma */
    }

    return PIMAP_JSON_OK;
}


/* Says what is wrong at t->p, which may be within a character. */

static pimap_json_status_t
pimap_json_bad(pimap_json_text_t *t)
{
    const char  *p;

    p = t->p;

    t->err->reason = p == t->end ? "unexpected end"
                     : *p == '\0' ? "zero byte"
                     : pimap_utf8_next(&p, t->end) < 0 ? "invalid UTF-8"
                     : "syntax error";

    return PIMAP_JSON_BAD;
}


static int
pimap_json_at(pimap_json_text_t *t, char c)
{
    return t->p < t->end && *t->p == c;
}


static void
pimap_json_space(pimap_json_text_t *t)
{
    while (t->p < t->end && pimap_json_is_space(*t->p)) {
        t->p++;
    }
}


static int
pimap_json_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


/*
 * Valid JSON has no raw line break in a string, and none that is all that
 * keeps two tokens apart.
 */

size_t
pimap_json_squeeze(char *text, size_t len)
{
    char        *p;
    size_t       n;
    const char  *end;

    end = text + len;

    for (p = text; p < end && *p != '\r' && *p != '\n'; p++) {
        /* void */
    }

    n = p - text;

    for ( /* void */ ; p < end; p++) {
        if (*p != '\r' && *p != '\n') {
            text[n++] = *p;
        }
    }

    return n;
}


void
pimap_json_find(const pimap_str_t *object, pimap_json_member_t *members,
    size_t n)
{
    char          buf[PIMAP_JSON_MAX_NAME];
    size_t        i, left;
    const char   *p;
    pimap_str_t   name, value, str;

    for (i = 0; i < n; i++) {
        members[i].value.data = NULL;
        members[i].value.len = 0;
    }

    p = NULL;
    left = n;

    while (left && pimap_json_next(object, &p, &name, &value)) {

        if (pimap_json_string(&name, buf, sizeof(buf), &str) != 0) {
            continue;
        }

        for (i = 0; i < n; i++) {
            if (strncmp(members[i].name, str.data, str.len) == 0
                && members[i].name[str.len] == '\0')
            {
                members[i].value = value;
                left--;
                break;
            }
        }
    }
}


int
pimap_json_next(const pimap_str_t *object, const char **pp,
    pimap_str_t *name, pimap_str_t *value)
{
    const char  *p;

    p = *pp ? *pp : object->data + 1;

    while (pimap_json_is_space(*p) || *p == ',') {
        p++;
    }

    if (*p == '}') {
        return 0;
    }

    name->data = p;
    p = pimap_json_skip_string(p);
    name->len = p - name->data;

    while (pimap_json_is_space(*p) || *p == ':') {
        p++;
    }

    value->data = p;
    p = pimap_json_skip(p);
    value->len = p - value->data;

    *pp = p;

    return 1;
}


/* The end of a checked value that something follows. */

static const char *
pimap_json_skip(const char *p)
{
    int  depth;

    if (*p != '{' && *p != '[') {
        return *p == '"' ? pimap_json_skip_string(p)
                         : p + strcspn(p, ",}] \t\r\n");
    }

    depth = 0;

    do {
        if (*p == '"') {
            p = pimap_json_skip_string(p);
            continue;
        }

        depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
        p++;
    } while (depth);

    return p;
}


/* A quote after an odd number of backslashes is a character of the string. */

static const char *
pimap_json_skip_string(const char *p)
{
    const char  *end, *q;

    for (end = strchr(p + 1, '"'); /* void */ ; end = strchr(end + 1, '"')) {

        for (q = end; q[-1] == '\\'; q--) { /* void */ }

        if ((end - q) % 2 == 0) {
            return end + 1;
        }
    }
}


int
pimap_json_is_string(const pimap_str_t *value)
{
    return value->data && *value->data == '"';
}


int
pimap_json_is_object(const pimap_str_t *value)
{
    return value->data && *value->data == '{';
}


int
pimap_json_escaped(const pimap_str_t *value)
{
    return memchr(value->data, '\\', value->len) != NULL;
}


int
pimap_json_string(const pimap_str_t *value, char *buf, size_t size,
    pimap_str_t *str)
{
    int                 c;
    pimap_json_bytes_t  bytes;

    str->data = NULL;
    str->len = 0;

    if (value->data == NULL) {
        return 0;
    }

    if (!pimap_json_is_string(value)) {
        return -1;
    }

    if (!pimap_json_escaped(value)) {
        str->data = value->data + 1;
        str->len = value->len - 2;

        return 0;
    }

    pimap_json_bytes_init(&bytes, value);

    for (c = pimap_json_bytes_next(&bytes);
         c >= 0;
         c = pimap_json_bytes_next(&bytes))
    {
        if (str->len == size) {
            str->len = 0;
            return -1;
        }

        buf[str->len++] = c;
    }

    str->data = buf;

    return 0;
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
