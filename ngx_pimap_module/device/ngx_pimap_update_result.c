
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * "~" begins the name of no device: a login with such a name is refused.
 */


#include "ngx_pimap_device_room.h"


ngx_uint_t
ngx_pimap_update_result(pimap_event_t *ev)
{
    return ngx_pimap_is(&ev->name, "UpdateResult");
}


ngx_uint_t
ngx_pimap_update_result_is_for(ngx_pimap_device_t *d, pimap_event_t *ev)
{
    u_char     buf[NGX_PIMAP_UPDATE_RESULT_ADDRESS];
    ngx_str_t  address;

    if (ev->device.len == 0) {
        return 0;
    }

    ngx_pimap_update_result_address(d, &address, buf);

    return ngx_pimap_equal(&address, &ev->device);
}


void
ngx_pimap_update_result_address(ngx_pimap_device_t *d, ngx_str_t *address,
    u_char *buf)
{
    if (d->name_len) {
        ngx_pimap_device_name(d, address);
        return;
    }

    address->data = buf;
    address->len = ngx_sprintf(buf, "~%xL", d->token) - buf;
}
