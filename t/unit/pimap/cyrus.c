
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Notifications of Cyrus become lines for the owner of the mailbox: its name
 * and uids are taken out of addresses and sets.  What is about contacts and
 * calendars becomes none.
 */


#include <stdlib.h>

#include "pimap_cyrus.h"
#include "lines_cases.h"


#define URI(name)  "\"uri\":\"imap://alice@localhost/" name "\""
#define TO         "{\"account\":\"alice\",\"event\":{\"event\":"


static const lines_case_t  good[] = {
    { "{\"event\":\"MessageNew\",\"messages\":2,\"modseq\":44,\"service\":"
      "\"lmtpunix\",\"timestamp\":\"2015-02-23T14:50:21.858+01:00\","
      "\"uidnext\":7,\"uidset\":\"6\",\"user\":\"bob\","
      "\"vnd.cmu.unseenMessages\":1,\"vnd.cmu.mbtype\":\"e\","
      URI("INBOX;UIDVALIDITY=1411487714/;UID=6") "}",
      TO "\"MessageNew\",\"mailbox\":\"INBOX\",\"uidvalidity\":1411487714,"
      "\"uid\":6,\"modseq\":44,\"messages\":2,\"unseen\":1}}\n" },
    { "{\"event\":\"FlagsSet\",\"flagNames\":\"\\\\Flagged\",\"uidset\":"
      "\"1,3:5,9\"," URI("INBOX;UIDVALIDITY=1") "}",
      TO "\"FlagsSet\",\"mailbox\":\"INBOX\",\"uidvalidity\":1,"
      "\"uids\":[1,3,4,5,9]}}\n" },
    { "{\"event\":\"MessageTrash\",\"uidset\":\"1:1001\"," URI("a") "}",
      TO "\"MessageTrash\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"MessageExpire\",\"uidset\":\"1:4294967296\"," URI("a") "}",
      TO "\"MessageExpire\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"MessageExpunge\",\"uidset\":\"1:4294967295\"," URI("a")
      "}", TO "\"MessageExpunge\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"FlagsClear\",\"uidset\":\"1,\"," URI("a") "}",
      TO "\"FlagsClear\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"FlagsClear\",\"uidset\":\"3:1\"," URI("a") "}",
      TO "\"FlagsClear\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"FlagsClear\",\"uidset\":\"1:*\"," URI("a") "}",
      TO "\"FlagsClear\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"FlagsClear\",\"uidset\":[1],\"modseq\":\"1\","
      "\"messages\":-1," URI("a;UIDVALIDITY=x/;UID=") "}",
      TO "\"FlagsClear\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"MailboxRename\",\"oldMailboxID\":\"imap://alice@h/a;"
      "UIDVALIDITY=3\"," URI("b;UIDVALIDITY=4") "}",
      TO "\"MailboxRename\",\"mailbox\":\"b\",\"oldMailbox\":\"a\","
      "\"uidvalidity\":4}}\n" },
    { "{\"event\":\"vnd.cmu.MessageMove\",\"uidset\":\"8\","
      "\"vnd.cmu.oldUidset\":\"2\",\"oldMailboxID\":\"imap://bob@h/a\","
      URI("b") "}",
      TO "\"MessageAppend\",\"mailbox\":\"b\",\"uids\":[8]}}\n" },
    { "{\"event\":\"MessageNew\",\"uri\":\"imap://localhost/user/alice;"
      "UIDVALIDITY=1796033659/;UID=1\",\"user\":\"bob\"}",
      TO "\"MessageNew\",\"mailbox\":\"INBOX\",\"uidvalidity\":1796033659,"
      "\"uid\":1}}\n" },
    { "{\"event\":\"MailboxCreate\",\"uri\":\"imap://localhost/user/alice/"
      "W%C3%B6rk/a.b@c\"}",
      TO "\"MailboxCreate\",\"mailbox\":\"W\xc3\xb6rk/a.b@c\"}}\n" },
    { "{\"event\":\"MailboxCreate\",\"uri\":\"imap://localhost/user.alice."
      "Work.x\"}",
      TO "\"MailboxCreate\",\"mailbox\":\"Work.x\"}}\n" },
    { "{\"event\":\"MailboxCreate\",\"uri\":\"imap://localhost/user/"
      "alice/Work@example.com\"}",
      "{\"account\":\"alice@example.com\",\"event\":{\"event\":"
      "\"MailboxCreate\",\"mailbox\":\"Work\"}}\n" },
    { "{\"event\":\"MailboxCreate\",\"uri\":\"imap://localhost/user/"
      "alice%40example.com/a@b.c\"}",
      "{\"account\":\"alice@example.com\",\"event\":{\"event\":"
      "\"MailboxCreate\",\"mailbox\":\"a@b.c\"}}\n" },
    { "{\"event\":\"MailboxCreate\",\"user\":\"alice\",\"uri\":"
      "\"imap://localhost/shared/x\"}",
      TO "\"MailboxCreate\",\"mailbox\":\"shared/x\"}}\n" },
    { "{\"event\":\"QuotaExceed\",\"user\":\"alice\"}",
      TO "\"QuotaExceed\"}}\n" },
    { "{\"event\":\"QuotaExceed\",\"user\":\"alice\",\"uri\":\"imap://h/\"}",
      TO "\"QuotaExceed\"}}\n" },
    { "{\"event\":\"QuotaExceed\",\"uri\":\"http://alice@h/\"}",
      "{\"event\":{\"event\":\"QuotaExceed\"}}\n" },
    { "{\"event\":\"MessageAppend\",\"vnd.cmu.mbtype\":\"c\"," URI("a") "}",
      "" },
    { "{\"event\":\"MessageAppend\",\"vnd.cmu.mbtype\":\"\"," URI("a") "}",
      TO "\"MessageAppend\",\"mailbox\":\"a\"}}\n" },
    { "{\"event\":\"Login\",\"user\":\"alice\"}", "" },
    { "{\"event\":\"AnEventWithANameOfMoreThanThirtyTwoBytes\"}", "" },
};


