
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: the check of JSON and jansson come to the same verdict,
 * and read the same members.  Members that the check finds are those of a
 * second look.
 *
 * Reaches: fuzz_members, fuzz_found, pimap_json_keys_compare_bytes,
 *     pimap_json_number_finite, pimap_json_bytes_escape.
 */


#include "fuzz.h"

#include <jansson.h>

#include "pimap_json.h"


#define FUZZ_MAX            65536
#define FUZZ_MEMBERS        3


/*
 * jansson recurses much deeper, and overlooks a zero byte right after a number
 * or a literal.
 */

static json_t *
fuzz_jansson(const char *text, size_t len)
{
    if (memchr(text, '\0', len)) {
        return NULL;
    }

    return json_loadb(text, len, JSON_REJECT_DUPLICATES|JSON_DECODE_ANY
                                 |JSON_ALLOW_NUL, NULL);
}


static size_t
fuzz_depth(const json_t *json)
{
    size_t       i, depth, most;
    json_t      *value;
    const char  *name;

    most = 0;

    json_object_foreach((json_t *) json, name, value) {
        depth = fuzz_depth(value);
        most = depth > most ? depth : most;
    }

    json_array_foreach((json_t *) json, i, value) {
        depth = fuzz_depth(value);
        most = depth > most ? depth : most;
    }

    return most + (json_is_object(json) || json_is_array(json));
}


static void
fuzz_members(const pimap_str_t *object, const json_t *json)
{
    char         buf[FUZZ_MAX];
    size_t       n;
    json_t      *other;
    const char  *p;
    pimap_str_t  name, value, str;

    p = NULL;

    for (n = 0; pimap_json_next(object, &p, &name, &value); n++) {
        fuzz_check(pimap_json_string(&name, buf, sizeof(buf), &str) == 0);

        other = json_object_getn(json, str.data, str.len);

        fuzz_check(other != NULL);
        fuzz_check(json_is_string(other) == pimap_json_is_string(&value));
        fuzz_check(json_is_object(other) == pimap_json_is_object(&value));

        if (json_is_object(other)) {
            fuzz_members(&value, other);

        } else if (json_is_string(other)) {
            fuzz_check(pimap_json_string(&value, buf, sizeof(buf), &str) == 0);
            fuzz_check(json_string_length(other) == str.len);
            fuzz_check(memcmp(json_string_value(other), str.data, str.len)
                       == 0);
        }
    }

    fuzz_check(n == json_object_size(json));
}


static void
fuzz_found(const pimap_str_t *object, const pimap_json_member_t *found)
{
    size_t               i;
    pimap_json_member_t  again[FUZZ_MEMBERS];

    memcpy(again, found, sizeof(again));
    pimap_json_find(object, again, FUZZ_MEMBERS);

    for (i = 0; i < FUZZ_MEMBERS; i++) {
        fuzz_check(found[i].value.data == again[i].value.data);
        fuzz_check(found[i].value.len == again[i].value.len);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                 *text, *p;
    json_t               *json;
    size_t                len;
    pimap_str_t           object;
    pimap_json_error_t    err;
    pimap_json_status_t   status;
    pimap_json_member_t   members[FUZZ_MEMBERS] = {
        { .name = "a" }, { .name = "event" }, { .name = "mailbox" }
    };

    text = fuzz_copy(data, size);
    if (text == NULL) {
        return 0;
    }

    p = text;
    len = size;
    status = pimap_json_check(&p, &len, FUZZ_MAX, members, FUZZ_MEMBERS,
                              &err);

    fuzz_check(size == 0 || memcmp(text, data, size) == 0);

    json = len <= FUZZ_MAX ? fuzz_jansson(p, len) : NULL;

    switch (status) {

    case PIMAP_JSON_OK:
        fuzz_check(json_is_object(json));
        fuzz_check(fuzz_depth(json) <= PIMAP_JSON_MAX_DEPTH);

        object.data = p;
        object.len = len;
        fuzz_members(&object, json);
        fuzz_found(&object, members);
        break;

    case PIMAP_JSON_NOT_OBJECT:
        fuzz_check(json != NULL && !json_is_object(json));
        break;

    case PIMAP_JSON_TOO_LARGE:
        fuzz_check(len > FUZZ_MAX);
        break;

    case PIMAP_JSON_TOO_DEEP:
        fuzz_check(json == NULL || fuzz_depth(json) > PIMAP_JSON_MAX_DEPTH);
        break;

    case PIMAP_JSON_BAD:
        fuzz_check(json == NULL);
        break;

    case PIMAP_JSON_NO_MEMORY:
        break;
    }

    json_decref(json);
    free(text);

    return 0;
}
