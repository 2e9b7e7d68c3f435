
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a payload gives a valid event or is refused without a
 * trace.  The text of an event is one line that parses to the same event, and
 * an OX body gives a valid event.
 *
 * Reaches: fuzz_event, pimap_event_take_jmap, pimap_event_take_changed,
 *     pimap_event_parse_id, pimap_ox_to_event.
 */


#include "fuzz.h"

#include "pimap_event.h"
#include "pimap_ox.h"
#include "pimap_types.h"


#define FUZZ_MAX            65536


static void
fuzz_event(const pimap_event_t *ev)
{
    char                  *text;
    pimap_event_t          again;
    pimap_event_status_t   status;

    fuzz_check(ev->name.len > 0 && ev->name.len <= PIMAP_EVENT_MAX_NAME);
    fuzz_check(ev->id.len <= PIMAP_EVENT_MAX_ID);
    fuzz_check((ev->epoch == 0) == (ev->id.len == 0));
    fuzz_check((ev->n == 0) == (ev->id.len == 0));

    fuzz_check(ev->json.len >= 2 && ev->json.len <= FUZZ_MAX);
    fuzz_check(ev->json.data[0] == '{');
    fuzz_check(ev->json.data[ev->json.len - 1] == '}');
    fuzz_check(memchr(ev->json.data, '\n', ev->json.len) == NULL);
    fuzz_check(memchr(ev->json.data, '\r', ev->json.len) == NULL);
    fuzz_check(memchr(ev->json.data, '\0', ev->json.len) == NULL);

    text = fuzz_copy(ev->json.data, ev->json.len);
    if (text == NULL) {
        return;
    }

    status = pimap_event_parse_json(&again, text, ev->json.len, ev->json.len,
                                    NULL, 0);

    fuzz_check(status == PIMAP_EVENT_OK);
    fuzz_check(again.json.len == ev->json.len);
    fuzz_check(memcmp(text, ev->json.data, ev->json.len) == 0);
    fuzz_check(again.types == ev->types);

    pimap_event_free(&again);
    free(text);
}


static void
fuzz_ox(const pimap_event_t *ev)
{
    char                  *text, buf[64];
    size_t                 len;
    pimap_str_t            user;
    pimap_event_t          event;
    pimap_event_status_t   status;

    user = pimap_ox_user(ev, buf, sizeof(buf));
    fuzz_check(user.data != NULL || user.len == 0);

    if (!pimap_ox_detect(ev)) {
        return;
    }

    text = pimap_ox_to_event(ev, &len);
    if (text == NULL) {
        return;
    }

    status = pimap_event_parse_json(&event, text, len, len, NULL, 0);

    fuzz_check(status == PIMAP_EVENT_OK);
    fuzz_check(event.json.data == text && event.json.len == len);
    fuzz_check(event.mailbox.data != NULL);
    fuzz_check(event.types == pimap_types_of_event("MessageNew", 10));
    fuzz_check(pimap_ox_user(&event, buf, sizeof(buf)).data == NULL);

    pimap_event_free(&event);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                   why[64];
    char                  *payload;
    pimap_event_t          ev;
    pimap_event_status_t   status;

    payload = fuzz_copy(data, size);
    if (payload == NULL) {
        return 0;
    }

    status = pimap_event_parse(&ev, payload, size, FUZZ_MAX, why, sizeof(why));

    if (status == PIMAP_EVENT_OK) {
        fuzz_event(&ev);
        fuzz_ox(&ev);

    } else {
        fuzz_check(ev.json.data == NULL && ev.decoded == NULL);
        fuzz_check(memchr(why, '\0', sizeof(why)) != NULL);
        fuzz_check(size == 0 || status > PIMAP_EVENT_NOT_OBJECT
                   || memcmp(payload, data, size) == 0);
    }

    pimap_event_free(&ev);
    free(payload);

    return 0;
}
