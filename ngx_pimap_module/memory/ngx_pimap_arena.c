
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the arenas, one for each size of records.  Called by the heap.
 * Invariant: a page has records of one size, and lies at a multiple of its
 * own size, so a record's page is found by its address.  A page without
 * records is given back, except one.
 *
 * A new page is used from its beginning.  So the system has to back only the
 * part of it that has had records.
 */


#include "ngx_pimap_arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>


#if (NGX_PIMAP_ARENA_MALLOC)


void *
ngx_pimap_arena_alloc(size_t size)
{
    if (size > NGX_PIMAP_ARENA_MAX) {
        errno = ENOMEM;
        return NULL;
    }

    return calloc(1, size);
}


void
ngx_pimap_arena_free(void *record)
{
    free(record);
}


size_t
ngx_pimap_arena_mapped(void)
{
    return 0;
}


#else


/* Sizes are multiples of 8 bytes; those of long names, multiples of 1 kB. */

#define NGX_PIMAP_ARENA_STEP   8
#define NGX_PIMAP_ARENA_FINE   1024
#define NGX_PIMAP_ARENA_STEPS  (NGX_PIMAP_ARENA_FINE / NGX_PIMAP_ARENA_STEP)
#define NGX_PIMAP_ARENAS       (NGX_PIMAP_ARENA_STEPS                         \
                                + NGX_PIMAP_ARENA_MAX / NGX_PIMAP_ARENA_FINE)

#define ngx_pimap_arena_round(size, step)                                     \
    (((size) + (step) - 1) / (step) * (step))


typedef struct ngx_pimap_arena_page_s  ngx_pimap_arena_page_t;


/* In the list of its arena while it has room. */
struct ngx_pimap_arena_page_s {
    ngx_pimap_arena_page_t   *next;
    ngx_pimap_arena_page_t  **prev;     /* what points to this page */
    void                     *freed;    /* records, each points to the next */
    uint32_t                  size;     /* of a record */
    uint32_t                  used;     /* records */
    uint32_t                  end;      /* bytes that have had records */
    uint32_t                  arena;
};


static ngx_pimap_arena_page_t *ngx_pimap_arena_page(unsigned arena,
    size_t size);
static unsigned ngx_pimap_arena_full(ngx_pimap_arena_page_t *page);
static void ngx_pimap_arena_insert(ngx_pimap_arena_page_t *page);
static void ngx_pimap_arena_remove(ngx_pimap_arena_page_t *page);
static void *ngx_pimap_arena_map(void);
static char *ngx_pimap_arena_map_aligned(void);
static void ngx_pimap_arena_unmap(ngx_pimap_arena_page_t *page);


static ngx_pimap_arena_page_t  *ngx_pimap_arenas[NGX_PIMAP_ARENAS];
static ngx_pimap_arena_page_t  *ngx_pimap_arena_spare;
static size_t                   ngx_pimap_arena_pages;
static char                    *ngx_pimap_arena_next;   /* a free address */


void *
ngx_pimap_arena_alloc(size_t size)
{
    void                    *record;
    size_t                   step;
    unsigned                 arena;
    ngx_pimap_arena_page_t  *page;

    if (size > NGX_PIMAP_ARENA_MAX) {
        errno = ENOMEM;
        return NULL;
    }

    step = size <= NGX_PIMAP_ARENA_FINE ? NGX_PIMAP_ARENA_STEP
                                        : NGX_PIMAP_ARENA_FINE;
    size = size ? ngx_pimap_arena_round(size, step) : step;

    arena = size <= NGX_PIMAP_ARENA_FINE
            ? size / NGX_PIMAP_ARENA_STEP - 1
            : NGX_PIMAP_ARENA_STEPS + size / NGX_PIMAP_ARENA_FINE - 1;

    page = ngx_pimap_arenas[arena];

    if (page == NULL) {
        page = ngx_pimap_arena_page(arena, size);
        if (page == NULL) {
            return NULL;
        }
    }

    record = page->freed;

    if (record) {
        memcpy(&page->freed, record, sizeof(void *));

    } else {
        record = (char *) page + page->end;
        page->end += page->size;
    }

    page->used++;

    if (ngx_pimap_arena_full(page)) {
        ngx_pimap_arena_remove(page);
    }

    return memset(record, 0, size);
}


