
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Flags as bits.  System flags have fixed bits; a keyword gets the next free
 * bit when it is met first, for the life of the session.  Pure.
 */


#ifndef _IMAP_FLAGS_H_INCLUDED_
#define _IMAP_FLAGS_H_INCLUDED_


#include <jansson.h>

#include "bridge_buffer.h"


#define IMAP_FLAG_ANSWERED      0x01
#define IMAP_FLAG_FLAGGED       0x02
#define IMAP_FLAG_DELETED       0x04
#define IMAP_FLAG_SEEN          0x08
#define IMAP_FLAG_DRAFT         0x10

#define IMAP_SYSTEM_FLAGS       5
#define IMAP_MAX_BITS           64      /* keywords that are more than fit are
                                           not watched */
#define IMAP_MAX_KEYWORD        128


typedef struct {
    char      *names[IMAP_MAX_BITS - IMAP_SYSTEM_FLAGS];
    uint32_t   n;
} imap_keywords_t;


/* 0: \Recent, "\*", not ASCII, or no bit is free. */
uint64_t imap_flags_bit(imap_keywords_t *k, const char *name, size_t len);

uint64_t imap_flags_mask(imap_keywords_t *k, const bridge_str_t *flags,
    size_t n);

const char *imap_flags_name(const imap_keywords_t *k, int bit);
json_t *imap_flags_json(const imap_keywords_t *k, uint64_t mask);

void imap_flags_free(imap_keywords_t *k);


#endif /* _IMAP_FLAGS_H_INCLUDED_ */
