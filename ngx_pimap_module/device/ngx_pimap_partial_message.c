
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "ngx_pimap_device_room.h"


void
ngx_pimap_partial_message_free(ngx_pimap_device_t *d)
{
    if (d->partial) {
        ngx_pimap_buffer_free(&d->partial->data);
        ngx_free(d->partial);
        d->partial = NULL;
    }
}
