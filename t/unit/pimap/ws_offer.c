
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Offers of a client in "Sec-WebSocket-Extensions", and the answers (RFC 7692,
 * section 7; RFC 6455, 9.1).
 */


#include <stdlib.h>

#include "pimap_ws_offer.h"
#include "tap.h"


#define PD     "permessage-deflate"
#define YES    PD "; server_no_context_takeover; client_no_context_takeover"
#define SMALL  YES "; server_max_window_bits=12"


static const struct {
    const char  *offer;
    const char  *answer;
} cases[] = {
    { PD, YES },
    { "  " PD "\t", YES },
    { PD "; client_max_window_bits", YES },             /* browsers, ws */
    { PD "; server_max_window_bits=12; client_max_window_bits=12", SMALL },
    { PD ";server_no_context_takeover", YES },
    { PD " ; client_no_context_takeover ; server_no_context_takeover", YES },
    { PD "; client_max_window_bits=8", YES },
    { PD "; client_max_window_bits = \"15\"", YES },
    { PD "; server_max_window_bits=15", SMALL },
    { PD "; server_max_window_bits=\"13\"", SMALL },

    /* windows that are too small for the server */
    { PD "; server_max_window_bits=11", NULL },
    { PD "; server_max_window_bits=10", NULL },
    { PD "; server_max_window_bits=9", NULL },
    { PD "; server_max_window_bits=8", NULL },

    /* invalid values */
    { PD "; server_max_window_bits", NULL },
    { PD "; server_max_window_bits=16", NULL },
    { PD "; server_max_window_bits=012", NULL },
    { PD "; server_max_window_bits=120", NULL },
    { PD "; server_max_window_bits=x", NULL },
    { PD "; server_max_window_bits=-12", NULL },
    { PD "; client_max_window_bits=7", NULL },
    { PD "; client_max_window_bits=16", NULL },
    { PD "; client_max_window_bits=08", NULL },
    { PD "; client_max_window_bits=", NULL },
    { PD "; client_max_window_bits=\"\"", NULL },
    { PD "; client_max_window_bits=\" 12\"", NULL },
    { PD "; client_max_window_bits=\"12", NULL },
    { PD "; server_no_context_takeover=1", NULL },
    { PD "; client_no_context_takeover=true", NULL },

    /* parameters that are unknown, or that are repeated */
    { PD "; other", NULL },
    { PD "; Client_Max_Window_Bits", NULL },
    { PD "; client_max_window_bits; client_max_window_bits", NULL },
    { PD "; server_max_window_bits=12; server_max_window_bits=12", NULL },
    { PD "; server_no_context_takeover; server_no_context_takeover", NULL },

    /* several offers, other extensions */
    { PD "; other, " PD, YES },
    { PD "; server_max_window_bits=8, " PD "; client_max_window_bits", YES },
    { PD "; server_max_window_bits=9, " PD "; server_max_window_bits=14,"
      PD, SMALL },
    { PD ", " PD "; server_max_window_bits=12", YES },
    { "x-webkit-deflate-frame, " PD, YES },
    { "foo; a=\"b\"; c," PD, YES },
    { ", ," PD ",", YES },
    { "x-webkit-deflate-frame", NULL },
    { "permessage-bzip2; a=1, permessage-gzip", NULL },
    { "permessage-deflated", NULL },
    { "Permessage-Deflate", NULL },

    /* not a list of extensions */
    { "", NULL },
    { " , ", NULL },
    { ";", NULL },
    { PD ";", NULL },
    { PD "; ", NULL },
    { PD "; =1", NULL },
    { PD " client_max_window_bits", NULL },
    { PD "; a b", NULL },
    { "foo(bar), " PD, NULL },
    { "foo; a=\"b, " PD, NULL },
    { "foo; a=\"b c\", " PD, NULL },
};


int
main(void)
{
    char        *copy;
    size_t       i, len;
    const char  *answer;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].offer);

        /* no byte after it is read */

        copy = malloc(len ? len : 1);
        if (copy == NULL) {
            return 1;
        }

        memcpy(copy, cases[i].offer, len);
        answer = pimap_ws_offer(copy, len);
        tap_is_mem(answer, answer ? strlen(answer) : 0, cases[i].answer,
                   cases[i].offer);
        free(copy);
    }

    return tap_done();
}
