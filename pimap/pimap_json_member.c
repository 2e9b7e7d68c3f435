
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads texts that pimap_json.c has checked, so it checks nothing.  A text is
 * never changed but for line breaks between tokens, because an object has to
 * fit on one line.
 */


#include <stdio.h>
#include <string.h>

#include "pimap_json_member.h"
#include "pimap_json_string.h"


static const char *pimap_json_skip(const char *p);
static const char *pimap_json_skip_string(const char *p);


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

    if (memchr(text, '\n', len) == NULL && memchr(text, '\r', len) == NULL) {
        return len;
    }

    end = text + len;
    n = 0;

    for (p = text; p < end; p++) {
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
    const char           *p;
    pimap_str_t           name, value;
    pimap_json_member_t  *member;

    pimap_json_absent(members, n);

    p = NULL;

    while (pimap_json_next(object, &p, &name, &value)) {
        member = pimap_json_wanted(members, n, &name);

        if (member) {
            member->value = value;
        }
    }
}


void
pimap_json_absent(pimap_json_member_t *members, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        members[i].value.data = NULL;
        members[i].value.len = 0;
    }
}


pimap_json_member_t *
pimap_json_wanted(pimap_json_member_t *members, size_t n,
    const pimap_str_t *name)
{
    char         buf[PIMAP_JSON_MAX_NAME];
    size_t       i;
    pimap_str_t  str;

    if (n == 0 || pimap_json_string(name, buf, sizeof(buf), &str) != 0
        || str.len == 0)
    {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        if (members[i].name[0] == str.data[0]
            && strncmp(members[i].name, str.data, str.len) == 0
            && members[i].name[str.len] == '\0')
        {
            return &members[i];
        }
    }

    return NULL;
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


int
pimap_json_element(const pimap_str_t *array, const char **pp,
    pimap_str_t *value)
{
    const char  *p;

    p = *pp ? *pp : array->data + 1;

    while (pimap_json_is_space(*p) || *p == ',') {
        p++;
    }

    if (*p == ']') {
        return 0;
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
pimap_json_is_array(const pimap_str_t *value)
{
    return value->data && *value->data == '[';
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
