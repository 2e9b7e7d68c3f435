
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Event ids: text to numbers, and back.
 */


#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pimap_event_id.h"


#define PIMAP_EVENT_ID_TIME  10000000000000000      /* msec */


static const char *pimap_event_id_number(const char *p, const char *last,
    uint64_t *number);


int
pimap_event_id_parse(pimap_event_id_t *id, const unsigned char *data,
    size_t len)
{
    const char  *text;

    text = (const char *) data;

    id->epoch = 0;
    id->n = 0;

    if (len == 0 || (len == 1 && text[0] == '0')
        || (len == 8 && memcmp(text, "earliest", 8) == 0))
    {
        return 0;
    }

    return pimap_event_id_scan(id, text, text + len) == text + len && id->epoch
           ? 0 : -1;
}


const char *
pimap_event_id_scan(pimap_event_id_t *id, const char *p, const char *last)
{
    p = pimap_event_id_number(p, last, &id->epoch);

    if (p == NULL || p == last || *p != '-') {
        return NULL;
    }

    return pimap_event_id_number(p + 1, last, &id->n);
}


static const char *
pimap_event_id_number(const char *p, const char *last, uint64_t *number)
{
    uint64_t     n, digit;
    const char  *first;

    first = p;

    for (n = 0; p < last && *p >= '0' && *p <= '9'; p++) {
        digit = *p - '0';

        if (n > (UINT64_MAX - digit) / 10) {
            return NULL;
        }

        n = n * 10 + digit;
    }

    if (p == first || (*first == '0' && p > first + 1)) {
        return NULL;
    }

    *number = n;

    return p;
}


const char *
pimap_event_id_time(uint64_t *msec, const char *p, const char *last)
{
    *msec = 0;

    if (p == last || *p != '@') {
        return p;
    }

    p = pimap_event_id_number(p + 1, last, msec);

    return p && *msec < PIMAP_EVENT_ID_TIME ? p : NULL;
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
