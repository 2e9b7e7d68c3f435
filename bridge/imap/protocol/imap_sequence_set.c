
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns sets of message numbers, which are ascending ranges.
 */


#include "imap_token.h"

#include <stdlib.h>
#include <string.h>

#include "bridge.h"


static int imap_sequence_set_number(imap_cursor_t *c, uint32_t *n);
static int imap_sequence_set_compare(const void *one, const void *two);
static void imap_sequence_set_append(imap_sequence_set_t *set, uint32_t first,
    uint32_t last);
static void imap_sequence_set_sort(imap_sequence_set_t *set);


int
imap_sequence_set_parse(imap_sequence_set_t *set, const char *text, size_t len)
{
    int            sorted;
    uint32_t       first, last;
    imap_cursor_t  c;

    memset(set, 0, sizeof(imap_sequence_set_t));
    imap_cursor_init(&c, (char *) text, len);
    sorted = 1;

    do {
        if (set->n == IMAP_MAX_RANGES
            || imap_sequence_set_number(&c, &first) == -1)
        {
            goto failed;
        }

        last = first;

        if (imap_cursor_at(&c, ':')
            && imap_sequence_set_number(&c, &last) == -1)
        {
            goto failed;
        }

        if (last < first) {
            imap_sequence_set_append(set, last, first);

        } else {
            imap_sequence_set_append(set, first, last);
        }

        if (set->n > 1
            && set->ranges[set->n - 1].first <= set->ranges[set->n - 2].last)
        {
            sorted = 0;
        }

    } while (imap_cursor_at(&c, ','));

    if (c.p != c.end) {
        goto failed;
    }

    if (!sorted) {
        imap_sequence_set_sort(set);
    }

    return 0;

failed:

    imap_sequence_set_free(set);

    return -1;
}


static int
imap_sequence_set_number(imap_cursor_t *c, uint32_t *n)
{
    uint64_t  number;

    if (imap_cursor_at(c, '*')) {
        *n = UINT32_MAX;
        return 0;
    }

    if (imap_cursor_number(c, UINT32_MAX, &number) == -1 || number == 0) {
        return -1;
    }

    *n = number;

    return 0;
}


static void
imap_sequence_set_append(imap_sequence_set_t *set, uint32_t first,
    uint32_t last)
{
    imap_range_t  *range;

    if (set->n) {
        range = &set->ranges[set->n - 1];

        if (range->last != UINT32_MAX && range->last + 1 == first) {
            range->last = last;
            return;
        }
    }

    imap_sequence_set_insert(set, set->n, first, last);
}


imap_range_t *
imap_sequence_set_insert(imap_sequence_set_t *set, size_t at, uint32_t first,
    uint32_t last)
{
    imap_range_t  *range;

    set->ranges = bridge_grow(set->ranges, set->n, &set->size,
                              sizeof(imap_range_t));

    range = &set->ranges[at];
    memmove(range + 1, range, (set->n++ - at) * sizeof(imap_range_t));

    range->first = first;
    range->last = last;
    range->flags = 0;

    return range;
}


void
imap_sequence_set_delete(imap_sequence_set_t *set, size_t at, size_t n)
{
    if (n) {
        set->n -= n;
        memmove(&set->ranges[at], &set->ranges[at + n],
                (set->n - at) * sizeof(imap_range_t));
    }
}


static void
imap_sequence_set_sort(imap_sequence_set_t *set)
{
    size_t         i, n;
    imap_range_t  *to, *from;

    qsort(set->ranges, set->n, sizeof(imap_range_t),
          imap_sequence_set_compare);

    for (n = 0, i = 1; i < set->n; i++) {
        to = &set->ranges[n];
        from = &set->ranges[i];

        if (to->last == UINT32_MAX || from->first <= to->last + 1) {
            to->last = from->last > to->last ? from->last : to->last;

        } else {
            set->ranges[++n] = *from;
        }
    }

    set->n = n + 1;
}


static int
imap_sequence_set_compare(const void *one, const void *two)
{
    const imap_range_t  *a = one, *b = two;

    return a->first < b->first ? -1 : a->first > b->first;
}


void
imap_sequence_set_add(imap_sequence_set_t *set, uint32_t first, uint32_t last)
{
    size_t         at, n;
    imap_range_t  *r;

    if (set->n == 0 || first > set->ranges[set->n - 1].last) {
        imap_sequence_set_append(set, first, last);
        return;
    }

    /* joins all ranges that it overlaps or touches */

    at = imap_sequence_set_find(set, first > 1 ? first - 1 : first);

    for (n = at; n < set->n; n++) {
        r = &set->ranges[n];

        if (last != UINT32_MAX && r->first > last + 1) {
            break;
        }

        first = r->first < first ? r->first : first;
        last = r->last > last ? r->last : last;
    }

    imap_sequence_set_delete(set, at, n - at);
    imap_sequence_set_insert(set, at, first, last);
}


size_t
imap_sequence_set_find(const imap_sequence_set_t *set, uint32_t n)
{
    size_t  low, high, middle;

    low = 0;
    high = set->n;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (set->ranges[middle].last < n) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


int
imap_sequence_set_has(const imap_sequence_set_t *set, uint32_t n)
{
    size_t  i;

    i = imap_sequence_set_find(set, n);

    return i < set->n && set->ranges[i].first <= n;
}


uint64_t
imap_sequence_set_count(const imap_sequence_set_t *set)
{
    size_t    i;
    uint64_t  count;

    count = 0;

    for (i = 0; i < set->n; i++) {
        count += (uint64_t) set->ranges[i].last - set->ranges[i].first + 1;
    }

    return count;
}


void
imap_sequence_set_format(const imap_sequence_set_t *set, bridge_buffer_t *b)
{
    size_t               i;
    const imap_range_t  *range;

    for (i = 0; i < set->n; i++) {
        range = &set->ranges[i];

        if (i) {
            bridge_buffer_char(b, ',');
        }

        bridge_buffer_number(b, range->first);

        if (range->last == UINT32_MAX && range->first != UINT32_MAX) {
            bridge_buffer_text(b, ":*");

        } else if (range->last != range->first) {
            bridge_buffer_char(b, ':');
            bridge_buffer_number(b, range->last);
        }
    }
}


void
imap_sequence_set_free(imap_sequence_set_t *set)
{
    free(set->ranges);
    memset(set, 0, sizeof(imap_sequence_set_t));
}
