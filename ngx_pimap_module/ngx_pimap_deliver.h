
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * From a message of Redis to the devices of its account.
 */


#ifndef _NGX_PIMAP_DELIVER_H_INCLUDED_
#define _NGX_PIMAP_DELIVER_H_INCLUDED_


#include "ngx_pimap.h"


/* The payload may be changed in place; it is not needed afterwards. */
void ngx_pimap_deliver(ngx_str_t *account, char *payload, size_t len);


#endif /* _NGX_PIMAP_DELIVER_H_INCLUDED_ */
