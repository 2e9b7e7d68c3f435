
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns text in lines: what the sender wrote, and what is quoted.  Called by
 * mime_body.c.
 */


#include "mime_header.h"

#include <string.h>


void
mime_text(bridge_buffer_t *own, bridge_buffer_t *quoted, int delsp,
    const char *data, size_t len)
{
    size_t            n;
    const char       *p, *end, *line;
    bridge_buffer_t  *to;

    if (len == 0) {
        return;
    }

    end = data + len;

    for (p = data; p < end; p = line) {
        line = memchr(p, '\n', end - p);
        line = line ? line + 1 : end;
        to = own;

        if (*p == '>') {
            to = quoted;

            while (p < line && (*p == '>' || *p == ' ')) {
                p++;
            }
        }

        n = line - p;

        /* RFC 3676, 4.1: the space and the end of a flowed line go */

        if (delsp) {
            n -= n && p[n - 1] == '\n';
            n -= n && p[n - 1] == '\r';

            if (n && p[n - 1] == ' ' && !(n == 3 && memcmp(p, "-- ", 3) == 0))
            {
                bridge_buffer_add(to, p, n - 1);
                continue;
            }

            n = line - p;
        }

        bridge_buffer_add(to, p, n);
    }
}
