
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
    uint64_t  token;

    if (len != NGX_PIMAP_HEX_LEN || ngx_pimap_hex(data, &token) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* a worker that has just received devices may be sending others */

    if (ngx_pimap_handover_incoming_marker(account, token) != NGX_OK) {
        (void) ngx_pimap_handover_sender_marker(token);
    }

    return NGX_OK;
}
