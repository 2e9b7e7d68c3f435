
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * RFC 7692, 7: an offer is declined if a parameter is unknown, has a wrong
 * value, or comes twice.  Then the next offer is read.
 */


#include <string.h>

#include "pimap_ws_offer.h"


#define PIMAP_WS_OFFER_ANSWER  "permessage-deflate; "                         \
                               "server_no_context_takeover; "                 \
                               "client_no_context_takeover"


/* The order is that of the table of names. */
typedef enum {
    PIMAP_WS_OFFER_SERVER_ALONE = 0,
    PIMAP_WS_OFFER_CLIENT_ALONE,
    PIMAP_WS_OFFER_SERVER_BITS,
    PIMAP_WS_OFFER_CLIENT_BITS,
    PIMAP_WS_OFFER_NPARAMS
} pimap_ws_offer_param_t;


typedef struct {
    const char  *p;
    const char  *last;
} pimap_ws_offer_list_t;


typedef struct {
    const char  *data;
    size_t       len;
} pimap_ws_offer_word_t;


static int pimap_ws_offer_extension(pimap_ws_offer_list_t *list,
    unsigned *seen);
static int pimap_ws_offer_param(const pimap_ws_offer_word_t *name,
    const pimap_ws_offer_word_t *value, unsigned *seen);
static int pimap_ws_offer_bits(const pimap_ws_offer_word_t *value);
static int pimap_ws_offer_value(pimap_ws_offer_list_t *list,
    pimap_ws_offer_word_t *value);
static int pimap_ws_offer_token(pimap_ws_offer_list_t *list,
    pimap_ws_offer_word_t *word);
static int pimap_ws_offer_next(pimap_ws_offer_list_t *list, char c);
static void pimap_ws_offer_blanks(pimap_ws_offer_list_t *list);
static int pimap_ws_offer_is(const pimap_ws_offer_word_t *word,
    const char *name);


const char *
pimap_ws_offer(const char *text, size_t len)
{
    int                    rc;
    unsigned               seen;
    pimap_ws_offer_list_t  list;

    list.p = text;
    list.last = text + len;

    do {
        /* RFC 9110, 5.6.1.2: empty elements don't count */

        while (pimap_ws_offer_next(&list, ',')) { /* void */ }

        if (list.p == list.last) {
            break;
        }

        rc = pimap_ws_offer_extension(&list, &seen);

        pimap_ws_offer_blanks(&list);

        if (rc < 0 || (list.p < list.last && *list.p != ',')) {
            return NULL;
        }

        if (rc > 0) {
            return seen & 1u << PIMAP_WS_OFFER_SERVER_BITS
                   ? PIMAP_WS_OFFER_ANSWER "; server_max_window_bits=12"
                   : PIMAP_WS_OFFER_ANSWER;
        }

    } while (list.p < list.last);

    return NULL;
}


/* 1: an offer to be accepted, 0: another one, -1: that is no extension. */

static int
pimap_ws_offer_extension(pimap_ws_offer_list_t *list, unsigned *seen)
{
    int                    ok;
    pimap_ws_offer_word_t  name, value;

    *seen = 0;

    if (!pimap_ws_offer_token(list, &name)) {
        return -1;
    }

    ok = pimap_ws_offer_is(&name, "permessage-deflate");

    while (pimap_ws_offer_next(list, ';')) {

        pimap_ws_offer_blanks(list);

        if (!pimap_ws_offer_token(list, &name)) {
            return -1;
        }

        value.data = NULL;
        value.len = 0;

        if (pimap_ws_offer_next(list, '=')
            && !pimap_ws_offer_value(list, &value))
        {
            return -1;
        }

        ok = ok && pimap_ws_offer_param(&name, &value, seen);
    }

    return ok;
}


/* RFC 7692, 7.1 */

static int
pimap_ws_offer_param(const pimap_ws_offer_word_t *name,
    const pimap_ws_offer_word_t *value, unsigned *seen)
{
    int       bits;
    unsigned  i;

    static const char  *const names[PIMAP_WS_OFFER_NPARAMS] = {
        "server_no_context_takeover", "client_no_context_takeover",
        "server_max_window_bits", "client_max_window_bits"
    };

    for (i = 0; i < PIMAP_WS_OFFER_NPARAMS; i++) {
        if (pimap_ws_offer_is(name, names[i])) {
            break;
        }
    }

    if (i == PIMAP_WS_OFFER_NPARAMS || *seen & 1u << i) {
        return 0;
    }

    *seen |= 1u << i;

    if (value->data == NULL) {
        return i != PIMAP_WS_OFFER_SERVER_BITS;
    }

    bits = pimap_ws_offer_bits(value);

    switch (i) {

    case PIMAP_WS_OFFER_SERVER_BITS:
        return bits >= PIMAP_WS_OFFER_BITS;

    case PIMAP_WS_OFFER_CLIENT_BITS:

        /* a hint: whatever the client's window is, we have a larger one */

        return bits != 0;

    default:
        return 0;
    }
}


/* 7.1.2: "a decimal integer value without leading zeroes between 8 to 15" */

static int
pimap_ws_offer_bits(const pimap_ws_offer_word_t *value)
{
    const char  *p;

    p = value->data;

    if (value->len == 1 && (p[0] == '8' || p[0] == '9')) {
        return p[0] - '0';
    }

    if (value->len == 2 && p[0] == '1' && p[1] >= '0' && p[1] <= '5') {
        return 10 + p[1] - '0';
    }

    return 0;
}


/* A token, or one in quotes (RFC 6455, 9.1). */

static int
pimap_ws_offer_value(pimap_ws_offer_list_t *list,
    pimap_ws_offer_word_t *value)
{
    pimap_ws_offer_blanks(list);

    if (list->p == list->last || *list->p != '"') {
        return pimap_ws_offer_token(list, value);
    }

    list->p++;

    return pimap_ws_offer_token(list, value)
           && list->p < list->last && *list->p++ == '"';
}


static int
pimap_ws_offer_token(pimap_ws_offer_list_t *list, pimap_ws_offer_word_t *word)
{
    char  c;

    word->data = list->p;

    /* RFC 9110, 5.6.2 */

    for ( ; list->p < list->last; list->p++) {
        c = *list->p;

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c && strchr("!#$%&'*+-.^_`|~", c))))
        {
            break;
        }
    }

    word->len = (size_t) (list->p - word->data);

    return word->len != 0;
}


static int
pimap_ws_offer_next(pimap_ws_offer_list_t *list, char c)
{
    pimap_ws_offer_blanks(list);

    if (list->p == list->last || *list->p != c) {
        return 0;
    }

    list->p++;

    return 1;
}


static void
pimap_ws_offer_blanks(pimap_ws_offer_list_t *list)
{
    while (list->p < list->last && (*list->p == ' ' || *list->p == '\t')) {
        list->p++;
    }
}


static int
pimap_ws_offer_is(const pimap_ws_offer_word_t *word, const char *name)
{
    return word->len == strlen(name)
           && memcmp(word->data, name, word->len) == 0;
}
