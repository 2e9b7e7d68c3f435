
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the runs of UIDs.  Invariant: runs ascend and do not overlap.
 */


#include "imap_known_flags.h"

#include <string.h>


static uint32_t imap_known_flags_split(imap_known_flags_t *k, uint32_t uid);
static uint32_t imap_known_flags_end(imap_known_flags_t *k, uint32_t last);
static void imap_known_flags_join(imap_known_flags_t *k, uint32_t at);
static void imap_known_flags_cut(imap_known_flags_t *k, uint32_t first,
    uint32_t last, imap_sequence_set_t *gone);
static void imap_known_flags_trim(imap_known_flags_t *k);
static int imap_known_flags_flag(imap_known_flags_t *k, imap_keywords_t *words,
    const char *name, json_t *value);


int
imap_known_flags_get(const imap_known_flags_t *k, uint32_t uid,
    uint64_t *flags)
{
    uint32_t  i;

    i = imap_sequence_set_find(&k->runs, uid);

    if (i == k->runs.n || k->runs.ranges[i].first > uid) {
        return 0;
    }

    *flags = k->runs.ranges[i].flags;

    return 1;
}


void
imap_known_flags_put(imap_known_flags_t *k, uint32_t uid, uint64_t flags)
{
    uint32_t  at;
    uint64_t  old;

    if (!imap_known_flags_get(k, uid, &old)) {
        at = imap_sequence_set_find(&k->runs, uid);
        imap_sequence_set_insert(&k->runs, at, uid, uid)->flags = flags;
        k->count++;

    } else if (old != flags) {
        at = imap_known_flags_split(k, uid);
        imap_known_flags_split(k, uid + 1);
        k->runs.ranges[at].flags = flags;

    } else {
        return;
    }

    imap_known_flags_join(k, at + 1);
    imap_known_flags_join(k, at);
    imap_known_flags_trim(k);
}


/* Splits the run of "uid" before it; returns the first run from there on. */

static uint32_t
imap_known_flags_split(imap_known_flags_t *k, uint32_t uid)
{
    uint32_t       at;
    imap_range_t  *run;

    at = imap_sequence_set_find(&k->runs, uid);

    if (at < k->runs.n && k->runs.ranges[at].first < uid) {
        run = imap_sequence_set_insert(&k->runs, at, 0, uid - 1);
        run->first = run[1].first;
        run->flags = run[1].flags;
        run[1].first = uid;
        at++;
    }

    return at;
}


/* The first run after "last", which no run crosses then. */

static uint32_t
imap_known_flags_end(imap_known_flags_t *k, uint32_t last)
{
    return last == UINT32_MAX ? k->runs.n
           : imap_known_flags_split(k, last + 1);
}


/* Joins the run with the run before it, if the flags are the same. */

static void
imap_known_flags_join(imap_known_flags_t *k, uint32_t at)
{
    imap_range_t  *run;

    if (at == 0 || at >= k->runs.n) {
        return;
    }

    run = &k->runs.ranges[at];

    if (run[-1].flags == run->flags && run[-1].last + 1 == run->first) {
        run->first = run[-1].first;
        imap_sequence_set_delete(&k->runs, at - 1, 1);
    }
}


static void
imap_known_flags_trim(imap_known_flags_t *k)
{
    uint32_t  i, n;

    if (k->runs.n <= IMAP_MAX_RUNS) {
        return;
    }

    /* several at once, because the rest has to move */

    n = k->runs.n - IMAP_MAX_RUNS + IMAP_MAX_RUNS / 16;

    for (i = 0; i < n; i++) {
        k->count -= k->runs.ranges[i].last - k->runs.ranges[i].first + 1;
    }

    k->from = k->runs.ranges[n].first;
    imap_sequence_set_delete(&k->runs, 0, n);
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
    uint32_t       at, end, i;
    imap_range_t  *run;

    at = imap_known_flags_split(k, first);
    end = imap_known_flags_end(k, last);

    for (i = at; i < end; i++) {
        run = &k->runs.ranges[i];
        imap_sequence_set_add(gone, run->first, run->last);
        k->count -= run->last - run->first + 1;
    }

    imap_sequence_set_delete(&k->runs, at, end - at);
    imap_known_flags_trim(k);
}


uint32_t
imap_known_flags_nth(const imap_known_flags_t *k, uint32_t n)
{
    uint32_t  i, count;

    for (i = 0; i < k->runs.n; i++) {
        count = k->runs.ranges[i].last - k->runs.ranges[i].first + 1;

        if (n < count) {
            return k->runs.ranges[i].first + n;
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

    for (i = 0; i < k->runs.n; i++) {

        if (!(k->runs.ranges[i].flags & flag)) {
            count += k->runs.ranges[i].last - k->runs.ranges[i].first + 1;
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
    imap_range_t        *run;
    bridge_buffer_t      b;
    imap_sequence_set_t  set;

    json = json_object();
    memset(&b, 0, sizeof(b));
    memset(&set, 0, sizeof(set));

    for (bit = -1; bit < (int) words->n + IMAP_SYSTEM_FLAGS; bit++) {
        set.n = 0;
        b.len = 0;

        for (i = 0; i < k->runs.n; i++) {
            run = &k->runs.ranges[i];

            if (bit == -1 || run->flags >> bit & 1) {
                imap_sequence_set_add(&set, run->first, run->last);
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
    json_t      *all, *value;
    const char  *name;

    imap_known_flags_free(k);
    k->from = from;

    all = json_object_get(json, "");

    if (all == NULL) {
        return 0;
    }

    if (!json_is_string(all)
        || imap_sequence_set_parse(&k->runs, json_string_value(all),
                                   json_string_length(all)) == -1)
    {
        return -1;
    }

    if (k->runs.n > IMAP_MAX_RUNS) {
        k->runs.n = IMAP_MAX_RUNS;
    }

    k->count = imap_sequence_set_count(&k->runs);

    json_object_foreach(json, name, value) {

        if (*name && imap_known_flags_flag(k, words, name, value) == -1) {
            imap_known_flags_free(k);
            return -1;
        }
    }

    return 0;
}


/* Sets the flag of all in the set that are known. */

static int
imap_known_flags_flag(imap_known_flags_t *k, imap_keywords_t *words,
    const char *name, json_t *value)
{
    size_t               i;
    uint32_t             at, end;
    uint64_t             bit;
    imap_sequence_set_t  set;

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
        at = imap_known_flags_split(k, set.ranges[i].first);
        end = imap_known_flags_end(k, set.ranges[i].last);

        while (at < end) {
            k->runs.ranges[at++].flags |= bit;
        }
    }

    imap_sequence_set_free(&set);

    return 0;
}


void
imap_known_flags_free(imap_known_flags_t *k)
{
    imap_sequence_set_free(&k->runs);
    memset(k, 0, sizeof(imap_known_flags_t));
}
