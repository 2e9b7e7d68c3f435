
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Webhooks of Stalwart: an event of a message becomes a line for its account,
 * other events none.  A text that is no webhook is refused.
 */


#include <stdlib.h>

#include "pimap_stalwart.h"
#include "tap.h"


#define HAM(data)                                                             \
    "{\"events\":[{\"id\":\"1700000000276\",\"createdAt\":"                   \
    "\"2024-01-01T00:00:00Z\",\"type\":\"message-ingest.ham\",\"data\":" data \
    "}]}"
#define NO_ONE     "{\"event\":{\"event\":\"MessageNew\"}}\n"


static const struct {
    const char   *text;
    const char   *lines;
} good[] = {
    { HAM("{\"accountId\":7,\"documentId\":12,\"mailboxId\":[0],"
          "\"changeId\":33,\"messageId\":\"<a@b>\",\"size\":512}"),
      "{\"account\":\"7\",\"event\":{\"event\":\"MessageNew\","
      "\"messageId\":\"<a@b>\"},\"key\":\"33/12\"}\n" },
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


static const struct {
    const char   *text;
    const char   *why;
} bad[] = {
    { "", "text is empty" },
    { "[]", "not an object" },
    { "{}", "no \"events\"" },
    { "{\"events\":{}}", "no \"events\"" },
    { "{\"events\":\"[]\"}", "no \"events\"" },
    { "{\"events\":[}", "syntax error at byte 12" },
    { "{\"events\":[]}]", "text after the object at byte 14" },
};


int
main(void)
{
    char           *text, why[128];
    size_t          i;
    pimap_lines_t   lines;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        text = tap_copy(good[i].text, strlen(good[i].text));
        pimap_lines_init(&lines, 4096);

        tap_is_int(pimap_stalwart_lines(text, strlen(good[i].text), &lines,
                                        why, sizeof(why)),
                   PIMAP_JSON_OK, good[i].text);
        tap_is_mem(lines.data ? lines.data : "", lines.len, good[i].lines,
                   "its lines");

        pimap_lines_free(&lines);
        free(text);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = tap_copy(bad[i].text, strlen(bad[i].text));
        pimap_lines_init(&lines, 4096);

        tap_ok(pimap_stalwart_lines(text, strlen(bad[i].text), &lines, why,
                                    sizeof(why))
               != PIMAP_JSON_OK, bad[i].text);
        tap_is_mem(why, strlen(why), bad[i].why, "the reason");

        pimap_lines_free(&lines);
        free(text);
    }

    return tap_done();
}
