
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Between nginx's TLS connections and our record layer: how a connection goes
 * to sleep, and the worker's means to seal and open its records.
 */


#ifndef _NGX_PIMAP_HIBERNATE_H_INCLUDED_
#define _NGX_PIMAP_HIBERNATE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_tls13.h"


/* Warns if the server with "pimap_hibernate" allows no TLS 1.3. */
ngx_int_t ngx_pimap_hibernate_warn(ngx_conf_t *cf);

/* Watches the handshakes of all servers with TLS. */
ngx_int_t ngx_pimap_hibernate_init(ngx_conf_t *cf);

ngx_int_t ngx_pimap_hibernate_init_process(ngx_cycle_t *cycle);
void ngx_pimap_hibernate_exit_process(void);

/*
 * NULL: the connection's OpenSSL object is gone, "tls" goes on.  Otherwise
 * nothing has been changed, and it says why not.
 */
const char *ngx_pimap_hibernate_take(ngx_connection_t *c,
    ngx_pimap_tls13_t *tls);

/* Counts and logs that a connection which should have slept did not. */
void ngx_pimap_hibernate_refused(ngx_log_t *log, const char *refusal);

/* The sealed bytes are good until the next call.  "keys" may be NULL. */
ngx_int_t ngx_pimap_hibernate_seal(ngx_pimap_tls13_t *tls,
    ngx_pimap_tls13_keys_t *keys, u_char *data, size_t len, size_t padding,
    ngx_str_t *sealed);
ngx_int_t ngx_pimap_hibernate_alert(ngx_pimap_tls13_t *tls, uint8_t alert,
    ngx_str_t *sealed);

ngx_pimap_tls13_result_t ngx_pimap_hibernate_open(ngx_pimap_tls13_t *tls,
    u_char *data, size_t len, ngx_pimap_tls13_in_t *in);

/*
 * Whether a connection that has hibernated in another worker can go on here:
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_pimap_hibernate_resume(ngx_pimap_tls13_t *tls);

void ngx_pimap_hibernate_wipe(ngx_pimap_tls13_t *tls);


#endif /* _NGX_PIMAP_HIBERNATE_H_INCLUDED_ */
