
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the values of directives with one number, time, size or level, and
 * their bounds.  Called by nginx for the table of directives.
 */


#ifndef _NGX_PIMAP_CONF_VALUE_H_INCLUDED_
#define _NGX_PIMAP_CONF_VALUE_H_INCLUDED_


#include "ngx_pimap.h"


/* The "post" of a directive with a size or a time, both of a word's width. */
typedef struct {
    ngx_conf_post_handler_pt   post_handler;
    ngx_uint_t                 zero;        /* is allowed, too */
    ngx_uint_t                 min;
    ngx_uint_t                 max;
    char                      *error;
} ngx_pimap_conf_range_t;


/* the first four have a range as "post" */
char *ngx_pimap_conf_num(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_pimap_conf_size(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_pimap_conf_sec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_pimap_conf_msec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* any text will do */
#define ngx_pimap_conf_str  ngx_conf_set_str_slot

/* The "post" is a table of words, ngx_conf_enum_t or ngx_conf_bitmask_t. */
char *ngx_pimap_conf_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_pimap_conf_bitmask(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* the post_handler of ngx_pimap_conf_range_t */
char *ngx_pimap_conf_range(ngx_conf_t *cf, void *post, void *data);

extern ngx_conf_enum_t        ngx_pimap_conf_levels[];
extern ngx_pimap_conf_range_t ngx_pimap_conf_length_bounds;
extern ngx_pimap_conf_range_t ngx_pimap_conf_log_bounds;
extern ngx_pimap_conf_range_t ngx_pimap_conf_updates_bounds;
extern ngx_pimap_conf_range_t ngx_pimap_conf_rate_bounds;
extern ngx_pimap_conf_range_t ngx_pimap_conf_backlog_bounds;
extern ngx_pimap_conf_range_t ngx_pimap_conf_zone_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_wait_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_linger_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_pause_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_window_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_age_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_size_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_account_bytes_post;
extern ngx_pimap_conf_range_t ngx_pimap_conf_padding_post;


#endif /* _NGX_PIMAP_CONF_VALUE_H_INCLUDED_ */
