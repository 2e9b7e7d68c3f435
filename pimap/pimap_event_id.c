
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Event ids: text to numbers, and back.
 */


#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pimap_event_id.h"


static int pimap_event_id_number(const unsigned char *p,
    const unsigned char *last, uint64_t *number);


int
pimap_event_id_parse(pimap_event_id_t *id, const unsigned char *data,
    size_t len)
{
    const unsigned char  *dash, *last;

    id->epoch = 0;
    id->n = 0;

    if (len == 0 || (len == 1 && data[0] == '0')
        || (len == 8 && memcmp(data, "earliest", 8) == 0))
    {
        return 0;
    }

    last = data + len;
    dash = memchr(data, '-', len);

    if (dash == NULL || pimap_event_id_number(data, dash, &id->epoch) != 0
        || pimap_event_id_number(dash + 1, last, &id->n) != 0)
    {
        return -1;
    }

    return id->epoch ? 0 : -1;
}


static int
pimap_event_id_number(const unsigned char *p, const unsigned char *last,
    uint64_t *number)
{
    uint64_t  n;

    if (p == last) {
        return -1;
    }

    for (n = 0; p < last; p++) {
        if (*p < '0' || *p > '9' || n > (UINT64_MAX - (*p - '0')) / 10) {
            return -1;
        }

        n = n * 10 + (*p - '0');
    }

    *number = n;

    return 0;
}


size_t
pimap_event_id_text(const pimap_event_id_t *id, unsigned char *text)
{
    char  buf[PIMAP_EVENT_ID_LEN + 1];
    int   len;

    if (id->epoch == 0) {
        text[0] = '0';
        return 1;
    }

    len = snprintf(buf, sizeof(buf), "%" PRIu64 "-%" PRIu64, id->epoch, id->n);

    memcpy(text, buf, len);

    return len;
}
