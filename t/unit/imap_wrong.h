
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The ways in which an IMAP server can answer a command wrongly.
 */


#ifndef _IMAP_WRONG_H_INCLUDED_
#define _IMAP_WRONG_H_INCLUDED_


#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bridge_buffer.h"


typedef enum {
    WRONG_NOTHING,
    WRONG_NO,
    WRONG_BAD,
    WRONG_LIMIT,
    WRONG_OK,                           /* without data */
    WRONG_DATA_NO,
    WRONG_HALF,                         /* of the lines, and OK */
    WRONG_ODD,                          /* lines that are not understood */
    WRONG_NUMBERS,                      /* others each time */
    WRONG_NEWS,                         /* others each time, in vain */
    WRONG_TWICE,
    WRONG_PLUS,
    WRONG_BYTES,                        /* from here on the right answer has
                                           something before it */
    WRONG_FLAGS,
    WRONG_EXPUNGE,
    WRONG_VANISHED,
    WRONG_CAPS,
    WRONG_LITERALS,
    WRONG_LONG,
    WRONG_NEVER,
    WRONG_CUT,
    WRONG_BYE,
    WRONG_KINDS
} wrong_t;


static const char  *wrong_names[] = {
    "right", "NO", "BAD", "NO [LIMIT]", "OK without data", "data and NO",
    "half of the data", "odd lines", "other numbers each time",
    "news each time", "twice",
    "an unexpected +", "bytes of no protocol", "flags without a UID",
    "EXPUNGE of nobody", "VANISHED of nobody", "other capabilities",
    "too many literals", "a line that is too long", "never", "cut off", "BYE"
};


#include "imap_wrong_before.h"


/* The end of an answer, if it is not the right one. */

static const char  *wrong_tagged[WRONG_KINDS] = {
    [WRONG_NO] = "NO no", [WRONG_BAD] = "BAD what",
    [WRONG_LIMIT] = "NO [LIMIT] many", [WRONG_OK] = "OK ok",
    [WRONG_DATA_NO] = "NO no", [WRONG_HALF] = "OK ok",
    [WRONG_ODD] = "OK ok"
};


/* Each digit becomes another one. */

static inline void
wrong_numbers(bridge_buffer_t *b, unsigned n)
{
    size_t  i;

    for (i = 0; i < b->len; i++) {
        if (isdigit((unsigned char) b->data[i])) {
            b->data[i] = '0' + (b->data[i] - '0' + n) % 10;
        }
    }
}


/* The first half of the lines of the data. */

static inline void
wrong_half(bridge_buffer_t *b, const bridge_buffer_t *data)
{
    size_t  n;

    for (n = data->len / 2; n && data->data[n - 1] != '\n'; n--) { /* void */ }

    bridge_buffer_add(b, data->data, n);
}


/* Says the wrong answer.  1: the connection is closed after it. */

static inline int
wrong_answer(bridge_buffer_t *b, wrong_t wrong, const char *tag,
    bridge_buffer_t *data, const char *ok, unsigned n)
{
    char    text[128];
    size_t  from = b->len;

    switch (wrong) {

    case WRONG_HALF:
        wrong_half(b, data);
        break;

    case WRONG_ODD:
        bridge_buffer_text(b, "* 2  \r\n* LIST (\r\n* STATUS INBOX (MESSAGES "
                           "-1)\r\n* 1 FETCH (UID 1 FLAGS\r\n\r\n* %\r\n");
        break;

    case WRONG_NUMBERS:
        wrong_numbers(data, n);
        /* fall through */

    case WRONG_DATA_NO:
    case WRONG_TWICE:
    case WRONG_CUT:
    case WRONG_NOTHING:
        bridge_buffer_add(b, data->data, data->len);
        break;

    case WRONG_NEWS:
        bridge_buffer_add(b, data->data, data->len);
        snprintf(text, sizeof(text), "* STATUS Lists (MESSAGES %u UIDNEXT %u)"
                 "\r\n* %u EXISTS\r\n", n, n + 1, 3 + n % 2);
        bridge_buffer_text(b, text);
        break;

    case WRONG_PLUS:
        bridge_buffer_text(b, "+ what\r\n");
        bridge_buffer_add(b, data->data, data->len);
        break;

    case WRONG_BYTES:
    case WRONG_FLAGS:
    case WRONG_EXPUNGE:
    case WRONG_VANISHED:
    case WRONG_CAPS:
    case WRONG_LITERALS:
    case WRONG_LONG:
        wrong_add_before(b, wrong, n);
        bridge_buffer_add(b, data->data, data->len);
        break;

    case WRONG_BYE:
        bridge_buffer_text(b, "* BYE bye\r\n");
        return 1;

    case WRONG_NEVER:
        return 0;

    default:
        break;
    }

    if (wrong_tagged[wrong]) {
        snprintf(text, sizeof(text), "%s %s\r\n", tag,
                 wrong_tagged[wrong]);
        bridge_buffer_text(b, text);

    } else {
        bridge_buffer_text(b, ok);
        bridge_buffer_text(b, wrong == WRONG_TWICE ? ok : "");
    }

    if (wrong == WRONG_CUT) {
        b->len = from + (b->len - from) / 2;
        return 1;
    }

    return 0;
}


#endif /* _IMAP_WRONG_H_INCLUDED_ */
