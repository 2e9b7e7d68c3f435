
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the hash P:{A}:revoked: the name of a device, or "" for all devices of
 * the account, and a time.  Called by each check of a login.
 */


#ifndef _NGX_PIMAP_REVOCATION_H_INCLUDED_
#define _NGX_PIMAP_REVOCATION_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"


/* NULL: nothing was sent, because Redis or its functions are away. */
ngx_pimap_command_t *ngx_pimap_revocation_read(ngx_str_t *account,
    ngx_pimap_command_pt handler, void *data);

/* Logins of the device up to this time are revoked; -1: none are. */
time_t ngx_pimap_revocation_time(redisReply *reply, ngx_str_t *device);


#endif /* _NGX_PIMAP_REVOCATION_H_INCLUDED_ */
