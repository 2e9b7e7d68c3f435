
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Files of keys, read in the configuration phase.
 */


#ifndef _NGX_PIMAP_KEY_FILE_H_INCLUDED_
#define _NGX_PIMAP_KEY_FILE_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * Adds the keys of a file to an array of ngx_pimap_key_t: a JWKS, a JWK, or
 * public keys and certificates in PEM, which get this id.  Logs a problem.
 */
char *ngx_pimap_key_file_read(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *id,
    ngx_array_t *keys);

/* Adds a secret: all bytes of the file. */
char *ngx_pimap_key_file_read_secret(ngx_conf_t *cf, ngx_str_t *file,
    ngx_array_t *keys);


#endif /* _NGX_PIMAP_KEY_FILE_H_INCLUDED_ */
