
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a parked device sends any bytes, as frames, chunks or
 * nothing.  It gets the same answers if the bytes come in pieces, and if it
 * moves to another worker between two pieces, by a message and a record, also
 * while it pauses.  A record of any bytes is refused, or gives a device that
 * takes any bytes.
 *
 * The first byte chooses the device and the pieces.  The rest are the bytes,
 * or a record up to four of 0xff, and the bytes after it.
 *
 * Reaches: ngx_pimap_handover_ipc_receive, ngx_pimap_handover_device_check,
 *     ngx_pimap_handover_device_restore, ngx_pimap_input_restore,
 *     ngx_pimap_input_compressed, ngx_pimap_input_inflated,
 *     ngx_pimap_input_pong, ngx_pimap_input_ndjson,
 *     ngx_pimap_input_ndjson_end, ngx_pimap_submit_refuse,
 *     ngx_pimap_device_closing_handler, fuzz_equal.
 */


#include "fuzz_nginx.h"

#include <unistd.h>

#include "ngx_pimap_device_room.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_handover.h"
#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_node.h"
#include "ngx_pimap_updates.h"


#define FUZZ_RECORD         0x80        /* it comes with a record */
#define FUZZ_MAX            65536


/* What a device has got. */

typedef struct {
    uint32_t              sum;
    unsigned              messages;
    int                   over;
} fuzz_got_t;


static ngx_pimap_account_t  fuzz_account;
static ngx_socket_t         fuzz_pair[2] = { -1, -1 };


static ngx_int_t
fuzz_send(ngx_pimap_device_t *d, ngx_pimap_message_t *message)
{
    size_t       i;
    fuzz_got_t  *got = d->connection;

    fuzz_check(!got->over && message->len);

    for (i = 0; i < message->len; i++) {
        got->sum = (got->sum ^ message->data[i]) * 16777619;
    }

    got->messages++;

    return NGX_OK;
}


static void
fuzz_end(void *connection, ngx_uint_t clean)
{
    fuzz_got_t  *got = connection;

    fuzz_check(!got->over);
    got->over = 1;
}


static size_t
fuzz_unsent(void *connection)
{
    return 0;
}


static ngx_log_t *
fuzz_device_log(void *connection)
{
    return &fuzz_log;
}


static void
fuzz_resume(void *connection)
{
}


static const ngx_pimap_transport_t  fuzz_transport = {
    fuzz_send, fuzz_end, fuzz_unsent, fuzz_device_log, fuzz_resume
};


static void
fuzz_init(void)
{
    /* no Redis */

    static ngx_pimap_conf_redis_t            redis;
    static const ngx_pimap_node_handlers_t   handlers;

    if (fuzz_pair[0] != -1) {
        return;
    }

    fuzz_nginx_init();

    ngx_time_init();
    ngx_queue_init(&ngx_posted_events);
    ngx_queue_init(&ngx_posted_next_events);
    fuzz_check(ngx_event_timer_init(&fuzz_log) == NGX_OK);

    ngx_pimap_node_init_process(&redis, &handlers);
    ngx_pimap_heap_init_process(&fuzz_cycle);
    ngx_pimap_device_init_process(&fuzz_cycle);
    ngx_pimap_pace_init_process(&fuzz_cycle);

    fuzz_conf.end_log_level = NGX_LOG_INFO;
    fuzz_conf.updates = 1;
    fuzz_conf.max_update = 300;
    fuzz_conf.update_rate = 10;
    ngx_str_set(&fuzz_conf.key, "a /events");

    ngx_queue_init(&fuzz_account.devices);
    ngx_str_set(&fuzz_account.sub.sn.str, "alice");
    fuzz_account.waiters = 1;

    fuzz_check(ngx_pimap_handover_ipc_pair(fuzz_pair, 0, &fuzz_log)
               == NGX_OK);
}


