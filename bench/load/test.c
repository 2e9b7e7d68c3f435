/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Tests of the basis of the figures: events, frames and records are found
 * however the stream is cut, and quantiles are correct.  Prints TAP.
 */

#include <stdio.h>
#include <string.h>

#include "board.h"
#include "event.h"
#include "frame.h"
#include "scan.h"
#include "target.h"


#define TEST_TIME     1234567890123ULL
#define TEST_ACCOUNT  987654


static void test_scan(void);
static void test_frame(uint8_t head, const char *name);
static void test_request(void);
static void test_board(void);
static void test_target(void);
static void ok(int good, const char *name);


static int  test_n, test_failed;


int
main(void)
{
    test_scan();
    test_frame(FRAME_TLS_HEAD, "TLS records");
    test_frame(FRAME_H2_HEAD, "HTTP/2 frames");
    test_request();
    test_board();
    test_target();

    printf("1..%d\n", test_n);

    return test_failed != 0;
}


static void
test_scan(void)
{
    char                  event[EVENT_SIZE], text[4 * EVENT_SIZE];
    int                   events, good, others;
    scan_t                scan;
    size_t                len, step;
    scan_rc_t             rc;
    const unsigned char  *last, *p, *s;

    event_format(event, TEST_TIME, TEST_ACCOUNT, 1);

    len = (size_t) sprintf(text,
                           "e\r\nretry: 3\n: parked\n\n\r\n"
                           "1f0\r\nid: 5-1\nevent: MessageNew\n"
                           "data: %s\n\n\r\n"
                           "20\r\nevent: ping\n"
                           "data: {\"interval\":300}\n\n\r\n"
                           "data:%s\n\n",
                           event, event);

    for (step = 1; step <= len; step++) {

        memset(&scan, 0, sizeof(scan_t));
        events = 0;
        others = 0;
        good = 1;

        for (p = (unsigned char *) text; p < (unsigned char *) text + len;
             p = last)
        {
            last = p + step;
            if (last > (unsigned char *) text + len) {
                last = (unsigned char *) text + len;
            }

            for (s = p; (rc = scan_next(&scan, &s, last)) != SCAN_MORE; ) {
                events += (rc == SCAN_EVENT);
                others += (rc == SCAN_OTHER);

                if (rc == SCAN_EVENT
                    && (scan.time != TEST_TIME
                        || scan.account != TEST_ACCOUNT))
                {
                    good = 0;
                }
            }
        }

        if (events != 2 || others != 1 || !good) {
            break;
        }
    }

    ok(step > len, "two events and a heartbeat, cut anywhere");
}


static void
test_frame(uint8_t head, const char *name)
{
    int                   heads, rc;
    size_t                body, len, step;
    frame_t               frame;
    unsigned char         text[64];
    const unsigned char  *b, *last, *p, *s;

    /* lengths of 7, 0 and 11 */

    memset(text, 0, sizeof(text));
    text[head == FRAME_TLS_HEAD ? 4 : 2] = 7;
    text[2 * head + 7 + (head == FRAME_TLS_HEAD ? 4 : 2)] = 11;

    last = text + 3 * head + 18;

    for (step = 1; step <= (size_t) (last - text); step++) {

        memset(&frame, 0, sizeof(frame_t));
        heads = 0;
        body = 0;

        for (p = text; p < last; p += step) {
            s = p;

            while ((rc = frame_next(&frame, head, &s,
                                    p + step < last ? p + step : last,
                                    &b, &len))
                   != FRAME_MORE)
            {
                if (rc == FRAME_HEAD) {
                    heads++;

                } else {
                    body += len;
                }
            }
        }

        if (heads != 3 || body != 18 || frame.left) {
            break;
        }
    }

    ok(step > (size_t) (last - text), name);
}


static void
test_request(void)
{
    size_t         len;
    unsigned char  buf[1024];

    len = frame_h2_request(buf, sizeof(buf), "https", "127.0.0.1:1", "/x");

    ok(len > 9 && memcmp(buf + 24, "\0\0\14\4", 4) == 0
       && memcmp(buf + len - 17, "text/event-stream", 17) == 0,
       "HTTP/2 request");

    ok(frame_h2_request(buf, 64, "https", "127.0.0.1:1", "/x") == 0,
       "HTTP/2 request without room");
}


static void
test_board(void)
{
    int             i;
    double          p50, p99;
    board_t        *board;
    board_panel_t   mark, sum;

    board = board_create(NULL, 2, 10);

    for (i = 1; i <= 100000; i++) {
        board_latency(board_panel(board, (uint32_t) i % 2),
                      (uint64_t) i * 1000);
    }

    board_sum(board, &sum);
    p50 = board_quantile(&sum, 0.5);
    p99 = board_quantile(&sum, 0.99);

    ok(p50 > 49e6 && p50 < 51e6 && p99 > 98e6 && p99 < 100e6
       && sum.latency_max == 100000000,
       "quantiles of 1 us to 100 ms");

    mark = sum;

    for (i = 0; i < 10; i++) {
        board_latency(board_panel(board, 0), 5000);
    }

    board_sum(board, &sum);
    board_since(&sum, &mark);
    p99 = board_quantile(&sum, 0.99);

    ok(p99 > 4800 && p99 < 5300 && sum.latency_max < 5400,
       "quantiles since a mark");
}


static void
test_target(void)
{
    char      buf[64];
    target_t  target;

    ok(target_parse(&target, "https://127.0.0.1:443/e?a=%a&d=%d") == NULL
       && target.tls
       && target_expand(buf, sizeof(buf), target.path, 12, 345) == 13
       && strcmp(buf, "/e?a=12&d=345") == 0,
       "URL with numbers");

    ok(target_parse(&target, "https://localhost:443/") != NULL,
       "URL without an address");
}


static void
ok(int good, const char *name)
{
    test_failed += !good;
    printf("%sok %d - %s\n", good ? "" : "not ", ++test_n, name);
}
