
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Sets of message numbers (RFC 3501: sequence-set): ascending ranges.  Pure.
 */


#ifndef _IMAP_SEQUENCE_SET_H_INCLUDED_
#define _IMAP_SEQUENCE_SET_H_INCLUDED_


#include "bridge_buffer.h"


#define IMAP_MAX_RANGES         65536   /* in a set that is parsed */


typedef struct {
    uint32_t        first;
    uint32_t        last;               /* "*" is UINT32_MAX */
    uint64_t        flags;              /* of known messages */
} imap_range_t;


typedef struct {
    imap_range_t   *ranges;
    size_t          n;
    size_t          size;
} imap_sequence_set_t;


/* Returns -1, and leaves the set empty, if it is invalid or too large. */
int imap_sequence_set_parse(imap_sequence_set_t *set, const char *text,
    size_t len);

void imap_sequence_set_add(imap_sequence_set_t *set, uint32_t first,
    uint32_t last);
int imap_sequence_set_has(const imap_sequence_set_t *set, uint32_t n);
uint64_t imap_sequence_set_count(const imap_sequence_set_t *set);

/* The first range that ends at "n" or later. */
size_t imap_sequence_set_find(const imap_sequence_set_t *set, uint32_t n);

/* Before the range "at"; joins no ranges. */
imap_range_t *imap_sequence_set_insert(imap_sequence_set_t *set, size_t at,
    uint32_t first, uint32_t last);

/* Removes "n" ranges. */
void imap_sequence_set_delete(imap_sequence_set_t *set, size_t at, size_t n);

void imap_sequence_set_format(const imap_sequence_set_t *set,
    bridge_buffer_t *b);

void imap_sequence_set_free(imap_sequence_set_t *set);


#endif /* _IMAP_SEQUENCE_SET_H_INCLUDED_ */
