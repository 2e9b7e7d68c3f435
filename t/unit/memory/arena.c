
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Records of an arena are zeroed and apart from each other.  Pages without
 * records go back to the system.
 */


#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tap.h"
#include "ngx_pimap_arena.h"


#define RECORDS  20000
#define STEPS    200000
#define SIZE     200
#define PAGE     ((size_t) NGX_PIMAP_ARENA_PAGE)


static struct {
    unsigned char  *record;
    size_t          size;
    unsigned char   mark;
} slots[RECORDS];

static void  *records[RECORDS];


static int
is_filled(const unsigned char *p, size_t size, unsigned char with)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        if (p[i] != with) {
            return 0;
        }
    }

    return 1;
}


/* Most sizes are those of a few kinds, as of devices; some are any. */

static size_t
any_size(void)
{
    switch (random() % 4) {
    case 0:
        return 152;
    case 1:
        return 168 + random() % 40;
    case 2:
        return 1 + random() % 1100;
    default:
        return 1 + random() % NGX_PIMAP_ARENA_MAX;
    }
}


static void
many_sizes(void)
{
    int     i, step, zeroed, aligned, kept;
    size_t  mapped;

    zeroed = aligned = kept = 1;

    for (step = 0; step < STEPS; step++) {
        i = random() % RECORDS;

        if (slots[i].record) {
            kept &= is_filled(slots[i].record, slots[i].size, slots[i].mark);
            ngx_pimap_arena_free(slots[i].record);
            slots[i].record = NULL;
            continue;
        }

        slots[i].size = any_size();
        slots[i].mark = 1 + random() % 255;
        slots[i].record = ngx_pimap_arena_alloc(slots[i].size);

        aligned &= ((uintptr_t) slots[i].record % 8 == 0);
        zeroed &= is_filled(slots[i].record, slots[i].size, 0);

        memset(slots[i].record, slots[i].mark, slots[i].size);
    }

    mapped = ngx_pimap_arena_mapped();

    for (i = 0; i < RECORDS; i++) {
        if (slots[i].record) {
            kept &= is_filled(slots[i].record, slots[i].size, slots[i].mark);
            ngx_pimap_arena_free(slots[i].record);
        }
    }

    tap_ok(zeroed, "of many sizes: each record is zeroed");
    tap_ok(aligned, "each is aligned");
    tap_ok(kept, "none is in another one");
    tap_ok(mapped > 2 * PAGE, "they took many pages");
    tap_is_int(ngx_pimap_arena_mapped(), PAGE, "after all one page is left");
}


static void
fill(void)
{
    int  i;

    for (i = 0; i < RECORDS; i++) {
        records[i] = ngx_pimap_arena_alloc(SIZE);
    }
}


static int
is_mapped(void *record)
{
    long           size;
    unsigned char  in_core;

    size = sysconf(_SC_PAGESIZE);

    return mincore((void *) ((uintptr_t) record / size * size), 1, &in_core)
           == 0 || errno != ENOMEM;
}


static void
given_back(void)
{
    int     i, n, mapped;
    size_t  size;

    fill();
    size = ngx_pimap_arena_mapped();

    tap_ok(size < (size_t) RECORDS * SIZE * 102 / 100,
           "of one size: two per cent more than the records at most");

    /* in no order */

    for (i = 0; i < RECORDS; i++) {
        n = i * 7919L % RECORDS;
        ngx_pimap_arena_free(records[n]);
    }

    tap_is_int(ngx_pimap_arena_mapped(), PAGE, "all freed: one page is left");

    for (mapped = 0, i = 0; i < RECORDS; i++) {
        mapped += is_mapped(records[i]);
    }

    tap_ok(mapped <= (int) PAGE / SIZE, "the others are not mapped");

    fill();
    tap_is_int(ngx_pimap_arena_mapped(), size, "again: as many pages");

    /* as devices that come and go while others stay */

    for (i = 0; i < STEPS; i++) {
        n = random() % RECORDS;
        ngx_pimap_arena_free(records[n]);
        records[n] = ngx_pimap_arena_alloc(SIZE);
    }

    tap_is_int(ngx_pimap_arena_mapped(), size, "they come and go: no more");

    for (i = 0; i < RECORDS; i++) {
        ngx_pimap_arena_free(records[i]);
    }
}


static void
limits(void)
{
    void           *record;
    rlim_t          old;
    struct rlimit   limit;

    errno = 0;
    record = ngx_pimap_arena_alloc(NGX_PIMAP_ARENA_MAX + 1);
    tap_ok(record == NULL && errno == ENOMEM, "too large a record: none");

    record = ngx_pimap_arena_alloc(0);
    tap_ok(record != NULL, "a record of no bytes: is there");
    ngx_pimap_arena_free(record);

    fill();

    (void) getrlimit(RLIMIT_AS, &limit);
    old = limit.rlim_cur;
    limit.rlim_cur = 1;
    (void) setrlimit(RLIMIT_AS, &limit);

    do {
        record = ngx_pimap_arena_alloc(SIZE);
    } while (record);

    record = errno == ENOMEM ? ngx_pimap_arena_alloc(SIZE) : &limit;

    limit.rlim_cur = old;
    (void) setrlimit(RLIMIT_AS, &limit);

    tap_ok(record == NULL, "no memory: no record, each time");
    tap_ok(ngx_pimap_arena_alloc(SIZE) != NULL, "memory again: a record");
}


/* Mappings of a page each, until the system has not one more. */

static char *
many_mappings(size_t *size)
{
    long    page;
    char   *area;
    size_t  i;

    page = sysconf(_SC_PAGESIZE);
    *size = (size_t) page * 4000000;

    area = mmap(NULL, *size, PROT_NONE,
                MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);

    if (area == MAP_FAILED) {
        return NULL;
    }

    for (i = 0; i < *size; i += page) {
        if (mprotect(area + i, *size - i, i / page % 2 ? PROT_READ
                                                       : PROT_WRITE)
            == -1)
        {
            return area;
        }
    }

    return NULL;
}


static void
too_many_mappings(void)
{
    int     i;
    char   *area;
    size_t  size, mapped;

    fill();
    area = many_mappings(&size);

    tap_ok(area != NULL, "there are as many mappings as there may be");

    mapped = ngx_pimap_arena_mapped();

    for (i = RECORDS / 4; i < RECORDS * 3 / 4; i++) {
        ngx_pimap_arena_free(records[i]);
    }

    tap_ok(ngx_pimap_arena_mapped() > mapped * 9 / 10,
           "pages that can't be unmapped stay");

    for (i = RECORDS / 4; i < RECORDS * 3 / 4; i++) {
        records[i] = ngx_pimap_arena_alloc(SIZE);
    }

    tap_is_int(ngx_pimap_arena_mapped(), mapped, "and have records again");

    (void) munmap(area, size);

    for (i = 0; i < RECORDS; i++) {
        ngx_pimap_arena_free(records[i]);
    }

    tap_ok(ngx_pimap_arena_mapped() < mapped / 100,
           "with fewer mappings all are given back");
}


int
main(void)
{
    many_sizes();
    given_back();
    too_many_mappings();
    limits();

    return tap_done();
}
