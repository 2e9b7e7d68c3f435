
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One pass checks the text, without recursion, and finds members on the way.
 */


#include <string.h>

#include "pimap_json.h"
#include "pimap_json_keys.h"
#include "pimap_json_member.h"
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
    pimap_json_member_t  *members;                      /* to find */
    size_t                nmembers;
    pimap_json_member_t  *member;       /* whose value is read, or NULL */
    pimap_json_error_t   *err;
} pimap_json_text_t;


static pimap_json_status_t pimap_json_values(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_name(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_open(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_scalar(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_close(pimap_json_text_t *t);
static void pimap_json_ended(pimap_json_text_t *t);
static pimap_json_status_t pimap_json_bad(pimap_json_text_t *t);
static int pimap_json_at(pimap_json_text_t *t, char c);
static void pimap_json_space(pimap_json_text_t *t);


pimap_json_status_t
pimap_json_check(char **text, size_t *len, size_t max,
    pimap_json_member_t *members, size_t n, pimap_json_error_t *err)
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
    t.members = members;
    t.nmembers = n;
    t.member = NULL;
    t.err = err;

    pimap_json_absent(members, n);

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

        if (t->member && t->depth == 1) {
            t->member->value.data = t->p;
        }

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
    pimap_str_t  name;

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

    name.data = t->p;
    name.len = p - t->p;

    if (pimap_json_keys_add(&t->keys, &name, escaped) != 0) {
        t->err->reason = "out of memory";
        return PIMAP_JSON_NO_MEMORY;
    }

    if (t->depth == 1) {
        t->member = pimap_json_wanted(t->members, t->nmembers, &name);
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

    p = pimap_json_number_check(t->p, t->end, t->err);

    if (p) {
        t->p = p;
        return PIMAP_JSON_OK;
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

    return t->err->reason ? PIMAP_JSON_BAD : pimap_json_bad(t);
}


/* After a value: what it ends, up to the next comma. */

static pimap_json_status_t
pimap_json_close(pimap_json_text_t *t)
{
    const char  *twice;

    pimap_json_ended(t);
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
        pimap_json_ended(t);
        pimap_json_space(t);
    }

    if (t->depth) {
        t->p++;                         /* the comma */
    }

    return PIMAP_JSON_OK;
}


/* If it was the value of a member that is looked for, it is found. */

static void
pimap_json_ended(pimap_json_text_t *t)
{
    if (t->member && t->depth == 1) {
        t->member->value.len = t->p - t->member->value.data;
        t->member = NULL;
    }
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
