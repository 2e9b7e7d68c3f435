/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The time to read an update from a device: its frame or chunk, and its JSON;
 * an event of publish; for comparison jansson's parser alone.
 * Prints nanoseconds for each, the least of some rounds.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event.h"

#include "pimap_chunked.h"
#include "pimap_event.h"
#include "pimap_update.h"
#include "pimap_ws.h"


#define PARSE_N       20000        /* updates a round */
#define PARSE_ROUNDS  10
#define PARSE_SIZE    EVENT_SIZE   /* room for one, with its frame */
#define PARSE_MAX     65536

static const char  parse_text[] =
    "{\"id\":\"6f2c1e0a\",\"update\":\"flags\",\"mailbox\":\"INBOX\","
    "\"uids\":\"4711:4715\",\"add\":[\"\\\\Seen\"]}";

#define PARSE_LEN     (sizeof(parse_text) - 1)


static void parse_frame(uint8_t *buf, size_t len);
static void parse_chunk(uint8_t *buf, size_t len);
static void parse_update(uint8_t *buf, size_t len);
static void parse_json(uint8_t *buf, size_t len);
static void parse_event(uint8_t *buf, size_t len);
static size_t parse_fill_frame(uint8_t *buf);
static size_t parse_fill_chunk(uint8_t *buf);
static size_t parse_fill_text(uint8_t *buf);
static size_t parse_fill_event(uint8_t *buf);


static const struct {
    const char  *name;
    size_t     (*fill)(uint8_t *buf);
    void       (*read)(uint8_t *buf, size_t len);
} parse_steps[] = {
    { "frame", parse_fill_frame, parse_frame },
    { "chunk", parse_fill_chunk, parse_chunk },
    { "update", parse_fill_text, parse_update },
    { "jansson", parse_fill_text, parse_json },
    { "event", parse_fill_event, parse_event },
    { "jansson_event", parse_fill_event, parse_json },
};

#define PARSE_STEPS  (sizeof(parse_steps) / sizeof(parse_steps[0]))

static uint64_t  parse_bad;


static uint64_t
parse_round(unsigned step, uint8_t *bufs)
{
    size_t    len;
    unsigned  i;
    uint64_t  start;

    len = 0;

    /* reading changes them */

    for (i = 0; i < PARSE_N; i++) {
        len = parse_steps[step].fill(bufs + (size_t) i * PARSE_SIZE);
    }

    start = clock_now();

    for (i = 0; i < PARSE_N; i++) {
        parse_steps[step].read(bufs + (size_t) i * PARSE_SIZE, len);
    }

    return clock_now() - start;
}


int
main(void)
{
    uint8_t   *bufs;
    uint64_t   ns, least;
    unsigned   round, step;

    bufs = malloc((size_t) PARSE_N * PARSE_SIZE);
    if (bufs == NULL) {
        return 1;
    }

    printf("{\"bytes\":%zu", PARSE_LEN);

    for (step = 0; step < PARSE_STEPS; step++) {
        least = UINT64_MAX;

        for (round = 0; round < PARSE_ROUNDS; round++) {
            ns = parse_round(step, bufs);
            least = ns < least ? ns : least;
        }

        printf(",\"%s\":%.1f", parse_steps[step].name,
               (double) least / PARSE_N);
    }

    printf("}\n");
    free(bufs);

    return parse_bad != 0;
}


static void
parse_frame(uint8_t *buf, size_t len)
{
    pimap_ws_t     ws;
    pimap_ws_in_t  in;

    memset(&ws, 0, sizeof(pimap_ws_t));

    parse_bad += (pimap_ws_read(&ws, buf, len, PARSE_MAX, 0, &in)
                  != PIMAP_WS_DATA
                  || !in.last || in.len != PARSE_LEN);
}


static void
parse_chunk(uint8_t *buf, size_t len)
{
    pimap_chunked_t     chunked;
    pimap_chunked_in_t  in;

    memset(&chunked, 0, sizeof(pimap_chunked_t));

    parse_bad += (pimap_chunked_read(&chunked, buf, len, &in)
                  != PIMAP_CHUNKED_DATA
                  || memchr(in.data, '\n', in.len) != in.data + PARSE_LEN);

    parse_bad += (pimap_chunked_read(&chunked, buf + in.used, len - in.used,
                                     &in)
                  != PIMAP_CHUNKED_AGAIN);
}


static void
parse_update(uint8_t *buf, size_t len)
{
    pimap_update_t  u;

    parse_bad += (pimap_update_parse(&u, (char *) buf, len, PARSE_MAX, NULL, 0)
                  != PIMAP_UPDATE_OK);
}


static void
parse_json(uint8_t *buf, size_t len)
{
    json_t        *json;
    json_error_t   error;

    json = json_loadb((char *) buf, len, 0, &error);

    parse_bad += (json == NULL);

    json_decref(json);
}


static void
parse_event(uint8_t *buf, size_t len)
{
    pimap_event_t  ev;

    parse_bad += (pimap_event_parse(&ev, (char *) buf, len, PARSE_MAX, NULL, 0)
                  != PIMAP_EVENT_OK);

    pimap_event_free(&ev);
}


static size_t
parse_fill_text(uint8_t *buf)
{
    memcpy(buf, parse_text, PARSE_LEN);

    return PARSE_LEN;
}


/* the event that publish sends */

static size_t
parse_fill_event(uint8_t *buf)
{
    return event_format((char *) buf, 1000000000000, 4711, 4711);
}


/* a text by a client: masked, RFC 6455, 5.2 */

static size_t
parse_fill_frame(uint8_t *buf)
{
    size_t                i;
    static const uint8_t  mask[] = { 0x37, 0xfa, 0x21, 0x3d };

    buf[0] = 0x81;
    buf[1] = (uint8_t) (0x80 | PARSE_LEN);
    memcpy(buf + 2, mask, 4);

    for (i = 0; i < PARSE_LEN; i++) {
        buf[6 + i] = (uint8_t) parse_text[i] ^ mask[i % 4];
    }

    return 6 + PARSE_LEN;
}


static size_t
parse_fill_chunk(uint8_t *buf)
{
    return (size_t) sprintf((char *) buf, "%zx\r\n%s\n\r\n", PARSE_LEN + 1,
                            parse_text);
}


_Static_assert(PARSE_LEN < 126 && PARSE_LEN + 16 < PARSE_SIZE,
               "a frame with a short head");
