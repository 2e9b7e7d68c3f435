
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Cases of a format whose events become lines.  Called by the test of each
 * format, which includes this once.
 */


#ifndef _LINES_CASES_H_INCLUDED_
#define _LINES_CASES_H_INCLUDED_


#include "pimap_lines.h"
#include "tap.h"


typedef pimap_json_status_t (*lines_pt)(char *text, size_t len,
    pimap_lines_t *lines, char *why, size_t why_size);


typedef struct {
    const char   *text;
    const char   *lines;    /* the lines, or the reason of a refusal */
} lines_case_t;


/* The lines are to be freed. */

static inline pimap_json_status_t
lines_map(lines_pt format, const char *text, pimap_lines_t *lines, char *why,
    size_t size)
{
    char                 *buf;
    size_t                len;
    pimap_json_status_t   status;

    len = strlen(text);
    buf = tap_copy(text, len);
    pimap_lines_init(lines, 1 << 20);
    status = format(buf, len, lines, why, size);
    free(buf);

    return status;
}


static inline void
lines_good(lines_pt format, const lines_case_t *cases, size_t n)
{
    char           why[128];
    pimap_lines_t  lines;

    for ( ; n > 0; n--, cases++) {
        tap_is_int(lines_map(format, cases->text, &lines, why, sizeof(why)),
                   PIMAP_JSON_OK, cases->text);
        tap_is_mem(lines.data ? lines.data : "", lines.len, cases->lines,
                   "its lines");
        pimap_lines_free(&lines);
    }
}


static inline void
lines_bad(lines_pt format, const lines_case_t *cases, size_t n)
{
    char           why[128];
    pimap_lines_t  lines;

    for ( ; n > 0; n--, cases++) {
        tap_ok(lines_map(format, cases->text, &lines, why, sizeof(why))
               != PIMAP_JSON_OK, cases->text);
        tap_is_mem(why, strlen(why), cases->lines, "the reason");
        pimap_lines_free(&lines);
    }
}


#endif /* _LINES_CASES_H_INCLUDED_ */
