
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: notifications of Stalwart, James and Cyrus.  A text is
 * refused with a reason, or becomes lines within the limit.  Each line is one
 * of pimap_envelope.h, whose key has a limit; it may lack its account only.
 * The text is unchanged.
 *
 * Reaches: pimap_stalwart_line, pimap_james_news, pimap_james_uid,
 * pimap_james_renamed, pimap_james_flags_more, pimap_cyrus_set,
 * pimap_cyrus_uri_hex, fuzz_mapping_lines.
 */


#include "fuzz.h"

#include "pimap_cyrus.h"
#include "pimap_envelope.h"
#include "pimap_james.h"
#include "pimap_stalwart.h"


#define FUZZ_MAPPING_MAX    4096


typedef pimap_json_status_t (*fuzz_mapping_pt)(char *text, size_t len,
    pimap_lines_t *lines, char *why, size_t why_size);


static void
fuzz_mapping_lines(const pimap_lines_t *lines)
{
    char               *p, *end, *text, why[128];
    size_t              n;
    pimap_envelope_t    e;

    text = fuzz_copy(lines->data, lines->len);
    n = 0;

    for (p = text; p < text + lines->len; p = end + 1) {
        end = memchr(p, '\n', text + lines->len - p);
        fuzz_check(end);
        n++;

        if (pimap_envelope_parse(&e, p, end - p, why, sizeof(why))
            == PIMAP_JSON_OK)
        {
            continue;
        }

        /* ranges of numbers, and the bytes of names, are not checked */

        fuzz_check(strstr(why, "account") || strstr(why, "too large")
                   || strstr(why, "range") || strstr(why, "syntax")
                   || strstr(why, "UTF-8") || strstr(why, "memory"));
    }

    fuzz_check(n == lines->n);

    free(text);
}


static void
fuzz_mapping(fuzz_mapping_pt mapping, const uint8_t *data, size_t size)
{
    char           *text, why[64];
    pimap_lines_t   lines;

    text = fuzz_copy(data, size);
    pimap_lines_init(&lines, FUZZ_MAPPING_MAX);

    if (mapping(text, size, &lines, why, sizeof(why)) == PIMAP_JSON_OK) {
        fuzz_check(lines.len <= FUZZ_MAPPING_MAX);

        if (lines.status == PIMAP_JSON_OK) {
            fuzz_mapping_lines(&lines);
        }

    } else {
        fuzz_check(memchr(why, '\0', sizeof(why)) != NULL);
        fuzz_check(lines.n == 0);
    }

    fuzz_check(size == 0 || memcmp(text, data, size) == 0);

    pimap_lines_free(&lines);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_mapping(pimap_stalwart_lines, data, size);
    fuzz_mapping(pimap_james_lines, data, size);
    fuzz_mapping(pimap_cyrus_lines, data, size);

    return 0;
}
