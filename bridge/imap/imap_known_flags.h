
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The known messages of a mailbox and their flags: ascending runs of UIDs with
 * the same flags.  Each difference from it is an event.  Pure.
 */


#ifndef _IMAP_KNOWN_FLAGS_H_INCLUDED_
#define _IMAP_KNOWN_FLAGS_H_INCLUDED_


#include "imap_token.h"


/* In a mailbox with more runs, only the newest messages are known. */

#define IMAP_MAX_RUNS           1024


typedef struct {
    imap_sequence_set_t  runs;
    uint32_t             count;         /* messages in the runs */
    uint32_t             from;          /* nothing is known below this UID */
} imap_known_flags_t;


int imap_known_flags_get(const imap_known_flags_t *k, uint32_t uid,
    uint64_t *flags);
void imap_known_flags_put(imap_known_flags_t *k, uint32_t uid, uint64_t flags);

/* Removes the messages in the set, and adds them to "gone". */
void imap_known_flags_remove(imap_known_flags_t *k,
    const imap_sequence_set_t *set, imap_sequence_set_t *gone);

/* Removes the messages that are not in the set, and adds them to "gone". */
void imap_known_flags_keep(imap_known_flags_t *k,
    const imap_sequence_set_t *set, imap_sequence_set_t *gone);

/* The UID of message "n", from 0; 0: there is no such message. */
uint32_t imap_known_flags_nth(const imap_known_flags_t *k, uint32_t n);

uint32_t imap_known_flags_without(const imap_known_flags_t *k, uint64_t flag);

/* An object: the UIDs of each flag, and all UIDs as "".  load() returns -1 if
   it is not such an object. */

json_t *imap_known_flags_json(const imap_known_flags_t *k,
    const imap_keywords_t *words);
int imap_known_flags_load(imap_known_flags_t *k, imap_keywords_t *words,
    json_t *json, uint32_t from);

void imap_known_flags_free(imap_known_flags_t *k);


#endif /* _IMAP_KNOWN_FLAGS_H_INCLUDED_ */
