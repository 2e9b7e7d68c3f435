
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The settings of logins: a part of the location's.
 */


#ifndef _NGX_PIMAP_LOGIN_CONF_H_INCLUDED_
#define _NGX_PIMAP_LOGIN_CONF_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"


void ngx_pimap_login_conf_create(ngx_pimap_loc_conf_t *plcf);
ngx_int_t ngx_pimap_login_conf_merge(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);

/* for the command table */
char *ngx_pimap_login_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_pimap_login_conf_ticket_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

extern ngx_conf_bitmask_t      ngx_pimap_login_conf_methods[];
extern ngx_pimap_conf_range_t  ngx_pimap_login_conf_leeway_post;
extern ngx_conf_post_t         ngx_pimap_login_conf_claim_post;
extern ngx_pimap_conf_range_t  ngx_pimap_login_conf_ticket_post;


#endif /* _NGX_PIMAP_LOGIN_CONF_H_INCLUDED_ */
