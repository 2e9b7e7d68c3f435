
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a value from nginx.conf that names something for a request.  Called by
 * nginx in the configuration phase.  Invariant: values that nginx reads alike
 * have one text.
 */


#ifndef _NGX_PIMAP_CONF_NAME_H_INCLUDED_
#define _NGX_PIMAP_CONF_NAME_H_INCLUDED_


#include "ngx_pimap.h"


/* A value from nginx.conf that names something for a request. */
typedef struct {
    ngx_http_complex_value_t  *value;       /* NULL: the default */
    ngx_str_t                  text;        /* its one spelling */
    ngx_uint_t                 decode;      /* it is one $arg_... variable */
} ngx_pimap_name_conf_t;


/* for the command table */
char *ngx_pimap_conf_name(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_PIMAP_CONF_NAME_H_INCLUDED_ */
