
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

void imap_sequence_set_format(const imap_sequence_set_t *set,
    bridge_buffer_t *b);

void imap_sequence_set_free(imap_sequence_set_t *set);


#endif /* _IMAP_SEQUENCE_SET_H_INCLUDED_ */
