
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Only the id and the verb are checked.  The rest is between the device and
 * the backend.
 */


#include <string.h>

#include "pimap_update.h"


static pimap_update_status_t pimap_update_take(pimap_update_t *u,
    const json_t *root, pimap_json_error_t *err);
static int pimap_update_take_id(pimap_update_t *u, const json_t *value,
    pimap_json_error_t *err);
static int pimap_update_take_verb(pimap_update_t *u, const json_t *value,
    pimap_json_error_t *err);
static int pimap_update_copy(pimap_str_t *to, char *buf, size_t size,
    const json_t *value);


pimap_update_status_t
pimap_update_parse(pimap_update_t *u, char *text, size_t len, size_t max,
    char *why, size_t why_size)
{
    json_t                 *root;
    pimap_json_error_t      err;
    pimap_update_status_t   status;

    memset(u, 0, sizeof(pimap_update_t));

    switch (pimap_json_load(&root, &text, &len, max, &err)) {

    case PIMAP_JSON_OK:
        status = pimap_update_take(u, root, &err);
        json_decref(root);
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
        pimap_json_why(&err, why, why_size);
        return status;
    }

    u->json.data = text;
    u->json.len = pimap_json_squeeze(text, len);

    return PIMAP_UPDATE_OK;
}


static pimap_update_status_t
pimap_update_take(pimap_update_t *u, const json_t *root,
    pimap_json_error_t *err)
{
    if (pimap_update_take_id(u, json_object_get(root, "id"), err) != 0
        || pimap_update_take_verb(u, json_object_get(root, "update"), err)
           != 0)
    {
        return PIMAP_UPDATE_INVALID;
    }

    return PIMAP_UPDATE_OK;
}


static int
pimap_update_take_id(pimap_update_t *u, const json_t *value,
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
pimap_update_take_verb(pimap_update_t *u, const json_t *value,
    pimap_json_error_t *err)
{
    pimap_str_t  verb;

    static const char  allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "0123456789._/-";

    if (pimap_update_copy(&verb, u->verb_text, sizeof(u->verb_text), value)
        != 0)
    {
        err->reason = "\"update\" is no string of 1 to 64 bytes";
        return -1;
    }

    /* the copy has no zero at its end, the original has */

    if (strspn(json_string_value(value), allowed) != verb.len) {
        err->reason = "invalid character in \"update\"";
        return -1;
    }

    u->verb = verb;

    return 0;
}


static int
pimap_update_copy(pimap_str_t *to, char *buf, size_t size,
    const json_t *value)
{
    if (pimap_json_string(value, to) != 0 || to->len == 0 || to->len > size) {
        return -1;
    }

    memcpy(buf, to->data, to->len);
    to->data = buf;

    return 0;
}
