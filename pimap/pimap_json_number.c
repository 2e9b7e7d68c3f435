
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Numbers go to devices as they are written.  Their range is limited, so that
 * no device reads another number than we sent.
 */


#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pimap_json_number.h"


#define PIMAP_JSON_NUMBER_DIGITS   19   /* of the greatest integer */
#define PIMAP_JSON_NUMBER_PLACES   309  /* of the greatest double */
#define PIMAP_JSON_NUMBER_BIG      1000000
#define PIMAP_JSON_NUMBER_EXACT    800  /* digits tell two doubles apart */


/* The significant digits of 0.ddd * 10^places, without the point. */
typedef struct {
    const char   *first;
    const char   *last;                 /* after the mantissa */
    long          places;
} pimap_json_number_t;


static const char *pimap_json_number_digits(const char *p, const char *end);
static int pimap_json_number_fits(const char *p, const char *last, int minus);
static const char *pimap_json_number_exponent(const char *p, const char *end,
    long *exponent);
static int pimap_json_number_finite(const pimap_json_number_t *number);


const char *
pimap_json_number_check(const char *p, const char *end,
    pimap_json_error_t *err)
{
    int                   fits, minus;
    long                  exponent;
    const char           *first, *point;
    pimap_json_number_t   number;

    err->reason = NULL;

    minus = (p < end && *p == '-');
    first = p + minus;
    p = first < end && *first == '0' ? first + 1
                                     : pimap_json_number_digits(first, end);
    point = p;

    if (p == NULL) {
        return NULL;
    }

    if (p == end || (*p != '.' && (*p | 0x20) != 'e')) {
        fits = pimap_json_number_fits(first, p, minus);

    } else {
        if (*p == '.') {
            p = pimap_json_number_digits(p + 1, end);
        }

        number.first = first;
        number.last = p;
        exponent = 0;

        if (p && p < end && (*p | 0x20) == 'e') {
            p = pimap_json_number_exponent(p + 1, end, &exponent);
        }

        if (p == NULL) {
            return NULL;
        }

        number.places = point - first + exponent;
        fits = pimap_json_number_finite(&number);
    }

    if (!fits) {
        err->reason = "number out of range";
        return NULL;
    }

    return p;
}


/* After one digit or more, else NULL. */

static const char *
pimap_json_number_digits(const char *p, const char *end)
{
    const char  *first;

    for (first = p; p < end && *p >= '0' && *p <= '9'; p++) {
        /* void */
    }

    return p > first ? p : NULL;
}


static int
pimap_json_number_fits(const char *p, const char *last, int minus)
{
    if (last - p != PIMAP_JSON_NUMBER_DIGITS) {
        return last - p < PIMAP_JSON_NUMBER_DIGITS;
    }

    return memcmp(p, minus ? "9223372036854775808" : "9223372036854775807",
                  PIMAP_JSON_NUMBER_DIGITS)
           <= 0;
}


static const char *
pimap_json_number_exponent(const char *p, const char *end, long *exponent)
{
    int          minus;
    long         n;
    const char  *last;

    minus = (p < end && *p == '-');

    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }

    last = pimap_json_number_digits(p, end);

    if (last == NULL) {
        return NULL;
    }

    for (n = 0; p < last && n < PIMAP_JSON_NUMBER_BIG; p++) {
        n = n * 10 + (*p - '0');
    }

    *exponent = minus ? -n : n;

    return last;
}


/*
 * Only a number with as many places as the greatest one needs a closer look.
 * Of its digits those that count are taken, and one for all that follow.
 */

static int
pimap_json_number_finite(const pimap_json_number_t *number)
{
    int          n;
    char         text[PIMAP_JSON_NUMBER_EXACT + 16];
    long         places;
    const char  *p;

    n = 0;
    places = number->places;

    for (p = number->first; p < number->last; p++) {

        if (*p == '.') {
            continue;
        }

        if (n == 0 && *p == '0') {
            places--;
            continue;
        }

        if (n < PIMAP_JSON_NUMBER_EXACT) {
            text[n++] = *p;

        } else if (*p != '0') {
            text[n++] = '1';
            break;
        }
    }

    if (n == 0 || places < PIMAP_JSON_NUMBER_PLACES) {
        return 1;
    }

    if (places > PIMAP_JSON_NUMBER_PLACES) {
        return 0;
    }

    /* without a point, which may be a comma in a locale */

    snprintf(text + n, sizeof(text) - n, "e%d", PIMAP_JSON_NUMBER_PLACES - n);

    return !isinf(strtod(text, NULL));
}
