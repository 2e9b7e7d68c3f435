
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the settings of logins.  Called by nginx in the configuration phase.
 * Invariant: a location with tokens has a key, or nginx does not start.
 */


#include "ngx_pimap_login.h"


static const char *ngx_pimap_login_conf_own(ngx_pimap_loc_conf_t *conf);
static ngx_int_t ngx_pimap_login_conf_check(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);
static void ngx_pimap_login_conf_open(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);
static void ngx_pimap_login_conf_warn(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);
static ngx_uint_t ngx_pimap_login_conf_by_nginx(ngx_conf_t *cf);
static ngx_uint_t ngx_pimap_login_conf_by_address(ngx_conf_t *cf);
static ngx_array_t *ngx_pimap_login_conf_keys(ngx_conf_t *cf,
    ngx_array_t **keys);
static char *ngx_pimap_login_conf_claim(ngx_conf_t *cf, void *post,
    void *data);


ngx_conf_bitmask_t  ngx_pimap_login_conf_methods[] = {
    { ngx_string("nginx"), NGX_PIMAP_LOGIN_NGINX },
    { ngx_string("token"), NGX_PIMAP_LOGIN_TOKEN },
    { ngx_string("ticket"), NGX_PIMAP_LOGIN_TICKET },
    { ngx_null_string, 0 }
};

ngx_pimap_conf_range_t  ngx_pimap_login_conf_leeway_post = {
    ngx_pimap_conf_range, 0, 0, 3600, "must be 1h at most"
};

ngx_conf_post_t  ngx_pimap_login_conf_claim_post = {
    ngx_pimap_login_conf_claim
};

ngx_pimap_conf_range_t  ngx_pimap_login_conf_ticket_post = {
    ngx_pimap_conf_range, 0, 1, 86400, "must be between 1s and 1d"
};


ngx_int_t
ngx_pimap_login_conf_merge(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    const char  *own;
    ngx_uint_t   ticket;

    own = ngx_pimap_login_conf_own(conf);
    ticket = conf->login & NGX_PIMAP_LOGIN_TICKET;

    ngx_conf_merge_bitmask_value(conf->login, prev->login,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_PIMAP_LOGIN_NGINX));
    ngx_conf_merge_ptr_value(conf->token_keys, prev->token_keys, NULL);
    ngx_conf_merge_str_value(conf->token_issuer, prev->token_issuer, "");
    ngx_conf_merge_str_value(conf->token_audience, prev->token_audience, "");
    ngx_conf_merge_str_value(conf->token_claim, prev->token_claim, "sub");
    ngx_conf_merge_str_value(conf->token_device_claim,
                             prev->token_device_claim, "");
    ngx_conf_merge_str_value(conf->token_types_claim,
                             prev->token_types_claim, "");
    ngx_conf_merge_str_value(conf->token_updates_claim,
                             prev->token_updates_claim, "");
    ngx_conf_merge_str_value(conf->ticket_updates, prev->ticket_updates, "");
    ngx_conf_merge_ptr_value(conf->ticket_keys, prev->ticket_keys, NULL);

    switch (conf->endpoint) {

    case NGX_PIMAP_EVENTS:
    case NGX_PIMAP_UPDATE:
    case NGX_PIMAP_TICKET:

        if (own && !(conf->login & NGX_PIMAP_LOGIN_TOKEN)) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"%s\" has no effect in %V:%ui without "
                          "\"pimap_login token\"", own, &conf->file,
                          conf->line);
            return NGX_ERROR;
        }

        if (ticket && conf->endpoint != NGX_PIMAP_EVENTS) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"pimap_login ticket\" has no effect in "
                          "%V:%ui without \"pimap_events\"; a ticket is "
                          "for parking only",
                          &conf->file, conf->line);
            return NGX_ERROR;
        }

        return ngx_pimap_login_conf_check(cf, conf, prev);

    case NGX_PIMAP_ACCOUNTS:
    case NGX_PIMAP_PUBLISH:
        ngx_pimap_login_conf_open(cf, conf, prev);
        return NGX_OK;

    default:
        return NGX_OK;
    }
}


