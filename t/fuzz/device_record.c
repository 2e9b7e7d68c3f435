
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: bytes are refused as a device's record, or the record read
 * from them stays the same when it is written and read again.
 *
 * Reaches: ngx_pimap_record_set_string, ngx_pimap_record_set_number,
 *     ngx_pimap_record_set_bytes, ngx_pimap_device_record_write.
 */


#include "fuzz.h"

#include "ngx_pimap_device_record.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                     first, second;
    uint8_t                   *in, *out, *again;
    ngx_pimap_device_record_t  record;

    in = malloc(size + 1);
    out = malloc(size + 1);
    again = malloc(size + 1);
    fuzz_check(in && out && again);

    memcpy(in, data, size);

    if (ngx_pimap_device_record_read(&record, in, size) == 0) {

        /* never longer: zero is left out */

        first = ngx_pimap_device_record_write(&record, out, size);
        fuzz_check(ngx_pimap_device_record_read(&record, out, first) == 0);

        second = ngx_pimap_device_record_write(&record, again, size);
        fuzz_check(second == first && memcmp(out, again, first) == 0);
    }

    free(in);
    free(out);
    free(again);

    return 0;
}
