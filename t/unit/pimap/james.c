
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Events of Apache James in its JSON: each kind becomes its lines, for the
 * owner of the mailbox.  Other kinds become none.
 */


#include <stdlib.h>

static void *fail_realloc(void *p, size_t size);

#define realloc(p, size)  fail_realloc(p, size)
#include "pimap_james_flags.c"
#undef realloc

#include "lines_cases.h"


#define PATH       "\"path\":{\"namespace\":\"#private\",\"user\":\"alice\"," \
                   "\"name\":\"INBOX\"}"
#define EVENT(kind, rest)                                                     \
    "{\"" kind "\":{\"eventId\":\"6e0d\",\"sessionId\":42,\"user\":\"bob\","  \
    PATH ",\"mailboxId\":\"18\"" rest "}}"

#define TO         "{\"account\":\"alice\",\"event\":{\"event\":"
#define KEY(n)     "},\"key\":\"6e0d/" n "\"}\n"

#define SUBSCRIPTION(kind, user)                                              \
    "{\"" kind "\":{\"eventId\":\"6e0d\",\"mailboxPath\":{\"namespace\":"     \
    "\"#private\",\"user\":\"alice\",\"name\":\"a.b\"},"                     \
    "\"user\":\"" user "\",\"sessionId\":4}}"

#define MESSAGE    "{\"uid\":7,\"modSeq\":35,\"flags\":{\"systemFlags\":"     \
                   "[\"Draft\"],\"userFlags\":[]},\"size\":45}"

#define FLAGS(uid, old, old_user, new, new_user)                              \
    "{\"uid\":" uid ",\"modSeq\":35,\"oldFlags\":{\"systemFlags\":[" old      \
    "],\"userFlags\":[" old_user "]},\"newFlags\":{\"systemFlags\":[" new     \
    "],\"userFlags\":[" new_user "]}}"


static const lines_case_t  good[] = {
    { EVENT("Added", ",\"added\":{\"7\":" MESSAGE ",\"8\":" MESSAGE "},"
            "\"isDelivery\":true,\"isAppended\":false"),
      TO "\"MessageNew\",\"mailbox\":\"INBOX\",\"uid\":7" KEY("0")
      TO "\"MessageNew\",\"mailbox\":\"INBOX\",\"uid\":8" KEY("1") },
    { EVENT("Added", ",\"added\":{\"7\":" MESSAGE ",\"8\":" MESSAGE "},"
            "\"isDelivery\":false"),
      TO "\"MessageAppend\",\"mailbox\":\"INBOX\",\"uids\":[7,8]" KEY("0") },
    { EVENT("Added", ",\"added\":{\"x\":1,\"\":2,\"9\":null}"),
      TO "\"MessageAppend\",\"mailbox\":\"INBOX\",\"uids\":[9]" KEY("0") },
    { EVENT("Added", ",\"added\":{},\"isDelivery\":true"), "" },
    { EVENT("Added", ",\"added\":[7],\"isDelivery\":true"), "" },
    { EVENT("Added", ""), "" },
    { EVENT("Expunged", ",\"expunged\":{\"7\":" MESSAGE "}"),
      TO "\"MessageExpunge\",\"mailbox\":\"INBOX\",\"uids\":[7]" KEY("0") },
    { EVENT("FlagsUpdated", ",\"updatedFlags\":["
            FLAGS("1", "", "", "\"Seen\",\"Recent\"", "") ","
            FLAGS("2", "\"Seen\"", "", "\"Deleted\"", "\"Seen\"") ","
            FLAGS("3", "\"Seen\",\"Recent\"", "\"a\"", "\"Seen\"", "\"a\"")
            "," FLAGS("4", "\"Flagged\"", "", "\"Flagged\",\"Answered\"", "")
            "," FLAGS("5", "", "\"a\"", "", "\"b\"") "]"),
      TO "\"MessageRead\",\"mailbox\":\"INBOX\",\"uids\":[1]" KEY("0")
      TO "\"MessageTrash\",\"mailbox\":\"INBOX\",\"uids\":[2]" KEY("1")
      TO "\"FlagsSet\",\"mailbox\":\"INBOX\",\"uids\":[2,4,5]" KEY("2")
      TO "\"FlagsClear\",\"mailbox\":\"INBOX\",\"uids\":[2,5]" KEY("3") },
    { EVENT("FlagsUpdated", ",\"updatedFlags\":[7,{},{\"uid\":\"8\","
            "\"newFlags\":{\"systemFlags\":[\"Seen\"]}},{\"uid\":9,"
            "\"newFlags\":{\"systemFlags\":\"Seen\",\"userFlags\":[1]},"
            "\"oldFlags\":7}]"),
      TO "\"FlagsSet\",\"mailbox\":\"INBOX\",\"uids\":[9]" KEY("0") },
    { "{\"MailboxAdded\":{\"eventId\":\"6e0d\",\"mailboxPath\":{\"namespace\":"
      "\"#private\",\"user\":\"alice\",\"name\":\"a.b\"},\"mailboxId\":\"1\","
      "\"user\":\"bob\",\"sessionId\":4}}",
      TO "\"MailboxCreate\",\"mailbox\":\"a.b\"" KEY("0") },
    { EVENT("MailboxDeletion", ""),
      TO "\"MailboxDelete\",\"mailbox\":\"INBOX\"" KEY("0") },
    { EVENT("MailboxRenamed", ",\"newPath\":{\"namespace\":\"#private\","
            "\"user\":\"alice\",\"name\":\"Old \\\"1\\\"\"}"),
      TO "\"MailboxRename\",\"mailbox\":\"Old \\\"1\\\"\","
      "\"oldMailbox\":\"INBOX\"" KEY("0") },
    { SUBSCRIPTION("MailboxSubscribedEvent", "alice"),
      TO "\"MailboxSubscribe\",\"mailbox\":\"a.b\"" KEY("0") },
    { SUBSCRIPTION("MailboxUnSubscribedEvent", "alice"),
      TO "\"MailboxUnSubscribe\",\"mailbox\":\"a.b\"" KEY("0") },
    { SUBSCRIPTION("MailboxSubscribedEvent", "bob"),
      "{\"account\":\"bob\",\"event\":{\"event\":\"MailboxSubscribe\","
      "\"mailbox\":\"a.b\",\"owner\":\"alice\"" KEY("0") },
    { "{\"MailboxSubscribedEvent\":{}}",
      "{\"event\":{\"event\":\"MailboxSubscribe\"}}\n" },
    { "{\"QuotaUsageUpdatedEvent\":{\"eventId\":\"6e0d\",\"quotaRoot\":"
      "\"#private&alice\",\"countQuota\":{\"used\":12},\"user\":\"alice\"}}",
      TO "\"QuotaChange\"" KEY("0") },
    { "{\"MailboxDeletion\":{\"path\":{\"user\":null,\"name\":7},"
      "\"user\":\"bob\"}}",
      "{\"account\":\"bob\",\"event\":{\"event\":\"MailboxDelete\"}}\n" },
    { "{\"MailboxDeletion\":{}}",
      "{\"event\":{\"event\":\"MailboxDelete\"}}\n" },
    { EVENT("MailboxACLUpdated", ""), "" },
    { EVENT("A kind with a name of more than sixty-four bytes, which no kind"
            " of James has", ""), "" },
};


