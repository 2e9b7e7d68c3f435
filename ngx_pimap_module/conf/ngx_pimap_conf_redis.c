
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * pimap_redis redis://[user[:password]@]host[:port][/db] [name=value ...];
 * pimap_redis rediss://...;
 * pimap_redis unix:/path/to/redis.sock;
 * pimap_redis sentinel://[user[:password]@]host[:port],.../master[/db] ...;
 * pimap_redis cluster://[user[:password]@]host[:port],... ...;
 */


#include "ngx_pimap_conf_redis.h"
#include "ngx_pimap_conf.h"


#define NGX_PIMAP_REDIS_MAX_PREFIX       64
#define NGX_PIMAP_REDIS_MAX_PASSWORD     4096


typedef char *(*ngx_pimap_redis_param_pt)(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);

typedef struct {
    ngx_str_t                 name;
    ngx_pimap_redis_param_pt  set;
    size_t                    offset;
} ngx_pimap_redis_param_t;


static char *ngx_pimap_conf_redis_param(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *args, ngx_uint_t i);
static char *ngx_pimap_conf_redis_unknown(ngx_conf_t *cf, ngx_uint_t i);
static char *ngx_pimap_conf_redis_str(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);
static char *ngx_pimap_conf_redis_path(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);
static char *ngx_pimap_conf_redis_msec(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);
static char *ngx_pimap_conf_redis_verify(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);
static char *ngx_pimap_conf_redis_functions(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);
static char *ngx_pimap_conf_redis_password_file(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset);
static char *ngx_pimap_conf_redis_check(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf);
static ngx_int_t ngx_pimap_conf_redis_addrs(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf);
static ngx_int_t ngx_pimap_conf_redis_sentinels(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf);
static ngx_int_t ngx_pimap_conf_redis_seeds(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf);
static ngx_int_t ngx_pimap_conf_redis_parse(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *url, ngx_url_t *u);
static ngx_int_t ngx_pimap_conf_redis_ssl(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf);
static ngx_int_t ngx_pimap_conf_redis_ssl_file(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, const char *parameter, const char *must);


#define at(member)  offsetof(ngx_pimap_conf_redis_t, member)

static ngx_pimap_redis_param_t  ngx_pimap_redis_params[] = {
    { ngx_string("user="), ngx_pimap_conf_redis_str, at(user) },
    { ngx_string("password="), ngx_pimap_conf_redis_str, at(password) },
    { ngx_string("password_file="), ngx_pimap_conf_redis_password_file, 0 },
    { ngx_string("sentinel_user="), ngx_pimap_conf_redis_str,
      at(sentinel_user) },
    { ngx_string("sentinel_password="), ngx_pimap_conf_redis_str,
      at(sentinel_password) },
    { ngx_string("db="), ngx_pimap_conf_redis_str, at(db) },
    { ngx_string("prefix="), ngx_pimap_conf_redis_str, at(prefix) },
    { ngx_string("ca="), ngx_pimap_conf_redis_path, at(ca) },
    { ngx_string("cert="), ngx_pimap_conf_redis_path, at(cert) },
    { ngx_string("key="), ngx_pimap_conf_redis_path, at(key) },
    { ngx_string("verify="), ngx_pimap_conf_redis_verify, 0 },
    { ngx_string("functions="), ngx_pimap_conf_redis_functions, 0 },
    { ngx_string("connect_timeout="), ngx_pimap_conf_redis_msec,
      at(connect_timeout) },
    { ngx_string("timeout="), ngx_pimap_conf_redis_msec, at(timeout) },
    { ngx_string("probe="), ngx_pimap_conf_redis_msec, at(probe) },
    { ngx_null_string, NULL, 0 }
};


char *
ngx_pimap_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_main_conf_t  *pmcf = conf;

    char                    *rv;
    ngx_str_t               *value;
    ngx_uint_t               i;
    ngx_pimap_conf_redis_t  *rcf;

    rcf = &pmcf->redis;

    if (rcf->set) {
        return "is duplicate";
    }

    rcf->set = 1;
    rcf->file = cf->conf_file->file.name;
    rcf->line = cf->conf_file->line;
    rcf->verify = 1;
    rcf->functions = NGX_PIMAP_FUNCTIONS_LOAD;
    rcf->connect_timeout = 2000;
    rcf->timeout = 2000;
    rcf->probe = 5000;
    ngx_str_set(&rcf->prefix, "pimap");

    value = cf->args->elts;

    rv = ngx_pimap_conf_redis_url(cf, rcf, &value[1]);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rv = ngx_pimap_conf_redis_param(cf, rcf, value, i);
        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return ngx_pimap_conf_redis_check(cf, rcf);
}


static char *
ngx_pimap_conf_redis_param(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *args, ngx_uint_t i)
{
    ngx_str_t                *arg, value;
    ngx_pimap_redis_param_t  *param;

    arg = &args[i];

    for (param = ngx_pimap_redis_params; param->name.len; param++) {

        if (arg->len > param->name.len
            && ngx_strncmp(arg->data, param->name.data, param->name.len) == 0)
        {
            value.data = arg->data + param->name.len;
            value.len = arg->len - param->name.len;

            return param->set(cf, rcf, &value, param->offset);
        }
    }

    return ngx_pimap_conf_redis_unknown(cf, i);
}


