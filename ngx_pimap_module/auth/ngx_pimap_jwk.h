
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys as JSON (RFC 7517).
 */


#ifndef _NGX_PIMAP_JWK_H_INCLUDED_
#define _NGX_PIMAP_JWK_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * Adds the keys of a JWKS, or one JWK, to an array of ngx_pimap_key_t.  Keys
 * of other types and for other uses are skipped (RFC 7517, 5).  Returns NULL,
 * or the problem.
 */
const char *ngx_pimap_jwk_read(ngx_conf_t *cf, ngx_str_t *text,
    ngx_array_t *keys);


#endif /* _NGX_PIMAP_JWK_H_INCLUDED_ */