static const lines_case_t  bad[] = {
    { "", "text is empty" },
    { "{}", "not the JSON of an event of James" },
    { "{\"Added\":[]}", "not the JSON of an event of James" },
    { "{\"Added\":{}", "unexpected end at byte 11" },
};


static int  fail;


static void *
fail_realloc(void *p, size_t size)
{
    return fail ? NULL : realloc(p, size);
}


/* 2,500 messages, each with more flags than are compared */

static void
many(void)
{
    int              i, k;
    char            *text, *p, *end;
    size_t           size;
    pimap_lines_t    lines;

    size = 2500 * 1000;
    text = malloc(size);

    if (text == NULL) {
        abort();
    }

    end = text + size;
    p = text + snprintf(text, size, "{\"FlagsUpdated\":{" PATH
                        ",\"updatedFlags\":[");

    for (i = 0; i < 2500; i++) {
        p += snprintf(p, end - p, "%s{\"uid\":%d,\"newFlags\":{\"userFlags\":"
                      "[0", i ? "," : "", i + 1);

        for (k = 0; k < PIMAP_JAMES_FLAGS; k++) {
            p += snprintf(p, end - p, ",%d", k);
        }

        p += snprintf(p, end - p, "]}}");
    }

    snprintf(p, end - p, "]}}");

    tap_is_int(lines_map(pimap_james_lines, text, &lines, NULL, 0),
               PIMAP_JSON_OK, "many messages");
    tap_is_int(lines.n, 6, "    three lines for what may be set, three for "
               "what may be cleared");
    tap_is_int(lines.status, PIMAP_JSON_OK, "    within the limit");

    pimap_lines_free(&lines);
    free(text);
}


int
main(void)
{
    char           why[128];
    pimap_lines_t  lines;

    lines_good(pimap_james_lines, good, sizeof(good) / sizeof(good[0]));
    lines_bad(pimap_james_lines, bad, sizeof(bad) / sizeof(bad[0]));

    many();

    fail = 1;
    tap_is_int(lines_map(pimap_james_lines,
                         EVENT("FlagsUpdated", ",\"updatedFlags\":["
                               FLAGS("1", "", "", "\"Seen\"", "") "]"),
                         &lines, why, sizeof(why)), PIMAP_JSON_OK,
               "no memory");
    tap_is_int(lines.status, PIMAP_JSON_NO_MEMORY, "    the lines say so");
    pimap_lines_free(&lines);

    return tap_done();
}
