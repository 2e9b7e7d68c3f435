
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: any offer in "Sec-WebSocket-Extensions" gets one of three
 * answers or none, and the same answer with other extensions around it.  Lists
 * of good and bad parameters are answered as RFC 7692 requires.  The first
 * byte selects one of these two tests.
 *
 * Reaches: pimap_ws_offer_bits, pimap_ws_offer_value, fuzz_built, fuzz_any.
 */


#include "fuzz.h"

#include "pimap_ws_offer.h"


#define FUZZ_MAX            8192

#define FUZZ_PD             "permessage-deflate"
#define FUZZ_YES            FUZZ_PD "; server_no_context_takeover; "          \
                            "client_no_context_takeover"
#define FUZZ_SMALL          FUZZ_YES "; server_max_window_bits=12"


/* "once" names the parameter; 0: an offer with it is declined. */

static const struct {
    const char  *text;
    unsigned     once;
    int          small;
} fuzz_params[] = {
    { "client_max_window_bits", 1, 0 },
    { "client_max_window_bits=8", 1, 0 },
    { "client_max_window_bits = \"15\"", 1, 0 },
    { "client_no_context_takeover", 2, 0 },
    { "server_no_context_takeover", 4, 0 },
    { "server_max_window_bits=12", 8, 1 },
    { "server_max_window_bits\t=\t15", 8, 1 },
    { "server_max_window_bits=\"13\"", 8, 1 },
    { "server_max_window_bits=8", 0, 0 },
    { "server_max_window_bits=11", 0, 0 },
    { "server_max_window_bits=16", 0, 0 },
    { "server_max_window_bits", 0, 0 },
    { "server_no_context_takeover=1", 0, 0 },
    { "client_max_window_bits=015", 0, 0 },
    { "client_max_window_bits=7", 0, 0 },
    { "x=\"y\"", 0, 0 },
};


static const char *
fuzz_offer(const char *before, const char *text, size_t len,
    const char *after)
{
    char        *copy;
    size_t       first, last;
    const char  *answer;

    first = strlen(before);
    last = strlen(after);

    /* no byte after it is read */

    copy = malloc(first + len + last ? first + len + last : 1);
    fuzz_check(copy);

    memcpy(copy, before, first);
    memcpy(copy + first, text, len);
    memcpy(copy + first + len, after, last);

    answer = pimap_ws_offer(copy, first + len + last);
    free(copy);

    fuzz_check(answer == NULL || strcmp(answer, FUZZ_YES) == 0
               || strcmp(answer, FUZZ_SMALL) == 0);

    return answer;
}


static int
fuzz_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}


static void
fuzz_any(const char *text, size_t len)
{
    const char  *answer;

    answer = fuzz_offer("", text, len, "");

    fuzz_check(answer == NULL
               || memmem(text, len, FUZZ_PD, strlen(FUZZ_PD)));
    fuzz_check(fuzz_same(fuzz_offer("\t,, ", text, len, ""), answer));
    fuzz_check(fuzz_same(fuzz_offer("", text, len, " \t"), answer));
    fuzz_check(fuzz_same(fuzz_offer("x; y=\"z\"; " FUZZ_PD ",", text, len, ""),
                         answer));
    fuzz_check(fuzz_same(fuzz_offer(FUZZ_PD ",", text, len, ""), FUZZ_YES));

    if (answer) {
        fuzz_check(fuzz_same(fuzz_offer("", text, len, ", x"), answer));
        fuzz_check(fuzz_same(fuzz_offer("", text, len, "," FUZZ_PD), answer));
    }
}


/* A byte selects a parameter and its separator, or the next offer. */

static void
fuzz_built(const uint8_t *data, size_t size)
{
    int          ok, small, first;
    char        *p, *last;
    size_t       i;
    unsigned     n, seen;
    const char  *answer;

    static char  text[FUZZ_MAX];

    p = text;
    last = text + FUZZ_MAX - 80;
    answer = NULL;
    ok = 0;
    small = 0;
    seen = 0;
    first = 1;

    for (i = 0; i <= size && p < last; i++) {

        if (first || i == size || data[i] >= 0xc0) {

            if (ok && answer == NULL) {
                answer = small ? FUZZ_SMALL : FUZZ_YES;
            }

            if (i == size) {
                break;
            }

            ok = !(data[i] & 1);
            p = stpcpy(p, first ? "" : data[i] & 2 ? " , " : ",,");
            p = stpcpy(p, ok ? FUZZ_PD : data[i] & 4 ? "permessage-foo"
                                                     : FUZZ_PD "d");
            first = 0;
            small = 0;
            seen = 0;
            continue;
        }

        n = data[i] % 16;

        p = stpcpy(p, data[i] & 0x10 ? ";" : " ;\t");
        p = stpcpy(p, fuzz_params[n].text);

        if (fuzz_params[n].once == 0 || seen & fuzz_params[n].once) {
            ok = 0;
        }

        seen |= fuzz_params[n].once;
        small |= fuzz_params[n].small;
    }

    fuzz_check(p >= last
               || fuzz_same(fuzz_offer("", text, (size_t) (p - text), ""),
                            answer));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    if (data[0] & 1) {
        fuzz_built(data + 1, size - 1);

    } else {
        fuzz_any((const char *) data + 1, size - 1);
    }

    return 0;
}
