
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * From a message of Redis to the devices of its account.
 */


#ifndef _NGX_PIMAP_DELIVER_H_INCLUDED_
#define _NGX_PIMAP_DELIVER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_encode.h"

#include "pimap_event.h"


/* The payload may be changed in place; it is not needed afterwards. */
void ngx_pimap_deliver(ngx_str_t *account, char *payload, size_t len);

/* An event that is in its turn, to all devices of the account. */
void ngx_pimap_deliver_event(ngx_pimap_account_t *account,
    pimap_event_t *ev);

/* To one device alone: as below. */
ngx_int_t ngx_pimap_deliver_one(ngx_pimap_device_t *d, pimap_event_t *ev);

/*
 * To one device, if its filter lets it pass; texts are made at the first
 * need.  NGX_ERROR: the device ends.
 */
ngx_int_t ngx_pimap_deliver_device(ngx_pimap_device_t *d, pimap_event_t *ev,
    ngx_pimap_encoded_t *texts);


#endif /* _NGX_PIMAP_DELIVER_H_INCLUDED_ */
