
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Which events replace which, and that a copy of an event still decides the
 * same when the event is freed.
 */


#include <stdlib.h>

#include "pimap_kind.h"
#include "tap.h"


#define STATE(changed)  "{\"@type\":\"StateChange\",\"changed\":" changed "}"


static const struct {
    int           merges;
    const char   *json;
} one[] = {
    { 1, "{\"event\":\"MessageAppend\"}" },
    { 1, "{\"event\":\"MessageExpire\"}" },
    { 1, "{\"event\":\"MessageExpunge\"}" },
    { 1, "{\"event\":\"MessageRead\"}" },
    { 1, "{\"event\":\"MessageTrash\"}" },
    { 1, "{\"event\":\"FlagsSet\",\"mailbox\":\"INBOX\"}" },
    { 1, "{\"event\":\"FlagsClear\"}" },
    { 1, "{\"event\":\"MailboxCreate\"}" },
    { 1, "{\"event\":\"MailboxDelete\"}" },
    { 1, "{\"event\":\"MailboxRename\",\"oldMailbox\":\"a\"}" },
    { 1, "{\"event\":\"MailboxSubscribe\"}" },
    { 1, "{\"event\":\"MailboxUnSubscribe\"}" },
    { 1, "{\"event\":\"QuotaExceed\"}" },
    { 1, "{\"event\":\"QuotaWithin\"}" },
    { 1, "{\"event\":\"QuotaChange\"}" },
    { 1, "{\"event\":\"ContactChange\",\"collection\":\"a\"}" },
    { 1, "{\"event\":\"CalendarChange\",\"owner\":\"bob\"}" },
    { 1, STATE("{}") },
    { 0, "{\"event\":\"MessageNew\"}" },
    { 0, "{\"@type\":\"CalendarAlert\"}" },
    { 0, "{\"event\":\"UpdateResult\"}" },
    { 0, "{\"event\":\"Flags\"}" },
    { 0, "{\"event\":\"FlagsSets\"}" },
    { 0, "{\"event\":\"flagsset\"}" },
    { 0, "{\"event\":\"ContactChange\",\"collection\":1}" },
    { 0, "{\"event\":\"FlagsSet\",\"owner\":null}" }
};


static const struct {
    int           covers;
    const char   *newer;
    const char   *older;
} two[] = {
    { 1, "{\"event\":\"FlagsSet\"}", "{\"event\":\"FlagsSet\"}" },
    { 1, "7-2 {\"event\":\"FlagsSet\"}", "7-1 {\"event\":\"FlagsSet\"}" },
    { 0, "7-2 {\"event\":\"FlagsSet\"}", "{\"event\":\"FlagsSet\"}" },
    { 0, "{\"event\":\"FlagsSet\"}", "7-1 {\"event\":\"FlagsSet\"}" },
    { 0, "{\"event\":\"FlagsSet\"}", "{\"event\":\"FlagsClear\"}" },

    { 1, "{\"event\":\"FlagsSet\",\"mailbox\":\"a\",\"uid\":2}",
         "{\"uid\":1,\"mailbox\":\"\\u0061\",\"event\":\"FlagsSet\"}" },
    { 0, "{\"event\":\"FlagsSet\",\"mailbox\":\"a\"}",
         "{\"event\":\"FlagsSet\",\"mailbox\":\"b\"}" },
    { 0, "{\"event\":\"FlagsSet\",\"mailbox\":\"a\"}",
         "{\"event\":\"FlagsSet\",\"mailbox\":\"ab\"}" },
    { 0, "{\"event\":\"FlagsSet\",\"mailbox\":\"a\"}",
         "{\"event\":\"FlagsSet\",\"mailbox\":\"a\\u0000b\"}" },
    { 0, "{\"event\":\"FlagsSet\",\"mailbox\":\"\"}",
         "{\"event\":\"FlagsSet\"}" },
    { 0, "{\"event\":\"FlagsSet\"}",
         "{\"event\":\"FlagsSet\",\"mailbox\":\"\"}" },

    { 1, "{\"event\":\"MailboxRename\",\"mailbox\":\"b\","
         "\"oldMailbox\":\"a\"}",
         "{\"event\":\"MailboxRename\",\"mailbox\":\"b\","
         "\"oldMailbox\":\"a\"}" },
    { 0, "{\"event\":\"MailboxRename\",\"mailbox\":\"b\","
         "\"oldMailbox\":\"a\"}",
         "{\"event\":\"MailboxRename\",\"mailbox\":\"b\","
         "\"oldMailbox\":\"c\"}" },

    { 1, "{\"event\":\"ContactChange\",\"collection\":\"a\"}",
         "{\"event\":\"ContactChange\",\"collection\":\"a\"}" },
    { 0, "{\"event\":\"ContactChange\",\"collection\":\"a\"}",
         "{\"event\":\"ContactChange\",\"collection\":\"b\"}" },
    { 0, "{\"event\":\"ContactChange\"}",
         "{\"event\":\"ContactChange\",\"collection\":\"b\"}" },
    { 0, "{\"event\":\"FlagsSet\",\"owner\":\"bob\"}",
         "{\"event\":\"FlagsSet\"}" },

    { 1, STATE("{\"a\":{\"Email\":\"2\"}}"),
         STATE("{\"a\":{\"Email\":\"1\"}}") },
    { 1, STATE("{\"a\":{\"Email\":\"2\",\"Thread\":\"2\"},\"b\":{}}"),
         STATE("{\"a\":{\"Email\":\"1\"}}") },
    { 0, STATE("{\"a\":{\"Email\":\"2\"}}"),
         STATE("{\"a\":{\"Email\":\"1\",\"Thread\":\"1\"}}") },
    { 0, STATE("{\"a\":{\"Email\":\"2\"}}"),
         STATE("{\"b\":{\"Email\":\"1\"}}") },
    { 0, STATE("{\"a\":{\"Email\":\"2\"}}"),
         STATE("{\"a\":{\"Email\":\"1\"},\"b\":{}}") },
    { 1, STATE("{}"), STATE("{}") }
};