/* It is not shown, because it may be a password without its name. */

static char *
ngx_pimap_conf_redis_unknown(ngx_conf_t *cf, ngx_uint_t i)
{
    u_char                    known[256], *p, *last;
    ngx_pimap_redis_param_t  *param;

    p = known;
    last = known + sizeof(known);

    for (param = ngx_pimap_redis_params; param->name.len; param++) {
        p = ngx_slprintf(p, last, " %V", &param->name);
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"pimap_redis\" has an unknown or empty parameter, "
                       "number %ui of its values; it knows%*s",
                       i, (size_t) (p - known), known);

    return NGX_CONF_ERROR;
}


static char *
ngx_pimap_conf_redis_str(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *value, size_t offset)
{
    *(ngx_str_t *) ((char *) rcf + offset) = *value;

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_redis_path(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *value, size_t offset)
{
    ngx_str_t  *path;

    path = (ngx_str_t *) ((char *) rcf + offset);
    *path = *value;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_redis_msec(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *value, size_t offset)
{
    ngx_msec_int_t  msec;

    msec = ngx_parse_time(value, 0);

    if (msec == NGX_ERROR || msec < 100) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid time \"%V\" in \"pimap_redis\", "
                           "must be at least 100ms", value);
        return NGX_CONF_ERROR;
    }

    *(ngx_msec_t *) ((char *) rcf + offset) = msec;

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_redis_verify(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *value, size_t offset)
{
    rcf->verify = ngx_pimap_is(value, "on");

    return rcf->verify || ngx_pimap_is(value, "off")
           ? NGX_CONF_OK
           : "has an invalid \"verify\", must be \"on\" or \"off\"";
}


static char *
ngx_pimap_conf_redis_functions(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *value, size_t offset)
{
    ngx_uint_t  i;

    static const char  *names[] = { "off", "use", "load" };

    for (i = NGX_PIMAP_FUNCTIONS_OFF; i <= NGX_PIMAP_FUNCTIONS_LOAD; i++) {

        if (ngx_strcmp(value->data, names[i]) == 0) {
            rcf->functions = i;
            return NGX_CONF_OK;
        }
    }

    return "has invalid \"functions\", must be \"load\", \"use\" or \"off\"";
}


static char *
ngx_pimap_conf_redis_password_file(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, ngx_str_t *value, size_t offset)
{
    ssize_t     n;
    ngx_str_t  *password;

    password = &rcf->password;

    n = ngx_pimap_conf_file(cf, value, password, NGX_PIMAP_REDIS_MAX_PASSWORD);

    while (n > 0 && (password->data[n - 1] == LF
                     || password->data[n - 1] == CR))
    {
        n--;
    }

    if (n <= 0 || n == NGX_PIMAP_REDIS_MAX_PASSWORD) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no password could be read from \"%V\", must be up "
                           "to %d bytes on the first line", value,
                           NGX_PIMAP_REDIS_MAX_PASSWORD - 1);
        return NGX_CONF_ERROR;
    }

    password->len = n;

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_redis_check(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf)
{
    size_t  i;

    if (rcf->db.len && ngx_atoi(rcf->db.data, rcf->db.len) == NGX_ERROR) {
        return "has an invalid database, must be a number";
    }

    if (rcf->db.len && rcf->seeds.nelts) {
        return "has a database, but a cluster has only database 0";
    }

    if (rcf->prefix.len > NGX_PIMAP_REDIS_MAX_PREFIX) {
        return "has a too long \"prefix\", must be up to 64 characters";
    }

    for (i = 0; i < rcf->prefix.len; i++) {

        /* the braces of P:{A} have to be the first ones of a key */

        if (rcf->prefix.data[i] <= ' ' || rcf->prefix.data[i] >= 0x7f
            || rcf->prefix.data[i] == '{' || rcf->prefix.data[i] == '}')
        {
            return "has an invalid \"prefix\", must be ASCII without spaces "
                   "and braces";
        }
    }

    if (rcf->user.len && rcf->password.len == 0) {
        return "has a user but no password, set \"password=\" or "
               "\"password_file=\"";
    }

    if (rcf->cert.len && rcf->key.len == 0) {
        return "has \"cert\" without \"key\", set \"key=\", too";
    }

    if (!rcf->tls && (rcf->ca.len || rcf->cert.len || rcf->key.len)) {
        return "has TLS parameters, but is not rediss://";
    }

    if (rcf->sentinel_user.len && rcf->sentinel_password.len == 0) {
        return "has a sentinel user but no sentinel password, set "
               "\"sentinel_password=\"";
    }

    if (rcf->sentinel_password.len && rcf->master.len == 0) {
        return "has a login for sentinels, but is not sentinel://";
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_pimap_conf_redis_init(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* without "resolver" nginx sets one that has no servers */

    if (clcf->resolver && clcf->resolver->connections.nelts) {
        rcf->resolver = clcf->resolver;
    }

    rcf->resolver_timeout = clcf->resolver_timeout == NGX_CONF_UNSET_MSEC
                            ? 30000 : clcf->resolver_timeout;

    if ((rcf->seeds.nelts ? ngx_pimap_conf_redis_seeds(cf, rcf)
         : rcf->master.len ? ngx_pimap_conf_redis_sentinels(cf, rcf)
                           : ngx_pimap_conf_redis_addrs(cf, rcf))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rcf->tls ? ngx_pimap_conf_redis_ssl(cf, rcf) : NGX_OK;
}


static ngx_int_t
ngx_pimap_conf_redis_addrs(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf)
{
    ngx_url_t  u;

    if (ngx_pimap_conf_redis_parse(cf, rcf, rcf->host.len ? &rcf->host
                                                          : &rcf->name, &u)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* a name without addresses is left to the resolver */

    rcf->addrs = u.naddrs ? u.addrs : NULL;
    rcf->naddrs = u.naddrs;

    if (rcf->host.len) {
        rcf->host = u.host;
    }

    return NGX_OK;
}


/* All addresses of all sentinels; names are looked up now. */

static ngx_int_t
ngx_pimap_conf_redis_sentinels(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf)
{
    ngx_url_t     u;
    ngx_str_t    *sentinel;
    ngx_uint_t    i;
    ngx_addr_t   *addr;
    ngx_array_t   addrs;

    if (ngx_array_init(&addrs, cf->pool, 3, sizeof(ngx_addr_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    sentinel = rcf->sentinels.elts;

    for (i = 0; i < rcf->sentinels.nelts; i++) {

        if (ngx_pimap_conf_redis_parse(cf, rcf, &sentinel[i], &u) != NGX_OK) {
            return NGX_ERROR;
        }

        addr = ngx_array_push_n(&addrs, u.naddrs);
        if (addr == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(addr, u.addrs, u.naddrs * sizeof(ngx_addr_t));
    }

    rcf->addrs = addrs.elts;
    rcf->naddrs = addrs.nelts;

    return NGX_OK;
}


/* Some nodes of the cluster; it tells the others. */

static ngx_int_t
ngx_pimap_conf_redis_seeds(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf)
{
    ngx_url_t                  u;
    ngx_uint_t                 i;
    ngx_pimap_redis_server_t  *seed;

    seed = rcf->seeds.elts;

    for (i = 0; i < rcf->seeds.nelts; i++) {

        if (ngx_pimap_conf_redis_parse(cf, rcf, &seed[i].name, &u) != NGX_OK) {
            return NGX_ERROR;
        }

        seed[i].addrs = u.naddrs ? u.addrs : NULL;
        seed[i].naddrs = u.naddrs;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_conf_redis_parse(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *url, ngx_url_t *u)
{
    ngx_memzero(u, sizeof(ngx_url_t));

    u->url = *url;
    u->default_port = rcf->port;
    u->no_resolve = (rcf->master.len == 0 && rcf->resolver) ? 1 : 0;

    if (ngx_parse_url(cf->pool, u) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "%s in \"pimap_redis\" %V in %V:%ui%s",
                      u->err ? u->err : "invalid address", &rcf->name,
                      &rcf->file, rcf->line,
                      u->err && ngx_strcmp(u->err, "host not found") == 0
                      ? ", check the name; with \"resolver\" in \"http\" it "
                        "is looked up at each connect" : "");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_conf_redis_ssl(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    ssl->log = cf->log;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (rcf->cert.len
        && ngx_ssl_certificate(cf, ssl, &rcf->cert, &rcf->key, NULL)
           != NGX_OK)
    {
        return ngx_pimap_conf_redis_ssl_file(cf, rcf, "cert=\" or \"key=",
                                             "a certificate and its key");
    }

    if (rcf->ca.len) {
        if (ngx_ssl_trusted_certificate(cf, ssl, &rcf->ca, 5) != NGX_OK) {
            return ngx_pimap_conf_redis_ssl_file(cf, rcf, "ca=",
                                                 "certificates");
        }

    } else if (SSL_CTX_set_default_verify_paths(ssl->ctx) != 1) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "SSL_CTX_set_default_verify_paths() failed");
        return NGX_ERROR;
    }

    /* OpenSSL's own check: nginx's callback above accepts everything */

    SSL_CTX_set_verify(ssl->ctx,
                       rcf->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);

    rcf->ssl = ssl;

    return NGX_OK;
}


/* nginx's own line before it names the file only. */

static ngx_int_t
ngx_pimap_conf_redis_ssl_file(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    const char *parameter, const char *must)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"pimap_redis\" in %V:%ui can't use the file of \"%s\", "
                  "it must have %s in PEM", &rcf->file, rcf->line, parameter,
                  must);

    return NGX_ERROR;
}
