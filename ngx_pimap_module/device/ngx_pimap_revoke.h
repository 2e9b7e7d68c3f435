
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Logins that are revoked: those of an account, or of one of its devices, up
 * to a time.  Redis keeps the times, and tells all workers of a new one.
 */


#ifndef _NGX_PIMAP_REVOKE_H_INCLUDED_
#define _NGX_PIMAP_REVOKE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"


ngx_int_t ngx_pimap_revoke_init_process(ngx_cycle_t *cycle);

/* NGX_OK if a message of the account's channel was a "!revoke". */
ngx_int_t ngx_pimap_revoke_message(ngx_pimap_account_t *account, u_char *data,
    size_t len);

/*
 * A revocation may have been missed: the account is subscribed, anew or for
 * the first time, or a device has come whose login is older.
 */
void ngx_pimap_revoke_check(ngx_pimap_account_t *account);

/* Redis can be asked: all that is subscribed is looked at; or it is away. */
void ngx_pimap_revoke_start(void);
void ngx_pimap_revoke_stop(void);

/* Asks for an account, as ngx_pimap_command_send(). */
ngx_pimap_command_t *ngx_pimap_revoke_read(ngx_str_t *account,
    ngx_pimap_command_pt handler, void *data);

/*
 * Up to when logins for the device are revoked, by the answer; -1 if they are
 * not.
 */
time_t ngx_pimap_revoke_time(redisReply *reply, ngx_str_t *device);


#endif /* _NGX_PIMAP_REVOKE_H_INCLUDED_ */
