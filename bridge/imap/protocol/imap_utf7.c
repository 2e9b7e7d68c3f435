
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns names of mailboxes, in UTF-8 and in the modified UTF-7 of RFC 3501,
 * 5.1.3.
 */


#include "imap_token.h"
#include "bridge.h"

#include <string.h>

#include <glib.h>

#include "pimap_utf8.h"


static int imap_utf7_convert(bridge_buffer_t *b, const char *to,
    const char *from, const char *data, size_t len);


int
imap_name_valid(const char *name, size_t len)
{
    int32_t      c;
    const char  *p;

    for (p = name; p < name + len; /* void */ ) {
        c = pimap_utf8_next(&p, name + len);

        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
            return 0;
        }
    }

    return len > 0 && len <= IMAP_MAX_NAME;
}


int
imap_utf7_encode(bridge_buffer_t *b, const char *utf8, size_t len)
{
    return imap_utf7_convert(b, "UTF-7-IMAP", "UTF-8", utf8, len);
}


int
imap_utf7_decode(bridge_buffer_t *b, const char *utf7, size_t len)
{
    int              same;
    size_t           before;
    bridge_buffer_t  again;

    before = b->len;

    if (imap_utf7_convert(b, "UTF-8", "UTF-7-IMAP", utf7, len) == -1) {
        return -1;
    }

    /* a name that is encoded in another way can't be selected */

    memset(&again, 0, sizeof(again));

    same = b->len > before
           && imap_name_valid(b->data + before, b->len - before)
           && imap_utf7_encode(&again, b->data + before, b->len - before) == 0
           && again.len == len && memcmp(again.data, utf7, len) == 0;

    bridge_buffer_free(&again);

    if (!same) {
        b->len = before;
    }

    return same ? 0 : -1;
}


static int
imap_utf7_convert(bridge_buffer_t *b, const char *to, const char *from,
    const char *data, size_t len)
{
    char    *text;
    gsize    n;
    GError  *error;

    error = NULL;

    text = g_convert(data, len, to, from, NULL, &n, &error);

    if (text == NULL) {

        if (error->code == G_CONVERT_ERROR_FAILED
            || error->code == G_CONVERT_ERROR_NO_MEMORY)
        {
            bridge_memory_none("the name of a mailbox");
        }

        g_error_free(error);
        return -1;
    }

    bridge_buffer_add(b, text, n);
    g_free(text);

    return 0;
}
