
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The right answer of the small IMAP server to each command of a session.
 */


#ifndef _IMAP_WORLD_ANSWER_H_INCLUDED_
#define _IMAP_WORLD_ANSWER_H_INCLUDED_


#include "imap_world.h"


/* The untagged part.  1: the tagged one waits for a line of the client. */

static inline int
world_answer(bridge_buffer_t *b, const char *args)
{
    size_t  i;

    if (strncmp(args, "CAPABILITY", 10) == 0) {
        world_say(b, "* CAPABILITY IMAP4rev1 %s\r\n", world_caps);

    } else if (strncmp(args, "AUTHENTICATE", 12) == 0) {
        world_say(b, strstr(world_caps, "SASL-IR") ? "" : "+ \r\n");
        return strstr(world_caps, "SASL-IR") == NULL;

    } else if (strncmp(args, "ENABLE", 6) == 0) {
        world_say(b, "* ENABLED%s\r\n", args + 6);

    } else if (strncmp(args, "LIST", 4) == 0) {
        world_say(b, "* LIST (\\Subscribed) \"/\" INBOX\r\n"
                  "* LIST () \"/\" Lists\r\n");

    } else if (strncmp(args, "LSUB", 4) == 0) {
        world_say(b, "* LSUB () \"/\" INBOX\r\n");

    } else if (strncmp(args, "EXAMINE", 7) == 0
               || strncmp(args, "SELECT", 6) == 0)
    {
        world_select(b, args);

    } else if (strncmp(args, "FETCH ", 6) == 0) {
        world_fetch(b, args + 6, 0);

    } else if (strncmp(args, "UID FETCH ", 10) == 0) {
        world_fetch(b, args + 10, 1);

    } else if (strncmp(args, "UID SEARCH", 10) == 0) {
        world_say(b, "* SEARCH 1 2\r\n");

    } else if (strncmp(args, "IDLE", 4) == 0) {
        world_say(b, "+ idling\r\n");
        return 1;
    }

    for (i = 0; i < 2; i++) {
        if (strncmp(args, "NOTIFY", 6) == 0
            || (strncmp(args, "LIST", 4) == 0 && strstr(args, "STATUS"))
            || (strncmp(args, "STATUS", 6) == 0
                && strstr(args, world_boxes[i].name)))
        {
            world_status(b, &world_boxes[i]);
        }
    }

    return 0;
}


/* Is the state of a session what is in the mailbox? */

static inline int
world_is_known(json_t *state, const world_box_t *box)
{
    char         text[WORLD_MESSAGES * 12];
    size_t       len;
    unsigned     i, first;
    const char  *known;

    for (i = 0, len = 0; i < box->n; i++) {
        first = box->uids[i];

        while (i + 1 < box->n && box->uids[i + 1] == box->uids[i] + 1) {
            i++;
        }

        len += snprintf(text + len, sizeof(text) - len,
                        first == box->uids[i] ? "%s%u" : "%s%u:%u",
                        len ? "," : "", first, box->uids[i]);
    }

    known = json_string_value(json_object_get(json_object_get(state, "known"),
                                              ""));

    return known && strcmp(known, text) == 0
           && json_integer_value(json_object_get(state, "uidvalidity"))
              == (json_int_t) box->uidvalidity
           && json_integer_value(json_object_get(state, "uidnext"))
              == (json_int_t) box->uidnext;
}


#endif /* _IMAP_WORLD_ANSWER_H_INCLUDED_ */
