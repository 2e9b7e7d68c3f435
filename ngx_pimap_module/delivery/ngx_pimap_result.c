
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The requests that wait are in a room above this one.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"


static void  (*ngx_pimap_result_handler)(ngx_pimap_account_t *account,
                                         pimap_event_t *ev);


void
ngx_pimap_result_init_process(void (*handler)(ngx_pimap_account_t *account,
    pimap_event_t *ev))
{
    ngx_pimap_result_handler = handler;
}


void
ngx_pimap_result(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    if (account->waiters && (ev == NULL || ngx_pimap_update_result(ev))) {
        ngx_pimap_result_handler(account, ev);
    }
}
