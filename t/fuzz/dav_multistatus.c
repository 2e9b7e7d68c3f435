
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a server's answer is read with the same result however it
 * is cut into pieces, within the limits, and every path from an href can be
 * sent and stays what it is.
 *
 * Reaches: fuzz_response, dav_multistatus_propstat, dav_multistatus_doctype,
 *     dav_multistatus_stop, dav_url_spelled, dav_url_split.
 */


#include "fuzz.h"

#include "dav_multistatus.h"
#include "dav_url.h"


static void
fuzz_response(void *data, const dav_response_t *r)
{
    int        i;
    char      *path, *again;
    unsigned  *n = data;

    n[0]++;

    for (i = 0; i < DAV_TEXTS; i++) {
        n[1] += r->text[i] ? strlen(r->text[i]) + 1 : 0;
    }

    path = dav_url_resolve("https://a:443", "/x/", r->text[DAV_HREF]);

    if (path) {
        again = dav_url_resolve("https://a:443", "/", path);
        fuzz_check(strstr(path, "/../") == NULL);
        fuzz_check(strpbrk(path, " \r\n?#\"<>") == NULL);
        fuzz_check(again && strcmp(path, again) == 0);
        free(again);

        again = dav_url_canonical(path);
        fuzz_check(dav_url_compare(path, again) == 0);
        free(again);
    }

    free(path);
}


static void
fuzz_parse(const uint8_t *data, size_t size, size_t piece, unsigned *n)
{
    size_t                     i, k;
    dav_multistatus_t         *m;
    dav_multistatus_limits_t   limits = { 65536, 1024, 50 };

    m = dav_multistatus_create(&limits, fuzz_response, n);

    for (i = 0; i < size; i += k) {
        k = size - i < piece ? size - i : piece;

        if (dav_multistatus_feed(m, (const char *) data + i, k) == -1) {
            break;
        }
    }

    n[2] = i >= size && dav_multistatus_end(m) == 0;
    n[3] = dav_multistatus_result(m)->invalid_token;

    dav_multistatus_free(m);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned  whole[4] = { 0 }, pieces[4] = { 0 };

    fuzz_parse(data, size, size ? size : 1, whole);
    fuzz_parse(data, size, 1 + (size ? data[0] % 7 : 0), pieces);

    fuzz_check(memcmp(whole, pieces, sizeof(whole)) == 0);

    return 0;
}
