
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Values are copied as they are written, because checked JSON stays JSON.
 */


#include <stdlib.h>
#include <string.h>

#include "pimap_lines.h"


#define PIMAP_LINES_MIN_SIZE    1024


static void pimap_lines_add(pimap_lines_t *lines, const char *text,
    size_t len);
static void pimap_lines_text(pimap_lines_t *lines, const char *text);
static int pimap_lines_grow(pimap_lines_t *lines, size_t len);
static void pimap_lines_inner(pimap_lines_t *lines, const pimap_str_t *value);
static int pimap_lines_is_name(const pimap_str_t *value, size_t max);


void
pimap_lines_init(pimap_lines_t *lines, size_t max)
{
    memset(lines, 0, sizeof(pimap_lines_t));

    lines->max = max;
    lines->status = PIMAP_JSON_OK;
}


void
pimap_lines_free(pimap_lines_t *lines)
{
    free(lines->data);

    lines->data = NULL;
    lines->len = 0;
}


void
pimap_lines_begin(pimap_lines_t *lines, const pimap_str_t *account,
    const char *event)
{
    pimap_lines_text(lines, "{");

    if (pimap_lines_is_name(account, lines->max)) {
        pimap_lines_text(lines, "\"account\":\"");
        pimap_lines_inner(lines, account);
        pimap_lines_text(lines, "\",");
    }

    pimap_lines_text(lines, "\"event\":{\"event\":\"");
    pimap_lines_text(lines, event);
    pimap_lines_text(lines, "\"");
}


void
pimap_lines_member(pimap_lines_t *lines, const char *name,
    const pimap_str_t *value)
{
    if (value->data == NULL) {
        return;
    }

    pimap_lines_text(lines, ",\"");
    pimap_lines_text(lines, name);
    pimap_lines_text(lines, "\":");
    pimap_lines_add(lines, value->data, value->len);
}


void
pimap_lines_list(pimap_lines_t *lines, const char *name)
{
    pimap_lines_text(lines, ",\"");
    pimap_lines_text(lines, name);
    pimap_lines_text(lines, "\":[");
}


void
pimap_lines_item(pimap_lines_t *lines, const pimap_str_t *value, int first)
{
    if (!first) {
        pimap_lines_text(lines, ",");
    }

    pimap_lines_add(lines, value->data, value->len);
}


void
pimap_lines_list_end(pimap_lines_t *lines)
{
    pimap_lines_text(lines, "]");
}


void
pimap_lines_end(pimap_lines_t *lines, const pimap_str_t *key,
    const pimap_str_t *more)
{
    pimap_lines_text(lines, "}");

    if (pimap_lines_is_name(key, PIMAP_LINES_MAX_KEY)
        && pimap_lines_is_name(more, PIMAP_LINES_MAX_KEY))
    {
        pimap_lines_text(lines, ",\"key\":\"");
        pimap_lines_inner(lines, key);
        pimap_lines_text(lines, "/");
        pimap_lines_inner(lines, more);
        pimap_lines_text(lines, "\"");
    }

    pimap_lines_text(lines, "}\n");

    lines->n++;
}


static void
pimap_lines_text(pimap_lines_t *lines, const char *text)
{
    pimap_lines_add(lines, text, strlen(text));
}


static void
pimap_lines_add(pimap_lines_t *lines, const char *text, size_t len)
{
    if (lines->status == PIMAP_JSON_OK && pimap_lines_grow(lines, len)) {
        memcpy(lines->data + lines->len, text, len);
        lines->len += len;
    }
}


/* True if there is room for so many bytes more. */

static int
pimap_lines_grow(pimap_lines_t *lines, size_t len)
{
    char    *data;
    size_t   size;

    if (len > lines->max - lines->len) {
        lines->status = PIMAP_JSON_TOO_LARGE;
        return 0;
    }

    if (len <= lines->size - lines->len) {
        return 1;
    }

    size = lines->size ? lines->size : PIMAP_LINES_MIN_SIZE;

    while (size - lines->len < len) {
        size *= 2;
    }

    data = realloc(lines->data, size);

    if (data == NULL) {
        lines->status = PIMAP_JSON_NO_MEMORY;
        return 0;
    }

    lines->data = data;
    lines->size = size;

    return 1;
}


/* A string without its quotes, or a number. */

static void
pimap_lines_inner(pimap_lines_t *lines, const pimap_str_t *value)
{
    int  quote;

    quote = pimap_json_is_string(value);

    pimap_lines_add(lines, value->data + quote, value->len - 2 * quote);
}


static int
pimap_lines_is_name(const pimap_str_t *value, size_t max)
{
    return (pimap_json_is_string(value) || pimap_lines_is_number(value))
           && value->len <= max;
}


int
pimap_lines_is_number(const pimap_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < '0' || value->data[i] > '9') {
            return 0;
        }
    }

    return value->len > 0;
}
