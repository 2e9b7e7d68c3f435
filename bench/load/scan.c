/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The scanner of events.  Only "data:" lines matter; chunk heads, "id:" and
 * "event:" lines and comments are lines that don't match, so that the
 * chunked coding needs no decoder of its own.
 */

#include "scan.h"


/* "0" stands for a number; peers differ in the space after "data:" */

static const char  scan_line[] = "data: " SCAN_TIME "0" SCAN_ACCOUNT "0";

#define SCAN_SPACE  5
#define SCAN_JSON   6
#define SCAN_N1     (SCAN_JSON + sizeof(SCAN_TIME) - 1)
#define SCAN_N2     (SCAN_N1 + sizeof(SCAN_ACCOUNT))
#define SCAN_SKIP   0xff           /* to the end of this line */


scan_rc_t
scan_next(scan_t *scan, const unsigned char **p, const unsigned char *last)
{
    unsigned char         ch;
    const unsigned char  *s;

    for (s = *p; s < last; /* void */ ) {
        ch = *s;

        if (ch == '\n') {
            s++;
            scan->at = 0;
            continue;
        }

        if (scan->at == SCAN_SKIP) {
            s++;
            continue;
        }

        if (scan->at == SCAN_N1 && ch >= '0' && ch <= '9') {
            s++;
            scan->time = scan->time * 10 + (ch - '0');
            continue;
        }

        if (scan->at == SCAN_N2) {

            if (ch >= '0' && ch <= '9') {
                s++;
                scan->account = scan->account * 10 + (ch - '0');
                continue;
            }

            scan->at = SCAN_SKIP;
            *p = s;
            return SCAN_EVENT;
        }

        if (scan->at == SCAN_N1) {
            scan->at++;             /* the number ends, the text goes on */
        }

        if (ch == (unsigned char) scan_line[scan->at]) {
            s++;
            scan->at++;

            if (scan->at == SCAN_N1) {
                scan->time = 0;
                scan->account = 0;
            }

            continue;
        }

        if (scan->at == SCAN_SPACE) {
            scan->at = SCAN_JSON;
            continue;
        }

        if (scan->at < SCAN_JSON) {
            scan->at = SCAN_SKIP;
            continue;
        }

        scan->at = SCAN_SKIP;
        *p = s;
        return SCAN_OTHER;
    }

    *p = last;

    return SCAN_MORE;
}