static ngx_pimap_device_t *
fuzz_device(ngx_uint_t format, ngx_uint_t input, fuzz_got_t *got)
{
    ngx_pimap_device_t  *d;

    d = ngx_calloc(sizeof(ngx_pimap_device_t), &fuzz_log);
    fuzz_check(d);

    d->account = &fuzz_account;
    d->conf = &fuzz_conf;
    d->transport = &fuzz_transport;
    d->connection = got;
    d->kind = NGX_PIMAP_DETACHED;
    d->format = format;
    d->input = input;
    d->token = 7;

    ngx_pimap_device_insert(d, 10);

    return d;
}


/* By a message to itself, with a file descriptor. */

static ngx_int_t
fuzz_pass(ngx_str_t *record, ngx_str_t *received)
{
    int                             end[2];
    ngx_int_t                       rc;
    ngx_socket_t                    fd;
    ngx_pimap_handover_ipc_head_t   head;

    fuzz_check(pipe(end) == 0);

    rc = ngx_pimap_handover_ipc_send(fuzz_pair[0],
                                     NGX_PIMAP_HANDOVER_IPC_DEVICE, 7, record,
                                     end[0]);
    fuzz_check(rc == NGX_OK);

    rc = ngx_pimap_handover_ipc_receive(fuzz_pair[1], &head, received, &fd);

    close(end[0]);
    close(end[1]);

    if (rc == NGX_OK) {
        fuzz_check(fd != -1 && head.number == 7);
        fuzz_check(received->len == record->len
                   && memcmp(received->data, record->data, record->len) == 0);
        close(fd);
    }

    return rc;
}


/* The device of a record, or NULL. */

static ngx_pimap_device_t *
fuzz_read(ngx_str_t *data, fuzz_got_t *got)
{
    ngx_int_t                   rc;
    ngx_pimap_device_t         *d;
    ngx_pimap_park_request_t    parking;
    ngx_pimap_device_record_t   record;

    rc = ngx_pimap_handover_device_read(&record, data, &parking);

    if (rc != NGX_OK) {
        fuzz_check(parking.filter == NULL);
        return NULL;
    }

    fuzz_check(parking.account.len
               && parking.account.len <= NGX_PIMAP_ACCOUNT_MAX
               && parking.device.len <= NGX_PIMAP_DEVICE_MAX
               && parking.format < NGX_PIMAP_NFORMATS
               && parking.coding < NGX_PIMAP_NCODINGS
               && parking.ping <= NGX_PIMAP_PING_MAX);

    d = fuzz_device(parking.format, parking.input, got);
    d->filter = parking.filter;

    if (ngx_pimap_handover_device_restore(d, &record) != NGX_OK) {
        ngx_pimap_device_leave(d, NGX_PIMAP_END_CLIENT);
        return NULL;
    }

    return d;
}


/* To another worker. */

static ngx_pimap_device_t *
fuzz_move(ngx_pimap_device_t *d, fuzz_got_t *got)
{
    ngx_str_t                      record, received;
    ngx_pimap_connection_state_t   state;

    static u_char  buf[FUZZ_MAX];

    memset(&state, 0, sizeof(state));

    record.data = buf;
    record.len = ngx_pimap_handover_device_write(d, &state, buf, sizeof(buf));
    fuzz_check(record.len);

    ngx_pimap_device_handed_over(d);

    fuzz_check(fuzz_pass(&record, &received) == NGX_OK);

    d = fuzz_read(&received, got);
    fuzz_check(d);

    return d;
}


/* A turn of the event loop. */

static void
fuzz_turn(void)
{
    ngx_event_process_posted(&fuzz_cycle, &ngx_posted_events);
    ngx_event_process_posted(&fuzz_cycle, &ngx_posted_next_events);
}


/*
 * Bytes of the device, after those that waited.  Its connection ends when they
 * are not for us.
 */

static void
fuzz_input(ngx_pimap_device_t *d, const uint8_t *data, size_t len)
{
    u_char     *copy;
    ngx_int_t   rc;
    ngx_uint_t  none;

    copy = fuzz_copy(data, len);
    none = (d->input == NGX_PIMAP_INPUT_NONE);

    rc = ngx_pimap_input_resume(d);

    if (rc != NGX_ERROR) {
        rc = ngx_pimap_input(d, copy, len);
    }

    fuzz_check(!none || rc == NGX_ERROR || len <= NGX_PIMAP_INPUT_BLANKS);

    if (rc == NGX_ERROR) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLIENT, NULL);
    }

    free(copy);
    fuzz_turn();
}


