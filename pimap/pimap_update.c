
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Only the id and the verb are checked.  The rest is between the device and
 * the backend.
 */


#include <string.h>

#include "pimap_update.h"


static pimap_update_status_t pimap_update_take(pimap_update_t *u,
    const pimap_json_member_t *members, pimap_json_error_t *err);
static int pimap_update_take_id(pimap_update_t *u, const pimap_str_t *value,
    pimap_json_error_t *err);
static int pimap_update_take_verb(pimap_update_t *u,
    const pimap_str_t *value, pimap_json_error_t *err);
static int pimap_update_copy(pimap_str_t *to, char *buf, size_t size,
    const pimap_str_t *value);


pimap_update_status_t
pimap_update_parse(pimap_update_t *u, char *text, size_t len, size_t max,
    char *why, size_t why_size)
{
    pimap_json_error_t     err;
    pimap_json_member_t    members[] = {
        { .name = "id" }, { .name = "update" }
    };
    pimap_update_status_t  status;

    memset(u, 0, sizeof(pimap_update_t));

    switch (pimap_json_check(&text, &len, max, members, 2, &err)) {

    case PIMAP_JSON_OK:
        u->json.data = text;
        status = pimap_update_take(u, members, &err);
        break;

    case PIMAP_JSON_TOO_LARGE:
        status = PIMAP_UPDATE_TOO_LARGE;
        break;

    case PIMAP_JSON_NO_MEMORY:
        status = PIMAP_UPDATE_NO_MEMORY;
        break;

    default:
        status = PIMAP_UPDATE_INVALID;
        break;
    }

    if (status != PIMAP_UPDATE_OK) {
        memset(&u->json, 0, sizeof(pimap_str_t));
        pimap_json_why(&err, why, why_size);
        return status;
    }

    u->json.len = pimap_json_squeeze(text, len);

    return PIMAP_UPDATE_OK;
}


static pimap_update_status_t
pimap_update_take(pimap_update_t *u, const pimap_json_member_t *members,
    pimap_json_error_t *err)
{
    if (pimap_update_take_id(u, &members[0].value, err) != 0
        || pimap_update_take_verb(u, &members[1].value, err) != 0)
    {
        return PIMAP_UPDATE_INVALID;
    }

    return PIMAP_UPDATE_OK;
}


static int
pimap_update_take_id(pimap_update_t *u, const pimap_str_t *value,
    pimap_json_error_t *err)
{
    size_t       i;
    pimap_str_t  id;

    if (pimap_update_copy(&id, u->id_text, sizeof(u->id_text), value) != 0) {
        err->reason = "\"id\" is no string of 1 to 128 bytes";
        return -1;
    }

    for (i = 0; i < id.len; i++) {
        if (id.data[i] <= ' ' || id.data[i] > '~'
            || id.data[i] == '"' || id.data[i] == '\\')
        {
            err->reason = "invalid character in \"id\"";
            return -1;
        }
    }

    u->id = id;

    return 0;
}


static int
pimap_update_take_verb(pimap_update_t *u, const pimap_str_t *value,
    pimap_json_error_t *err)
{
    size_t       i;
    pimap_str_t  verb;

    if (pimap_update_copy(&verb, u->verb_text, sizeof(u->verb_text), value)
        != 0)
    {
        err->reason = "\"update\" is no string of 1 to 64 bytes";
        return -1;
    }

    for (i = 0; i < verb.len; i++) {
        if (memchr(PIMAP_UPDATE_VERB, verb.data[i],
                   sizeof(PIMAP_UPDATE_VERB) - 1)
            == NULL)
        {
            err->reason = "invalid character in \"update\"";
            return -1;
        }
    }

    u->verb = verb;

    return 0;
}


static int
pimap_update_copy(pimap_str_t *to, char *buf, size_t size,
    const pimap_str_t *value)
{
    if (pimap_json_string(value, buf, size, to) != 0 || to->len == 0
        || to->len > size)
    {
        return -1;
    }

    memmove(buf, to->data, to->len);
    to->data = buf;

    return 0;
}


int
pimap_update_allowed(const pimap_update_t *u, const char *verbs, size_t len)
{
    size_t       n;
    const char  *p, *last;

    last = verbs + len;

    for (p = verbs; p < last; p += n + 1) {

        for (n = 0; p + n < last && p[n] != ' '; n++) {
            /* void */
        }

        if ((n == 1 && *p == '*')
            || (n == u->verb.len && memcmp(p, u->verb.data, n) == 0))
        {
            return 1;
        }
    }

    return 0;
}
