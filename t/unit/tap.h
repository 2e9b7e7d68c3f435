
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * TAP for unit tests in C: each program includes this once, calls the checks
 * and returns tap_done() from main().
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static int  tap_count;
static int  tap_failed;


/*
 * A copy of exact size, so that the sanitizer reports a read beyond the end.
 * To be freed.
 */

static inline char *
tap_copy(const char *text, size_t len)
{
    char  *buf;

    buf = malloc(len ? len : 1);

    if (buf == NULL) {
        abort();
    }

    memcpy(buf, text, len);

    return buf;
}


static inline int
tap_ok(int ok, const char *name)
{
    tap_count++;

    if (!ok) {
        tap_failed++;
    }

    printf("%sok %d - %s\n", ok ? "" : "not ", tap_count, name);

    return ok;
}


static inline int
tap_is_int(long long got, long long expected, const char *name)
{
    if (!tap_ok(got == expected, name)) {
        printf("#      got: %lld\n# expected: %lld\n", got, expected);
        return 0;
    }

    return 1;
}


/* Compares bytes; "expected" is a string, NULL means that there are none. */

static inline int
tap_is_mem(const char *got, size_t len, const char *expected,
    const char *name)
{
    int  ok;

    if (expected == NULL) {
        ok = (got == NULL && len == 0);

    } else {
        ok = (got != NULL && len == strlen(expected)
              && memcmp(got, expected, len) == 0);
    }

    if (!tap_ok(ok, name)) {
        printf("#      got: %.*s\n# expected: %s\n",
               got ? (int) len : 6, got ? got : "(null)",
               expected ? expected : "(null)");
    }

    return ok;
}


static inline int
tap_is_str(const char *got, const char *expected, const char *name)
{
    return tap_is_mem(got, got ? strlen(got) : 0, expected, name);
}


static inline int
tap_done(void)
{
    printf("1..%d\n", tap_count);

    return tap_failed ? 1 : 0;
}


#endif /* _TAP_H_INCLUDED_ */
