
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a line that names its account.  It is refused with a
 * reason, or has an account, and an event that is JSON whatever is in it.  The
 * line is unchanged.
 *
 * Reaches: fuzz_envelope, pimap_envelope_member.
 */


#include "fuzz.h"

#include "pimap_envelope.h"
#include "pimap_event.h"


static void
fuzz_envelope(const pimap_envelope_t *e)
{
    char                  *text;
    pimap_event_t          ev;
    pimap_event_status_t   status;

    fuzz_check(e->account.len > 0);
    fuzz_check(e->key.data == NULL
               || (e->key.len > 0 && e->key.len <= PIMAP_ENVELOPE_MAX_KEY));
    fuzz_check(e->event.len >= 2 && e->event.data[0] == '{');
    fuzz_check(e->event.data[e->event.len - 1] == '}');

    text = fuzz_copy(e->event.data, e->event.len);
    if (text == NULL) {
        return;
    }

    status = pimap_event_parse_json(&ev, text, e->event.len, e->event.len,
                                    NULL, 0);

    fuzz_check(status == PIMAP_EVENT_OK || status == PIMAP_EVENT_NO_NAME
               || status == PIMAP_EVENT_BAD_NAME
               || status == PIMAP_EVENT_BAD_MEMBER
               || status == PIMAP_EVENT_NO_MEMORY);

    pimap_event_free(&ev);
    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *line, why[64];
    pimap_envelope_t   e;

    line = fuzz_copy(data, size);
    if (line == NULL) {
        return 0;
    }

    if (pimap_envelope_parse(&e, line, size, why, sizeof(why))
        == PIMAP_JSON_OK)
    {
        fuzz_envelope(&e);

    } else {
        fuzz_check(memchr(why, '\0', sizeof(why)) != NULL);
    }

    fuzz_check(size == 0 || memcmp(line, data, size) == 0);

    free(line);

    return 0;
}
