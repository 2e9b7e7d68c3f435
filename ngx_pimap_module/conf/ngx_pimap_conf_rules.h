
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the rules by which a location lets devices in.  Called when logins are
 * merged, and by the hand-over.  Invariant: a device stays after a reload only
 * if each rule of the location that let it in is a rule of its location now.
 */


#ifndef _NGX_PIMAP_CONF_RULES_H_INCLUDED_
#define _NGX_PIMAP_CONF_RULES_H_INCLUDED_


#include "ngx_pimap_conf.h"


#define NGX_PIMAP_CONF_RULE  8          /* bytes of a rule */


/* Adds a rule: a setting and its value. */
ngx_int_t ngx_pimap_conf_rules_add(ngx_conf_t *cf, ngx_str_t *rules,
    const char *name, ngx_str_t *value);

/*
 * True if a device stays that these rules have let in.  They are empty if they
 * are not known, because its worker was an older one.
 */
ngx_uint_t ngx_pimap_conf_rules_admit(ngx_pimap_loc_conf_t *conf,
    ngx_str_t *rules, ngx_str_t *origin_rules);

/* True if no response of the location is compressed. */
ngx_uint_t ngx_pimap_conf_rules_plain(ngx_pimap_loc_conf_t *conf);


#endif /* _NGX_PIMAP_CONF_RULES_H_INCLUDED_ */