/* A rule for tokens that stands in the location itself; NULL: none. */

static const char *
ngx_pimap_login_conf_own(ngx_pimap_loc_conf_t *conf)
{
    return conf->token_keys != NGX_CONF_UNSET_PTR ? "pimap_token_key"
           : conf->token_issuer.data ? "pimap_token_issuer"
           : conf->token_audience.data ? "pimap_token_audience"
           : conf->token_claim.data ? "pimap_token_claim"
           : conf->token_device_claim.data ? "pimap_token_device_claim"
           : conf->token_types_claim.data ? "pimap_token_types_claim"
           : conf->token_updates_claim.data ? "pimap_token_updates_claim"
           : NULL;
}


static ngx_int_t
ngx_pimap_login_conf_check(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    ngx_pimap_main_conf_t  *pmcf;

    if ((conf->login & NGX_PIMAP_LOGIN_TOKEN) && conf->token_keys == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"pimap_login token\" needs \"pimap_token_key\" in the "
                      "location in %V:%ui", &conf->file, conf->line);
        return NGX_ERROR;
    }

    if (conf->endpoint != NGX_PIMAP_EVENTS) {

        /* inherited together with other logins, it is ignored */

        conf->login &= ~NGX_PIMAP_LOGIN_TICKET;

        if (!(conf->login & (NGX_PIMAP_LOGIN_NGINX|NGX_PIMAP_LOGIN_TOKEN))) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"pimap_login ticket\" alone works only in "
                          "locations with \"pimap_events\", not in that in "
                          "%V:%ui", &conf->file, conf->line);
            return NGX_ERROR;
        }
    }

    if (conf->login & (NGX_PIMAP_LOGIN_TOKEN|NGX_PIMAP_LOGIN_TICKET)) {
        pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
        pmcf->tokens = 1;
    }

    ngx_pimap_login_conf_warn(cf, conf, prev);

    return NGX_OK;
}


/*
 * By default the account is the name that the client sends.  "pimap_account"
 * says that another module or server checks the password.  A "limit_except"
 * has a login of its own, or that of the location around it.
 */

static void
ngx_pimap_login_conf_warn(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    const char                *cause;
    ngx_uint_t                 logins;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    conf->login_warned = clcf->noname && prev->login_warned;

    if (conf->login_warned || conf->account.value
        || !(conf->login & NGX_PIMAP_LOGIN_NGINX))
    {
        return;
    }

    logins = ngx_pimap_login_conf_by_nginx(cf);

    if (logins == 0) {
        cause = "it has no \"auth_basic\" and no \"auth_request\"";

    } else if (clcf->satisfy == NGX_HTTP_SATISFY_ANY
               && (logins > 1 || ngx_pimap_login_conf_by_address(cf)))
    {
        cause = "\"satisfy any\" lets requests in by another rule";

    } else {
        return;
    }

    conf->login_warned = 1;

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "%slocation \"%V\" of server \"%V\" takes the account "
                  "from $remote_user without a check of the password, "
                  "because %s: any client can name any account. Add a "
                  "login, or set \"pimap_account $remote_user\" if "
                  "the password is checked elsewhere, in %V:%ui",
                  clcf->lmt_excpt ? "\"limit_except\" of " : "",
                  &clcf->name, &cscf->server_name, cause, &conf->file,
                  conf->line);
}


/* The locations of operators and of publishers. */

static void
ngx_pimap_login_conf_open(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    ngx_uint_t                 accounts;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    accounts = conf->endpoint == NGX_PIMAP_ACCOUNTS;
    conf->login_warned = clcf->noname && prev->login_warned;

    if (conf->login_warned
        || (!accounts && (conf->account.value || conf->signature_keys
                          || !ngx_pimap_conf_public(cf, cscf)))
        || ngx_pimap_login_conf_by_nginx(cf)
        || ngx_pimap_login_conf_by_address(cf))
    {
        return;
    }

    conf->login_warned = 1;

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "%slocation \"%V\" of server \"%V\" has \"%s\" and neither "
                  "\"allow\" nor a login: any client can %s, in %V:%ui",
                  clcf->lmt_excpt ? "\"limit_except\" of " : "",
                  &clcf->name, &cscf->server_name,
                  accounts ? "pimap_accounts" : "pimap_publish",
                  accounts ? "read all events and end all devices"
                           : "publish to every account",
                  &conf->file, conf->line);
}


