
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the values of directives with one number, time or size.  Called by
 * nginx for the table of directives.  Invariant: an error names the directive
 * and the value, and says which values are good.
 */


#include "ngx_pimap_conf.h"


typedef char *(*ngx_pimap_conf_set_pt)(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static char *ngx_pimap_conf_value(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf, ngx_pimap_conf_set_pt set, const char *form);
static char *ngx_pimap_conf_wrong(ngx_conf_t *cf, ngx_str_t *value,
    const char *must);
static char *ngx_pimap_conf_words(ngx_conf_t *cf, ngx_conf_enum_t *words);


ngx_conf_enum_t  ngx_pimap_conf_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


char *
ngx_pimap_conf_num(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_pimap_conf_value(cf, cmd, conf, ngx_conf_set_num_slot,
                                "must be a number, 0 or more");
}


char *
ngx_pimap_conf_size(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_pimap_conf_value(cf, cmd, conf, ngx_conf_set_size_slot,
                                "must be a size, such as 64k or 4m");
}


char *
ngx_pimap_conf_sec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_pimap_conf_value(cf, cmd, conf, ngx_conf_set_sec_slot,
                                "must be a time in seconds or longer units, "
                                "such as 30s, 5m or 7d");
}


char *
ngx_pimap_conf_msec(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return ngx_pimap_conf_value(cf, cmd, conf, ngx_conf_set_msec_slot,
                                "must be a time, such as 500ms, 30s or 5m");
}


static char *
ngx_pimap_conf_value(ngx_conf_t *cf, ngx_command_t *cmd, void *conf,
    ngx_pimap_conf_set_pt set, const char *form)
{
    char             *rv;
    ngx_str_t        *args;
    ngx_command_t     plain;
    ngx_conf_post_t  *post = cmd->post;

    args = cf->args->elts;
    plain = *cmd;
    plain.post = NULL;

    rv = set(cf, &plain, conf);

    if (rv != NGX_CONF_OK) {
        return ngx_strncmp(rv, "invalid", 7) == 0
               ? ngx_pimap_conf_wrong(cf, &args[1], form) : rv;
    }

    if (post == NULL) {
        return NGX_CONF_OK;
    }

    rv = post->post_handler(cf, post, (char *) conf + cmd->offset);

    return rv == NGX_CONF_OK ? rv : ngx_pimap_conf_wrong(cf, &args[1], rv);
}


static char *
ngx_pimap_conf_wrong(ngx_conf_t *cf, ngx_str_t *value, const char *must)
{
    ngx_str_t  *args;

    args = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" is \"%V\", but %s",
                       &args[0], value, must);

    return NGX_CONF_ERROR;
}


char *
ngx_pimap_conf_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *rv;

    rv = ngx_pimap_conf_words(cf, cmd->post);

    return rv == NGX_CONF_OK ? ngx_conf_set_enum_slot(cf, cmd, conf) : rv;
}


char *
ngx_pimap_conf_bitmask(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *rv;

    rv = ngx_pimap_conf_words(cf, cmd->post);

    return rv == NGX_CONF_OK ? ngx_conf_set_bitmask_slot(cf, cmd, conf) : rv;
}


/* nginx's own setters do not say which words there are. */

static char *
ngx_pimap_conf_words(ngx_conf_t *cf, ngx_conf_enum_t *words)
{
    u_char            must[256], *p, *last;
    ngx_str_t        *value;
    ngx_uint_t        i;
    ngx_conf_enum_t  *word;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        for (word = words; word->name.len; word++) {
            if (ngx_pimap_equal(&value[i], &word->name)) {
                break;
            }
        }

        if (word->name.len) {
            continue;
        }

        last = must + sizeof(must) - 1;
        p = ngx_slprintf(must, last, "must be");

        for (word = words; word->name.len; word++) {
            p = ngx_slprintf(p, last, "%s \"%V\"", word == words ? "" : " or",
                             &word->name);
        }

        *p = '\0';

        return ngx_pimap_conf_wrong(cf, &value[i], (char *) must);
    }

    return NGX_CONF_OK;
}
