
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what this worker tells other workers about an account's devices.
 * Called by messages in the account's channel:
 *
 *     !devices <channel> <request> <limit> <after>   "NNN", an id of a device
 *     !end <channel> <request> <device>
 *
 * Invariant: each message is answered in the channel of the worker that sent
 * it, with a text of limited size.
 */


#ifndef _NGX_PIMAP_DEVICE_LIST_H_INCLUDED_
#define _NGX_PIMAP_DEVICE_LIST_H_INCLUDED_


#include "ngx_pimap.h"

#include <jansson.h>


#define NGX_PIMAP_DEVICE_LIST_MAX  100      /* devices of an answer */
#define NGX_PIMAP_DEVICE_LIST_ID   33       /* bytes of a device's id */


/* What follows the verb; NGX_DECLINED: it is invalid. */
ngx_int_t ngx_pimap_device_list_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);
ngx_int_t ngx_pimap_device_list_end(ngx_pimap_account_t *account,
    u_char *data, size_t len);

/* True if the text has the form of a device's id. */
ngx_uint_t ngx_pimap_device_list_is_id(ngx_str_t *text);


#endif /* _NGX_PIMAP_DEVICE_LIST_H_INCLUDED_ */
