
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "imap_known_flags.h"

#include <stdlib.h>
#include <string.h>

#include "bridge.h"


static uint32_t imap_known_flags_find(const imap_known_flags_t *k,
    uint32_t uid);
static void imap_known_flags_splice(imap_known_flags_t *k, uint32_t at,
    uint32_t away, const imap_run_t *runs, uint32_t n);
static void imap_known_flags_cut(imap_known_flags_t *k, uint32_t first,
    uint32_t last, imap_sequence_set_t *gone);
static void imap_known_flags_trim(imap_known_flags_t *k);
static int imap_known_flags_flag(imap_known_flags_t *k, imap_keywords_t *words,
    const char *name, json_t *value);


/* The first run that ends at "uid" or later. */

static uint32_t
imap_known_flags_find(const imap_known_flags_t *k, uint32_t uid)
{
    uint32_t  low, high, middle;

    low = 0;
    high = k->n;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (k->runs[middle].last < uid) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


int
imap_known_flags_get(const imap_known_flags_t *k, uint32_t uid,
    uint64_t *flags)
{
    uint32_t  i;

    i = imap_known_flags_find(k, uid);

    if (i == k->n || k->runs[i].first > uid) {
        return 0;
    }

    *flags = k->runs[i].flags;

    return 1;
}


void
imap_known_flags_put(imap_known_flags_t *k, uint32_t uid, uint64_t flags)
{
    uint32_t    at, away, n;
    imap_run_t  runs[3], *run;

    at = imap_known_flags_find(k, uid);
    run = at < k->n && k->runs[at].first <= uid ? &k->runs[at] : NULL;

    if (run && run->flags == flags) {
        return;
    }

    n = 0;
    away = 0;

    if (run) {
        away = 1;

        if (run->first < uid) {
            runs[n++] = *run;
            runs[0].last = uid - 1;
        }

    } else {
        k->count++;
    }

    runs[n].first = uid;
    runs[n].last = uid;
    runs[n++].flags = flags;

    if (run && run->last > uid) {
        runs[n] = *run;
        runs[n++].first = uid + 1;
    }

    /* a neighbour that is the same takes it in */

    if (runs[0].first == uid && at && k->runs[at - 1].flags == flags
        && k->runs[at - 1].last == uid - 1)
    {
        at--;
        away++;
        runs[0].first = k->runs[at].first;
    }

    run = at + away < k->n ? &k->runs[at + away] : NULL;

    if (runs[n - 1].last == uid && run && run->flags == flags
        && run->first == uid + 1)
    {
        away++;
        runs[n - 1].last = run->last;
    }

    imap_known_flags_splice(k, at, away, runs, n);
    imap_known_flags_trim(k);
}


static void
imap_known_flags_splice(imap_known_flags_t *k, uint32_t at, uint32_t away,
    const imap_run_t *runs, uint32_t n)
{
    uint32_t     size;
    imap_run_t  *new;

    if (k->n - away + n > k->size) {
        size = k->size ? k->size * 2 : 4;
        new = bridge_alloc(size * sizeof(imap_run_t));

        if (k->n) {
            memcpy(new, k->runs, k->n * sizeof(imap_run_t));
        }

        free(k->runs);
        k->runs = new;
        k->size = size;
    }

    memmove(&k->runs[at + n], &k->runs[at + away],
            (k->n - at - away) * sizeof(imap_run_t));

    if (n) {
        memcpy(&k->runs[at], runs, n * sizeof(imap_run_t));
    }

    k->n = k->n - away + n;
}


static void
imap_known_flags_trim(imap_known_flags_t *k)
{
    uint32_t  i, n;

    if (k->n <= IMAP_MAX_RUNS) {
        return;
    }

    /* some at once: the rest has to move */

    n = k->n - IMAP_MAX_RUNS + IMAP_MAX_RUNS / 16;

    for (i = 0; i < n; i++) {
        k->count -= k->runs[i].last - k->runs[i].first + 1;
    }

    k->from = k->runs[n].first;
    imap_known_flags_splice(k, 0, n, NULL, 0);
}


void
imap_known_flags_remove(imap_known_flags_t *k, const imap_sequence_set_t *set,
    imap_sequence_set_t *gone)
{
    size_t  i;

    for (i = 0; i < set->n; i++) {
        imap_known_flags_cut(k, set->ranges[i].first, set->ranges[i].last,
                             gone);
    }
}


void
imap_known_flags_keep(imap_known_flags_t *k, const imap_sequence_set_t *set,
    imap_sequence_set_t *gone)
{
    size_t    i;
    uint32_t  next;

    next = 1;

    for (i = 0; i < set->n; i++) {

        if (set->ranges[i].first > next) {
            imap_known_flags_cut(k, next, set->ranges[i].first - 1, gone);
        }

        if (set->ranges[i].last == UINT32_MAX) {
            return;
        }

        next = set->ranges[i].last + 1;
    }

    imap_known_flags_cut(k, next, UINT32_MAX, gone);
}


static void
imap_known_flags_cut(imap_known_flags_t *k, uint32_t first, uint32_t last,
    imap_sequence_set_t *gone)
{
    uint32_t    at, from, to, n;
    imap_run_t  run, rest[2];

    at = imap_known_flags_find(k, first);

    while (at < k->n && k->runs[at].first <= last) {
        run = k->runs[at];
        from = run.first < first ? first : run.first;
        to = run.last > last ? last : run.last;
        n = 0;

        if (run.first < from) {
            rest[n] = run;
            rest[n++].last = from - 1;
        }

        if (run.last > to) {
            rest[n] = run;
            rest[n++].first = to + 1;
        }

        imap_known_flags_splice(k, at, 1, rest, n);
        imap_sequence_set_add(gone, from, to);

        k->count -= to - from + 1;
        at += n;
    }

    imap_known_flags_trim(k);
}


uint32_t
imap_known_flags_nth(const imap_known_flags_t *k, uint32_t n)
{
    uint32_t  i, count;

    for (i = 0; i < k->n; i++) {
        count = k->runs[i].last - k->runs[i].first + 1;

        if (n < count) {
            return k->runs[i].first + n;
        }

        n -= count;
    }

    return 0;
}


uint32_t
imap_known_flags_without(const imap_known_flags_t *k, uint64_t flag)
{
    uint32_t  i, count;

    count = 0;

    for (i = 0; i < k->n; i++) {

        if (!(k->runs[i].flags & flag)) {
            count += k->runs[i].last - k->runs[i].first + 1;
        }
    }

    return count;
}


json_t *
imap_known_flags_json(const imap_known_flags_t *k,
    const imap_keywords_t *words)
{
    int                  bit;
    json_t              *json;
    uint32_t             i;
    bridge_buffer_t      b;
    imap_sequence_set_t  set;

    json = json_object();
    memset(&b, 0, sizeof(b));
    memset(&set, 0, sizeof(set));

    for (bit = -1; bit < (int) words->n + IMAP_SYSTEM_FLAGS; bit++) {
        set.n = 0;
        b.len = 0;

        for (i = 0; i < k->n; i++) {

            if (bit == -1 || k->runs[i].flags >> bit & 1) {
                imap_sequence_set_add(&set, k->runs[i].first, k->runs[i].last);
            }
        }

        if (set.n) {
            imap_sequence_set_format(&set, &b);
            json_object_set_new(json, bit == -1 ? ""
                                : imap_flags_name(words, bit),
                                json_stringn(b.data, b.len));
        }
    }

    bridge_buffer_free(&b);
    imap_sequence_set_free(&set);

    return json;
}


int
imap_known_flags_load(imap_known_flags_t *k, imap_keywords_t *words,
    json_t *json, uint32_t from)
{
    size_t               i;
    json_t              *all, *value;
    imap_sequence_set_t  set;
    imap_run_t           run;
    const char          *name;

    imap_known_flags_free(k);
    k->from = from;

    all = json_object_get(json, "");

    if (all == NULL) {
        return 0;
    }

    if (!json_is_string(all)
        || imap_sequence_set_parse(&set, json_string_value(all),
                          json_string_length(all)) == -1)
    {
        return -1;
    }

    for (i = 0; i < set.n && k->n < IMAP_MAX_RUNS; i++) {
        run.first = set.ranges[i].first;
        run.last = set.ranges[i].last;
        run.flags = 0;

        imap_known_flags_splice(k, k->n, 0, &run, 1);
        k->count += run.last - run.first + 1;
    }

    imap_sequence_set_free(&set);

    json_object_foreach(json, name, value) {

        if (*name && imap_known_flags_flag(k, words, name, value) == -1) {
            imap_known_flags_free(k);
            return -1;
        }
    }

    return 0;
}


/* Sets the flag of those in the set that are there: runs are cut at both ends
   of each range first. */

static int
imap_known_flags_flag(imap_known_flags_t *k, imap_keywords_t *words,
    const char *name, json_t *value)
{
    size_t               i;
    uint32_t             at, first, last;
    uint64_t             bit;
    imap_sequence_set_t  set;
    imap_run_t           run, piece;

    bit = imap_flags_bit(words, name, strlen(name));

    if (bit == 0) {
        return 0;
    }

    if (!json_is_string(value)
        || imap_sequence_set_parse(&set, json_string_value(value),
                          json_string_length(value)) == -1)
    {
        return -1;
    }

    for (i = 0; i < set.n; i++) {
        first = set.ranges[i].first;
        last = set.ranges[i].last;

        for (at = imap_known_flags_find(k, first);
             at < k->n && k->runs[at].first <= last;
             at++)
        {
            run = k->runs[at];

            if (run.first < first) {
                piece = run;
                piece.last = first - 1;
                k->runs[at].first = first;
                imap_known_flags_splice(k, at++, 0, &piece, 1);
                run = k->runs[at];
            }

            if (run.last > last) {
                piece = run;
                piece.last = last;
                k->runs[at].first = last + 1;
                imap_known_flags_splice(k, at, 0, &piece, 1);
            }

            k->runs[at].flags |= bit;
        }
    }

    imap_sequence_set_free(&set);

    return 0;
}


void
imap_known_flags_free(imap_known_flags_t *k)
{
    free(k->runs);
    memset(k, 0, sizeof(imap_known_flags_t));
}
