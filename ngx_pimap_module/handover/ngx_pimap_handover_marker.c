
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * "!handover <token>", 16 hexadecimal digits.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_handover_ipc.h"
#include "ngx_pimap_handover_incoming.h"


ngx_int_t
ngx_pimap_handover_marker_message(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    uint64_t     token;
    ngx_uint_t   i;
    ngx_int_t    digit;

    if (len != NGX_PIMAP_HANDOVER_TOKEN_LEN) {
        return NGX_DECLINED;
    }

    token = 0;

    for (i = 0; i < len; i++) {
        digit = ngx_hextoi(&data[i], 1);

        if (digit == NGX_ERROR) {
            return NGX_DECLINED;
        }

        token = token << 4 | digit;
    }

    /* a worker that has just received devices may be sending others */

    if (ngx_pimap_handover_incoming_marker(account, token) != NGX_OK) {
        (void) ngx_pimap_handover_sender_marker(token);
    }

    return NGX_OK;
}