static const lines_case_t  bad[] = {
    { "", "text is empty" },
    { "{}", "no \"event\"" },
    { "{\"event\":7}", "no \"event\"" },
    { "{\"event\":\"Login\"", "unexpected end at byte 16" },
};


/* Names that have to be decoded and encoded; a thousand uids. */

static void
encoded(void)
{
    char           why[128];
    pimap_lines_t  lines;

    static const char  text[] =
        "{\"event\":\"MessageRead\",\"uidset\":\"1:1000\",\"uri\":"
        "\"imap://a%40example.com@mail.example.com/x%22%5c%01%c3%a9/%zz%\"}";
    static const char  begin[] =
        "{\"account\":\"a@example.com\",\"event\":{\"event\":\"MessageRead\","
        "\"mailbox\":\"x\\\"\\\\\\u0001\xc3\xa9/%zz%\",\"uids\":[1,2,";
    static const char  end[] = ",999,1000]}}\n";

    tap_is_int(lines_map(pimap_cyrus_lines, text, &lines, why, sizeof(why)),
               PIMAP_JSON_OK, text);
    tap_is_mem(lines.data, sizeof(begin) - 1, begin, "names are decoded");
    tap_is_mem(lines.data + lines.len - (sizeof(end) - 1),
               sizeof(end) - 1, end, "a thousand uids");
    pimap_lines_free(&lines);
}


/* An address that is longer than any mailbox: the line has no account. */

static void
large(void)
{
    char           *text;
    pimap_lines_t   lines;

    text = malloc(10000);

    if (text == NULL) {
        abort();
    }

    snprintf(text, 10000, "{\"event\":\"QuotaExceed\",\"uri\":"
             "\"imap://\\u0061@h/%03000d\"}", 0);
    tap_is_int(lines_map(pimap_cyrus_lines, text, &lines, NULL, 0),
               PIMAP_JSON_OK, "a long address");
    tap_is_mem(lines.data, lines.len,
               "{\"event\":{\"event\":\"QuotaExceed\"}}\n", "    is none");
    pimap_lines_free(&lines);

    snprintf(text, 10000, "{\"event\":\"QuotaExceed\",\"uri\":"
             "\"imap://a@h/%s%0500d\"}", "", 0);
    memset(strstr(text, "@h/") + 3, 1, 500);
    tap_is_int(lines_map(pimap_cyrus_lines, text, &lines, NULL, 0),
               PIMAP_JSON_BAD, "control characters in an address");
    pimap_lines_free(&lines);

    free(text);
}


int
main(void)
{
    lines_good(pimap_cyrus_lines, good, sizeof(good) / sizeof(good[0]));
    lines_bad(pimap_cyrus_lines, bad, sizeof(bad) / sizeof(bad[0]));

    encoded();
    large();

    return tap_done();
}
