
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A small IMAP server without a socket: two mailboxes, and the right answer to
 * each command of a session.
 */


#ifndef _IMAP_WORLD_H_INCLUDED_
#define _IMAP_WORLD_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bridge_buffer.h"


#define WORLD_MESSAGES  64


typedef struct {
    const char  *name;
    unsigned     uidvalidity;
    unsigned     uidnext;
    unsigned     modseq;
    unsigned     n;
    unsigned     uids[WORLD_MESSAGES];
} world_box_t;


static world_box_t   world_boxes[2];
static world_box_t  *world_selected;
static const char   *world_caps;


static inline void
world_reset(const char *caps)
{
    static const world_box_t  boxes[] = {
        { "INBOX", 7, 3, 10, 2, { 1, 2 } }, { "Lists", 9, 2, 10, 1, { 1 } }
    };

    memcpy(world_boxes, boxes, sizeof(boxes));
    world_selected = NULL;
    world_caps = caps;
}


__attribute__((format(printf, 2, 3)))
static inline void
world_say(bridge_buffer_t *b, const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    bridge_buffer_text(b, text);
}


static inline int
world_condstore(void)
{
    return strstr(world_caps, "CONDSTORE") || strstr(world_caps, "QRESYNC");
}


static inline void
world_status(bridge_buffer_t *b, const world_box_t *box)
{
    world_say(b, "* STATUS %s (MESSAGES %u UIDNEXT %u UIDVALIDITY %u UNSEEN "
              "%u", box->name, box->n, box->uidnext, box->uidvalidity, box->n);

    if (world_condstore()) {
        world_say(b, " HIGHESTMODSEQ %u", box->modseq);
    }

    world_say(b, ")\r\n");
}


static inline void
world_select(bridge_buffer_t *b, const char *args)
{
    world_box_t  *box;

    box = &world_boxes[strstr(args, "Lists") != NULL];
    world_selected = box;

    world_say(b, "* %u EXISTS\r\n* OK [UIDVALIDITY %u] x\r\n* OK [UIDNEXT %u] "
              "x\r\n", box->n, box->uidvalidity, box->uidnext);

    if (world_condstore()) {
        world_say(b, "* OK [HIGHESTMODSEQ %u] x\r\n", box->modseq);
    }

    if (strstr(args, "QRESYNC (")) {
        world_say(b, "* VANISHED (EARLIER) %u:%u\r\n", box->uidnext,
                  box->uidnext + 1000);
    }
}


/* Those from the first number on; "*" alone is the last message. */

static inline void
world_fetch(bridge_buffer_t *b, const char *args, int uid)
{
    unsigned      i, from, to;
    world_box_t  *box = world_selected;

    from = atoi(args);
    to = strchr(args, ':') && atoi(strchr(args, ':') + 1)
         ? (unsigned) atoi(strchr(args, ':') + 1) : 0;

    for (i = 0; box && i < box->n; i++) {

        if ((uid ? box->uids[i] : i + 1) < from && (to || i + 1 < box->n)) {
            continue;
        }

        if (to && box->uids[i] > to) {
            continue;
        }

        world_say(b, "* %u FETCH (UID %u FLAGS ()%s%s%s%s)\r\n", i + 1,
                  box->uids[i], strstr(args, "INTERNALDATE")
                  ? " INTERNALDATE \"24-Nov-2036 12:00:00 +0000\"" : "",
                  strstr(args, "SIZE") ? " RFC822.SIZE 9" : "",
                  strstr(args, "ENVELOPE")
                  ? " ENVELOPE (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL)"
                  : "",
                  strstr(args, "PREVIEW") ? " PREVIEW \"text\"" : "");
    }
}


/* A message comes into each mailbox, and the oldest one of INBOX leaves. */

static inline void
world_news(bridge_buffer_t *b)
{
    size_t        i;
    world_box_t  *box;

    for (i = 0; i < 2; i++) {
        box = &world_boxes[i];
        box->modseq++;

        if (box == world_boxes && box->n > 2) {
            box->n--;
            memmove(box->uids, box->uids + 1, box->n * sizeof(unsigned));

            if (box == world_selected) {
                world_say(b, strstr(world_caps, "QRESYNC")
                          ? "* VANISHED %u\r\n" : "* 1 EXPUNGE\r\n",
                          box->uids[0] - 1);
            }
        }

        box->uids[box->n++] = box->uidnext++;

        if (box == world_selected) {
            world_say(b, "* %u EXISTS\r\n", box->n);

        } else if (strstr(world_caps, "NOTIFY")) {
            world_status(b, box);
        }
    }
}


#endif /* _IMAP_WORLD_H_INCLUDED_ */