/* The device has paused for long enough, until it has read all. */

static void
fuzz_read_rest(ngx_pimap_device_t *d, fuzz_got_t *got)
{
    while (!got->over && (d->paused || (d->partial && d->partial->rest))) {
        d->paused = 0;
        d->budget.n = 0;

        if (ngx_pimap_input_resume(d) == NGX_ERROR) {
            ngx_pimap_device_end(d, NGX_PIMAP_END_CLIENT, NULL);
        }

        fuzz_turn();
    }
}


static void
fuzz_stop(ngx_pimap_device_t *d, fuzz_got_t *got)
{
    if (!got->over) {
        ngx_pimap_device_leave(d, NGX_PIMAP_END_CLIENT);
    }

    fuzz_check(ngx_queue_empty(&fuzz_account.devices));
}


static void
fuzz_equal(fuzz_got_t *a, fuzz_got_t *b)
{
    /* a fault may be found before all of a piece has been taken */

    fuzz_check(a->over == b->over);
    fuzz_check(a->over || (a->messages == b->messages && a->sum == b->sum));
}


static void
fuzz_compare(unsigned set, const uint8_t *data, size_t size)
{
    size_t               n, at;
    unsigned             cut, kind;
    fuzz_got_t           whole, pieces;
    ngx_pimap_device_t  *d;

    static const struct {
        ngx_uint_t  format;
        ngx_uint_t  input;
    } kinds[] = {
        { NGX_PIMAP_FORMAT_WEBSOCKET, NGX_PIMAP_INPUT_WEBSOCKET },
        { NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE, NGX_PIMAP_INPUT_WEBSOCKET },
        { NGX_PIMAP_FORMAT_NDJSON, NGX_PIMAP_INPUT_CHUNKS },
        { NGX_PIMAP_FORMAT_SSE, NGX_PIMAP_INPUT_NONE }
    };

    kind = set % fuzz_n(kinds);
    cut = set;

    memset(&whole, 0, sizeof(whole));
    memset(&pieces, 0, sizeof(pieces));

    d = fuzz_device(kinds[kind].format, kinds[kind].input, &whole);
    fuzz_input(d, data, size);
    fuzz_read_rest(d, &whole);
    fuzz_stop(d, &whole);

    d = fuzz_device(kinds[kind].format, kinds[kind].input, &pieces);

    for (at = 0; at < size && !pieces.over; at += n) {
        cut = cut * 1103515245 + 12345;
        n = 1 + (cut >> 16) % 23;
        n = n < size - at ? n : size - at;

        fuzz_input(d, data + at, n);

        if (!pieces.over && cut >> 24 & 1) {
            d = fuzz_move(d, &pieces);
        }

        if (cut >> 25 & 1) {
            fuzz_read_rest(d, &pieces);
        }
    }

    fuzz_read_rest(d, &pieces);
    fuzz_stop(d, &pieces);
    fuzz_equal(&whole, &pieces);
}


static void
fuzz_record(const uint8_t *data, size_t size)
{
    size_t               len;
    u_char              *copy;
    ngx_str_t            record, received;
    fuzz_got_t           got;
    const uint8_t       *end;
    ngx_pimap_device_t  *d;

    end = memmem(data, size, "\xff\xff\xff\xff", 4);
    len = end ? (size_t) (end - data) : size;

    copy = fuzz_copy(data, len);
    record.data = copy;
    record.len = len;
    memset(&got, 0, sizeof(got));

    d = fuzz_pass(&record, &received) == NGX_OK ? fuzz_read(&record, &got)
                                                : NULL;
    if (d) {

        if (end) {
            fuzz_input(d, end + 4, size - len - 4);
            fuzz_read_rest(d, &got);
        }

        fuzz_stop(d, &got);
    }

    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_init();

    if (size == 0 || size > FUZZ_MAX / 2) {
        return 0;
    }

    if (data[0] & FUZZ_RECORD) {
        fuzz_record(data + 1, size - 1);

    } else {
        fuzz_compare(data[0], data + 1, size - 1);
    }

    return 0;
}
