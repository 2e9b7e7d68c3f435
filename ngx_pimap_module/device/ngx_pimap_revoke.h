
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns revoked logins: those of an account, or of one of its devices, up to a
 * time.  Redis keeps the times, and publishes a new one to all workers.
 */


#ifndef _NGX_PIMAP_REVOKE_H_INCLUDED_
#define _NGX_PIMAP_REVOKE_H_INCLUDED_


#include "ngx_pimap.h"


void ngx_pimap_revoke_init_process(ngx_cycle_t *cycle);

/* What follows "!revoke "; NGX_DECLINED: it is invalid. */
ngx_int_t ngx_pimap_revoke_message(ngx_pimap_account_t *account, u_char *data,
    size_t len);

/*
 * A revocation may have been missed: the account is subscribed, for the first
 * time or again, or a device with an older login has come.
 */
void ngx_pimap_revoke_check(ngx_pimap_account_t *account);

/* Redis takes commands: looks up each subscribed account; or it is away. */
void ngx_pimap_revoke_start(void);
void ngx_pimap_revoke_stop(void);


#endif /* _NGX_PIMAP_REVOKE_H_INCLUDED_ */
