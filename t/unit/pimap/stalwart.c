
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Webhooks of Stalwart: an event of a message becomes a line for its account,
 * other events none.  A text that is no webhook is refused.
 */


#include <stdlib.h>

#include "pimap_stalwart.h"
#include "lines_cases.h"


#define HAM(data)                                                             \
    "{\"events\":[{\"id\":\"1700000000276\",\"createdAt\":"                   \
    "\"2024-01-01T00:00:00Z\",\"type\":\"message-ingest.ham\",\"data\":" data \
    "}]}"
#define NO_ONE     "{\"event\":{\"event\":\"MessageNew\"}}\n"


static const lines_case_t  good[] = {
    { HAM("{\"accountId\":7,\"documentId\":12,\"mailboxId\":[0],"
          "\"changeId\":33,\"messageId\":\"a@b\",\"size\":512}"),
      "{\"account\":\"7\",\"event\":{\"event\":\"MessageNew\","
      "\"messageId\":\"<a@b>\"},\"key\":\"33/12\"}\n" },
    { HAM("{\"accountId\":7,\"messageId\":\"<a@b>\"}"),
      "{\"account\":\"7\",\"event\":{\"event\":\"MessageNew\","
      "\"messageId\":\"<a@b>\"}}\n" },
    { HAM("{\"accountId\":7,\"messageId\":\"a\\\"%s@b\"}"),
      "{\"account\":\"7\",\"event\":{\"event\":\"MessageNew\","
      "\"messageId\":\"<a\\\"%s@b>\"}}\n" },
    { HAM("{\"accountId\":7,\"messageId\":\"\"}"),
      "{\"account\":\"7\",\"event\":{\"event\":\"MessageNew\"}}\n" },
    { HAM("{\"accountId\":7,\"accountName\":\"alice\",\"documentId\":12}"),
      "{\"account\":\"alice\",\"event\":{\"event\":\"MessageNew\"}}\n" },
    { HAM("{\"accountId\":-7}"), NO_ONE },
    { HAM("{\"accountId\":\"x y\",\"messageId\":1}"),
      "{\"account\":\"x y\",\"event\":{\"event\":\"MessageNew\"}}\n" },
    { HAM("{}"), NO_ONE },
    { HAM("[]"), NO_ONE },
    { HAM("null"), NO_ONE },
    { "{\"events\":[{\"type\":\"message-ingest.ham\"}]}", NO_ONE },
    { "{\"x\":{},\"events\":["
      "{\"type\":\"auth.success\",\"data\":{\"accountName\":\"alice\"}},"
      "{\"type\":\"message-ingest.spam\",\"data\":{\"accountId\":1}},\n"
      "{\"type\":\"message-ingest.imap-append\",\"data\":{\"accountId\":2}} ,"
      "{\"type\":\"message-ingest.jmap-append\",\"data\":{\"accountId\":3}},"
      "{\"type\":\"message-ingest.duplicate\",\"data\":{\"accountId\":4}},"
      "{\"type\":7},7,[],\"\",{}]}",
      "{\"account\":\"1\",\"event\":{\"event\":\"MessageAppend\"}}\n"
      "{\"account\":\"2\",\"event\":{\"event\":\"MessageAppend\"}}\n"
      "{\"account\":\"3\",\"event\":{\"event\":\"MessageAppend\"}}\n" },
    { "{\"events\":[]}", "" },
    { " {\"events\" : [ ] } \n", "" },
};


static const lines_case_t  bad[] = {
    { "", "text is empty" },
    { "[]", "not an object" },
    { "{}", "no \"events\"" },
    { "{\"events\":{}}", "no \"events\"" },
    { "{\"events\":\"[]\"}", "no \"events\"" },
    { "{\"events\":[}", "syntax error at byte 12" },
    { "{\"events\":[]}]", "text after the object at byte 14" },
};


/* The longest identifier, and one that is longer: then there is none. */

static void
identifiers(void)
{
    char            id[1000], text[2500], why[128];
    size_t          n;
    pimap_lines_t   lines;

    for (n = 998; n < 1000; n++) {
        memset(id, 'x', n);
        id[n] = '\0';

        snprintf(text, sizeof(text), HAM("{\"accountId\":7,\"messageId\":"
                 "\"%s\"}"), id);

        tap_is_int(lines_map(pimap_stalwart_lines, text, &lines, why,
                             sizeof(why)),
                   PIMAP_JSON_OK, "a long identifier");

        snprintf(text, sizeof(text), ",\"messageId\":\"<%s>\"", id);
        tap_is_int(memmem(lines.data, lines.len, text, strlen(text)) != NULL,
                   n == 998, n == 998 ? "    the event has it"
                                      : "    too long: it does not");
        tap_is_int(lines.n, 1, "    there is an event");

        pimap_lines_free(&lines);
    }
}


int
main(void)
{
    lines_good(pimap_stalwart_lines, good, sizeof(good) / sizeof(good[0]));
    lines_bad(pimap_stalwart_lines, bad, sizeof(bad) / sizeof(bad[0]));
    identifiers();

    return tap_done();
}