void
ngx_pimap_arena_free(void *record)
{
    ngx_pimap_arena_page_t  *page;

    page = (void *) ((uintptr_t) record
                     & ~(uintptr_t) (NGX_PIMAP_ARENA_PAGE - 1));

    if (ngx_pimap_arena_full(page)) {
        ngx_pimap_arena_insert(page);
    }

    memcpy(record, &page->freed, sizeof(void *));
    page->freed = record;
    page->used--;

    if (page->used) {
        return;
    }

    ngx_pimap_arena_remove(page);

    if (ngx_pimap_arena_spare == NULL) {
        ngx_pimap_arena_spare = page;

    } else {
        ngx_pimap_arena_unmap(page);
    }
}


size_t
ngx_pimap_arena_mapped(void)
{
    return ngx_pimap_arena_pages * NGX_PIMAP_ARENA_PAGE;
}


/* A page without records, in the list of its arena. */

static ngx_pimap_arena_page_t *
ngx_pimap_arena_page(unsigned arena, size_t size)
{
    ngx_pimap_arena_page_t  *page;

    page = ngx_pimap_arena_spare;
    ngx_pimap_arena_spare = NULL;

    if (page == NULL) {
        page = ngx_pimap_arena_map();
        if (page == NULL) {
            return NULL;
        }

        ngx_pimap_arena_pages++;
    }

    page->freed = NULL;
    page->size = (uint32_t) size;
    page->used = 0;
    page->end = ngx_pimap_arena_round(sizeof(ngx_pimap_arena_page_t),
                                      NGX_PIMAP_ARENA_STEP);
    page->arena = arena;

    ngx_pimap_arena_insert(page);

    return page;
}


static unsigned
ngx_pimap_arena_full(ngx_pimap_arena_page_t *page)
{
    return page->freed == NULL
           && page->end + page->size > NGX_PIMAP_ARENA_PAGE;
}


static void
ngx_pimap_arena_insert(ngx_pimap_arena_page_t *page)
{
    ngx_pimap_arena_page_t  **head;

    head = &ngx_pimap_arenas[page->arena];

    page->next = *head;
    page->prev = head;

    if (page->next) {
        page->next->prev = &page->next;
    }

    *head = page;
}


static void
ngx_pimap_arena_remove(ngx_pimap_arena_page_t *page)
{
    *page->prev = page->next;

    if (page->next) {
        page->next->prev = page->prev;
    }
}


/* Side by side pages are one mapping for the system, so there are few. */

static void *
ngx_pimap_arena_map(void)
{
    char  *page;

    page = mmap(ngx_pimap_arena_next, NGX_PIMAP_ARENA_PAGE,
                PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return NULL;
    }

    if ((uintptr_t) page & (NGX_PIMAP_ARENA_PAGE - 1)) {
        (void) munmap(page, NGX_PIMAP_ARENA_PAGE);

        page = ngx_pimap_arena_map_aligned();
        if (page == NULL) {
            return NULL;
        }
    }

    ngx_pimap_arena_next = page - NGX_PIMAP_ARENA_PAGE;

    return page;
}


static char *
ngx_pimap_arena_map_aligned(void)
{
    char    *area;
    size_t   before;

    area = mmap(NULL, 2 * NGX_PIMAP_ARENA_PAGE, PROT_READ|PROT_WRITE,
                MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED) {
        return NULL;
    }

    before = -(uintptr_t) area & (NGX_PIMAP_ARENA_PAGE - 1);

    if (before) {
        (void) munmap(area, before);
    }

    (void) munmap(area + before + NGX_PIMAP_ARENA_PAGE,
                  NGX_PIMAP_ARENA_PAGE - before);

    return area + before;
}


/* A process with too many mappings can't unmap a page between two others. */

static void
ngx_pimap_arena_unmap(ngx_pimap_arena_page_t *page)
{
    if (munmap(page, NGX_PIMAP_ARENA_PAGE) == -1) {
        ngx_pimap_arena_insert(page);
        return;
    }

    ngx_pimap_arena_pages--;
    ngx_pimap_arena_next = (char *) page;
}


#endif
