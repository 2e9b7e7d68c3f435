
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bits of flags.  System flags have fixed bits.  A keyword gets the
 * next free bit when it is met first, for the life of the session.
 */


#include "imap_token.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "bridge.h"


static int imap_flags_valid(const char *name, size_t len);


static const imap_word_t  imap_system_flags[] = {
    { "\\Answered", IMAP_FLAG_ANSWERED },
    { "\\Flagged", IMAP_FLAG_FLAGGED },
    { "\\Deleted", IMAP_FLAG_DELETED },
    { "\\Seen", IMAP_FLAG_SEEN },
    { "\\Draft", IMAP_FLAG_DRAFT },
    { NULL, 0 }
};


uint64_t
imap_flags_bit(imap_keywords_t *k, const char *name, size_t len)
{
    size_t        i;
    bridge_str_t  s;

    s.data = (char *) name;
    s.len = len;

    if (len && name[0] == '\\') {
        return imap_word(imap_system_flags, &s);
    }

    for (i = 0; i < k->n; i++) {

        if (bridge_str_equal(&s, k->names[i], strlen(k->names[i]))) {
            return (uint64_t) 1 << (i + IMAP_SYSTEM_FLAGS);
        }
    }

    if (k->n == IMAP_MAX_BITS - IMAP_SYSTEM_FLAGS
        || !imap_flags_valid(name, len))
    {
        k->left = s;
        return 0;
    }

    k->names[k->n++] = bridge_copy(name, len);

    return (uint64_t) 1 << (k->n - 1 + IMAP_SYSTEM_FLAGS);
}


/* UTF-8 as well, because some servers take any byte. */

static int
imap_flags_valid(const char *name, size_t len)
{
    size_t  i;

    if (len == 0 || len > IMAP_MAX_KEYWORD
        || !g_utf8_validate(name, len, NULL))
    {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if ((unsigned char) name[i] <= ' ' || name[i] == 0x7f) {
            return 0;
        }
    }

    return 1;
}


uint64_t
imap_flags_mask(imap_keywords_t *k, const bridge_str_t *flags, size_t n)
{
    size_t    i;
    uint64_t  mask;

    mask = 0;
    k->left.len = 0;

    for (i = 0; i < n; i++) {
        mask |= imap_flags_bit(k, flags[i].data, flags[i].len);
    }

    return mask;
}


const char *
imap_flags_name(const imap_keywords_t *k, int bit)
{
    return bit < IMAP_SYSTEM_FLAGS ? imap_system_flags[bit].name
           : k->names[bit - IMAP_SYSTEM_FLAGS];
}


json_t *
imap_flags_json(const imap_keywords_t *k, uint64_t mask)
{
    uint32_t  i;
    json_t   *flags;

    flags = json_array();

    for (i = 0; i < k->n + IMAP_SYSTEM_FLAGS; i++) {

        if (mask >> i & 1) {
            json_array_append_new(flags, json_string(imap_flags_name(k, i)));
        }
    }

    return flags;
}


void
imap_flags_free(imap_keywords_t *k)
{
    while (k->n) {
        free(k->names[--k->n]);
    }
}
