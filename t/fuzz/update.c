
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a body of newline-delimited JSON.  Each line is refused
 * and left unchanged, or is an update whose text is one line that parses to
 * the same update.
 *
 * Reaches: fuzz_update, pimap_update_take_id.
 */


#include "fuzz.h"

#include "pimap_update.h"


#define FUZZ_MAX            4096


static void
fuzz_id(const pimap_str_t *id)
{
    size_t  i;

    fuzz_check(id->len <= PIMAP_UPDATE_MAX_ID);

    for (i = 0; i < id->len; i++) {
        fuzz_check(id->data[i] > ' ' && id->data[i] < 127);
        fuzz_check(id->data[i] != '"' && id->data[i] != '\\');
    }
}


static void
fuzz_update(const pimap_update_t *u)
{
    char            *text;
    pimap_update_t   again;

    fuzz_check(u->id.len > 0);
    fuzz_check(u->verb.len > 0 && u->verb.len <= PIMAP_UPDATE_MAX_VERB);
    fuzz_check(u->json.len >= 2 && u->json.len <= FUZZ_MAX);
    fuzz_check(u->json.data[0] == '{');
    fuzz_check(u->json.data[u->json.len - 1] == '}');
    fuzz_check(memchr(u->json.data, '\r', u->json.len) == NULL);
    fuzz_check(memchr(u->json.data, '\n', u->json.len) == NULL);
    fuzz_check(memchr(u->json.data, '\0', u->json.len) == NULL);

    text = fuzz_copy(u->json.data, u->json.len);
    if (text == NULL) {
        return;
    }

    fuzz_check(pimap_update_parse(&again, text, u->json.len, u->json.len,
                                  NULL, 0)
               == PIMAP_UPDATE_OK);
    fuzz_check(again.json.len == u->json.len);
    fuzz_check(memcmp(text, u->json.data, u->json.len) == 0);
    fuzz_check(again.id.len == u->id.len);
    fuzz_check(memcmp(again.id.data, u->id.data, u->id.len) == 0);

    free(text);
}


static void
fuzz_line(const uint8_t *data, size_t size)
{
    char            *line, why[64];
    pimap_update_t   u;

    line = fuzz_copy(data, size);
    if (line == NULL) {
        return;
    }

    if (pimap_update_parse(&u, line, size, FUZZ_MAX, why, sizeof(why))
        == PIMAP_UPDATE_OK)
    {
        fuzz_update(&u);

    } else {
        fuzz_check(memchr(why, '\0', sizeof(why)) != NULL);
        fuzz_check(size == 0 || memcmp(line, data, size) == 0);
    }

    fuzz_id(&u.id);

    free(line);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t  *end;

    while (size) {
        end = memchr(data, '\n', size);

        if (end == NULL) {
            fuzz_line(data, size);
            break;
        }

        fuzz_line(data, end - data);

        size -= end + 1 - data;
        data = end + 1;
    }

    return 0;
}