/*
 * The number of logins.  The settings of other modules are their own.  But the
 * first word of these two is zero as long as the directive is not set: a
 * pointer to the realm, and the length of the URI.  A login module that we
 * don't know is trusted.
 */

static ngx_uint_t
ngx_pimap_login_conf_by_nginx(ngx_conf_t *cf)
{
    void                     **conf;
    ngx_uint_t                 i, n;
    ngx_module_t              *module;
    ngx_http_conf_ctx_t       *ctx;
    ngx_http_complex_value_t  *realm;

    ctx = cf->ctx;

    for (n = 0, i = 0; cf->cycle->modules[i]; i++) {

        module = cf->cycle->modules[i];

        if (module->type != NGX_HTTP_MODULE
            || ngx_strstr(module->name, "_auth_") == NULL)
        {
            continue;
        }

        conf = ctx->loc_conf[module->ctx_index];

        if (ngx_strcmp(module->name, "ngx_http_auth_basic_module") == 0) {
            realm = *conf;

            if (realm && !ngx_pimap_is(&realm->value, "off")) {
                n++;
            }

        } else if (ngx_strcmp(module->name, "ngx_http_auth_request_module")
                   != 0
                   || *conf)
        {
            n++;
        }
    }

    return n;
}


/*
 * True if there is an "allow" or "deny": this module's settings begin with its
 * lists for IPv4, IPv6 and unix sockets.
 */

static ngx_uint_t
ngx_pimap_login_conf_by_address(ngx_conf_t *cf)
{
    void                 **conf;
    ngx_uint_t             i;
    ngx_module_t          *module;
    ngx_http_conf_ctx_t   *ctx;

    ctx = cf->ctx;

    for (i = 0; cf->cycle->modules[i]; i++) {

        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_access_module") != 0) {
            continue;
        }

        conf = ctx->loc_conf[module->ctx_index];

        return conf[0] != NULL
#if (NGX_HAVE_INET6 || NGX_HAVE_UNIX_DOMAIN)
               || conf[1] != NULL
#endif
#if (NGX_HAVE_INET6 && NGX_HAVE_UNIX_DOMAIN)
               || conf[2] != NULL
#endif
               ;
    }

    return 0;
}


char *
ngx_pimap_login_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    ngx_str_t    *value, id;
    ngx_array_t  *keys;

    value = cf->args->elts;
    ngx_str_null(&id);

    if (cf->args->nelts == 3) {

        if (value[2].len < 5 || ngx_strncmp(value[2].data, "kid=", 4) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\" in "
                               "\"pimap_token_key\", must be \"kid=\" and "
                               "the id of the key", &value[2]);
            return NGX_CONF_ERROR;
        }

        id.data = value[2].data + 4;
        id.len = value[2].len - 4;
    }

    keys = ngx_pimap_login_conf_keys(cf, &plcf->token_keys);
    if (keys == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_pimap_key_file_read(cf, &value[1], &id, keys);
}


/* The first key signs; the others verify older tickets. */

char *
ngx_pimap_login_conf_ticket_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    ngx_str_t    *value;
    ngx_array_t  *keys;

    value = cf->args->elts;

    keys = ngx_pimap_login_conf_keys(cf, &plcf->ticket_keys);
    if (keys == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_pimap_key_file_read_secret(cf, &value[1], keys);
}


static ngx_array_t *
ngx_pimap_login_conf_keys(ngx_conf_t *cf, ngx_array_t **keys)
{
    if (*keys == NGX_CONF_UNSET_PTR) {
        *keys = ngx_array_create(cf->pool, 4, sizeof(ngx_pimap_key_t));
    }

    return *keys;
}


static char *
ngx_pimap_login_conf_claim(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t  *value = data;

    if (value->len == 0) {
        return "must not be empty";
    }

    return NGX_CONF_OK;
}
