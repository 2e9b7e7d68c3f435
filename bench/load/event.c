/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Formats the event.  It starts with the text that scan.h looks for.
 */

#include <stdio.h>

#include "event.h"
#include "scan.h"


size_t
event_format(char *buf, uint64_t time, uint32_t account, uint32_t number)
{
    int  len;

    len = snprintf(buf, EVENT_SIZE,
                   SCAN_TIME "%lu" SCAN_ACCOUNT "%u,"
                   "\"event\":\"MessageNew\",\"mailbox\":\"INBOX\","
                   "\"uidvalidity\":1700000000,\"uid\":%u,\"modseq\":%u,"
                   "\"messages\":1023,\"unseen\":17,"
                   "\"from\":\"Ada Lovelace <ada@example.org>\","
                   "\"subject\":\"Notes on the Analytical Engine, part G\","
                   "\"preview\":\"Dear Charles, I want to put in something "
                   "about Bernoulli's Number, in one of our Notes, as an "
                   "example of how an explicit function may be worked out "
                   "by the engine\"}",
                   time, account, 100000000 + number, 200000000 + number);

    return (size_t) len;
}
