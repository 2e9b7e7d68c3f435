
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns hibernation: how the record layer of TLS 1.3 is taken over from
 * OpenSSL, and the ciphers of this worker.  Called by detaching, by detached
 * connections and by the hand-over.
 */


#ifndef _NGX_PIMAP_HIBERNATE_H_INCLUDED_
#define _NGX_PIMAP_HIBERNATE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_tls13.h"


/* The ciphers; NULL: no connection of this worker hibernates. */
extern ngx_pimap_tls13_ctx_t  *ngx_pimap_hibernate_ctx;


/* Watches the handshakes of all servers with TLS. */
ngx_int_t ngx_pimap_hibernate_init(ngx_conf_t *cf);

ngx_int_t ngx_pimap_hibernate_init_process(ngx_cycle_t *cycle);
void ngx_pimap_hibernate_exit_process(void);

/*
 * NULL: OpenSSL's object of the connection is freed, and "tls" goes on.  Else
 * the reason why not, and nothing has been changed.
 */
const char *ngx_pimap_hibernate_take(ngx_connection_t *c,
    ngx_pimap_tls13_t *tls);

/* Counts and logs a connection that should hibernate and cannot. */
void ngx_pimap_hibernate_refused(ngx_log_t *log, const char *refusal);

/* The sealed bytes are good until the next call. */
ngx_int_t ngx_pimap_hibernate_seal(ngx_pimap_tls13_t *tls, u_char *data,
    size_t len, size_t padding, ngx_str_t *sealed);

/*
 * Whether a connection that has hibernated in another worker can go on here:
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_pimap_hibernate_resume(ngx_pimap_tls13_t *tls);


#endif /* _NGX_PIMAP_HIBERNATE_H_INCLUDED_ */
