
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the TLS settings of connections to servers.
 */


#ifndef _BRIDGE_TLS_H_INCLUDED_
#define _BRIDGE_TLS_H_INCLUDED_


#include <openssl/ssl.h>


/*
 * TLS 1.2 or later; if "verify", a certificate that the file's authorities
 * (NULL: the system's) have signed.  NULL if the file can't be read.
 */
SSL_CTX *bridge_tls_client(int verify, const char *ca_file);

/* A connection to this host, whose certificate has to be for it. */
SSL *bridge_tls_connect(SSL_CTX *ctx, const char *host);


#endif /* _BRIDGE_TLS_H_INCLUDED_ */
