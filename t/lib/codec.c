
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What the event codec makes of a text, for a test that compares.
 *
 *   codec payloads         the payloads of its own test, in hexadecimal
 *   codec parse            of each such line from standard input: the status,
 *                          a tab, and the text that devices get
 *   codec types NAME ...   of each event's name those other names that are
 *                          JMAP types which it touches, each pair on a line
 */


#include <stdio.h>
#include <string.h>

#include "payloads.h"
#include "pimap_event.h"
#include "pimap_types.h"


#define MAX     (1024 * 1024)
#define ROOM    (MAX + 1024)


static const char  *names[] = {
    [PIMAP_EVENT_OK] = "ok",
    [PIMAP_EVENT_TOO_LARGE] = "too large",
    [PIMAP_EVENT_TOO_DEEP] = "too deep",
    [PIMAP_EVENT_BAD_ID] = "bad id",
    [PIMAP_EVENT_BAD_JSON] = "bad json",
    [PIMAP_EVENT_NOT_OBJECT] = "not an object",
    [PIMAP_EVENT_NO_NAME] = "no name",
    [PIMAP_EVENT_BAD_NAME] = "bad name",
    [PIMAP_EVENT_BAD_MEMBER] = "bad member",
    [PIMAP_EVENT_NO_MEMORY] = "no memory"
};


static int
digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}


static void
print_payloads(void)
{
    size_t  i, n;

    for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {

        for (n = 0; n < payloads[i].len; n++) {
            printf("%02x", (unsigned char) payloads[i].payload[n]);
        }

        printf("\n");
    }
}


static void
parse_lines(void)
{
    size_t                len;
    pimap_event_t         ev;
    pimap_event_status_t  status;

    static char           line[2 * ROOM], text[ROOM];

    while (fgets(line, sizeof(line), stdin)) {

        for (len = 0; line[2 * len] > ' '; len++) {
            text[len] = digit(line[2 * len]) * 16 + digit(line[2 * len + 1]);
        }

        status = pimap_event_parse_json(&ev, text, len, MAX, NULL, 0);

        printf("%s\t%.*s\n", names[status],
               (int) ev.json.len, ev.json.data ? ev.json.data : "");

        pimap_event_free(&ev);
    }
}


static void
print_types(char **names, int n)
{
    int       i, k;
    uint32_t  bit;

    for (i = 0; i < n; i++) {

        for (k = 0; k < n; k++) {
            bit = pimap_type_bit(names[k], strlen(names[k]));

            if (pimap_types_of_event(names[i], strlen(names[i])) & bit) {
                printf("%s %s\n", names[i], names[k]);
            }
        }
    }
}


int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "payloads") == 0) {
        print_payloads();

    } else if (argc > 1 && strcmp(argv[1], "parse") == 0) {
        parse_lines();

    } else if (argc > 1 && strcmp(argv[1], "types") == 0) {
        print_types(argv + 2, argc - 2);

    } else {
        return 2;
    }

    return 0;
}