/* A payload of Redis, whose text is freed after parsing and copying. */

static char *
parse(pimap_event_t *ev, const char *payload)
{
    char  *text;

    text = strdup(payload);

    if (pimap_event_parse(ev, text, strlen(text), 65536, NULL, 0)
        != PIMAP_EVENT_OK)
    {
        printf("Bail out! %s\n", payload);
        exit(1);
    }

    return text;
}


static char *
keep(pimap_event_t *copy, const char *payload)
{
    char           *text, *mem;
    pimap_event_t   ev;

    text = parse(&ev, payload);
    mem = malloc(pimap_kind_size(&ev) + 1);

    pimap_kind_copy(copy, &ev, mem);

    pimap_event_free(&ev);
    memset(text, '!', strlen(text));
    free(text);

    return mem;
}


static void
test_copy(void)
{
    char           *mem;
    pimap_event_t   copy;

    mem = keep(&copy, "17-4 {\"event\":\"MailboxRename\",\n\"mailbox\":\"b\","
                      "\"oldMailbox\":\"\",\"uids\":[1]}");

    tap_is_mem(copy.id.data, copy.id.len, "17-4", "copy: the id");
    tap_ok(copy.epoch == 17 && copy.n == 4, "copy: its numbers");
    tap_is_mem(copy.json.data, copy.json.len, "{\"event\":\"MailboxRename\","
               "\"mailbox\":\"b\",\"oldMailbox\":\"\",\"uids\":[1]}",
               "copy: the text, on one line");
    tap_is_mem(copy.name.data, copy.name.len, "MailboxRename", "copy: name");
    tap_is_mem(copy.mailbox.data, copy.mailbox.len, "b", "copy: mailbox");
    tap_is_mem(copy.old_mailbox.data, copy.old_mailbox.len, "",
               "copy: an empty old mailbox is present");
    tap_ok(copy.types != 0, "copy: types");

    free(mem);

    mem = keep(&copy, "{\"event\":\"FlagsSet\",\"changed\":{},"
                      "\"owner\":\"bob\"}");

    tap_is_mem(copy.id.data, copy.id.len, NULL, "copy: no id");
    tap_is_mem(copy.mailbox.data, copy.mailbox.len, NULL, "copy: no mailbox");
    tap_is_mem(copy.members[PIMAP_MEMBER_OWNER].data,
               copy.members[PIMAP_MEMBER_OWNER].len, "\"bob\"",
               "copy: a member");

    free(mem);

    mem = keep(&copy, "{\"event\":\"ContactChange\",\"collection\":\"/a/\"}");

    tap_is_mem(copy.collection.data, copy.collection.len, "/a/",
               "copy: collection");

    free(mem);
}


/*
 * Each account of the older one is sought behind a large one: many looks at
 * few bytes, or few at many, are not worth it.
 */

static void
test_looks(void)
{
    int             i, n;
    char            newer[65536], older[8192], *p, *q, *mem;
    pimap_event_t   ev, held;

    for (n = 2; n <= 64; n += 62) {
        q = older + sprintf(older, "{\"@type\":\"StateChange\",\"changed\":{");
        p = newer + sprintf(newer, "{\"@type\":\"StateChange\",\"changed\":{"
                                   "\"big\":{\"Email\":\"%0*d\"}", 60000, 0);

        for (i = 0; i < n; i++) {
            p += sprintf(p, ",\"%d\":{}", n - i);
            q += sprintf(q, "%s\"%d\":{}", i ? "," : "", i + 1);
        }

        strcpy(p, "}}");
        strcpy(q, "}}");

        mem = keep(&held, older);
        p = parse(&ev, newer);

        tap_is_int(pimap_kind_covers(&ev, &held), n == 2,
                   n == 2 ? "two accounts behind a large one"
                          : "many accounts behind a large one");

        pimap_event_free(&ev);
        free(p);
        free(mem);
    }
}


int
main(void)
{
    char           *newer, *older;
    size_t          i;
    pimap_event_t   ev, held;

    for (i = 0; i < sizeof(one) / sizeof(one[0]); i++) {
        newer = parse(&ev, one[i].json);

        tap_is_int(pimap_kind_merges(&ev), one[i].merges, one[i].json);

        pimap_event_free(&ev);
        free(newer);
    }

    for (i = 0; i < sizeof(two) / sizeof(two[0]); i++) {
        newer = parse(&ev, two[i].newer);
        older = keep(&held, two[i].older);

        tap_is_int(pimap_kind_covers(&ev, &held), two[i].covers,
                   two[i].newer);

        pimap_event_free(&ev);
        free(older);
        free(newer);
    }

    test_copy();
    test_looks();

    return tap_done();
}
