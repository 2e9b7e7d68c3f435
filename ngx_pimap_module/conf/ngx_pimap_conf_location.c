
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * nginx picks the server by the socket first.  So a device is looked up by the
 * address of its connection, then by the key.
 */


#include "ngx_pimap_conf_location.h"


/* A socket that servers listen on. */
typedef struct {
    struct sockaddr  *sockaddr;
    socklen_t         socklen;
    ngx_array_t       servers;          /* ngx_http_core_srv_conf_t * */
    ngx_uint_t        dual;             /* takes IPv4 by IPv6, too */
} ngx_pimap_conf_socket_t;


static const char *ngx_pimap_conf_location_kind(
    ngx_http_core_loc_conf_t *clcf, ngx_pimap_loc_conf_t *conf);
static ngx_int_t ngx_pimap_conf_location_key(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_str_t *text);
static ngx_int_t ngx_pimap_conf_location_sockets(ngx_conf_t *cf,
    ngx_pimap_main_conf_t *pmcf);
static ngx_int_t ngx_pimap_conf_location_socket(ngx_conf_t *cf,
    ngx_pimap_main_conf_t *pmcf, ngx_http_conf_addr_t *addr);
static ngx_pimap_conf_socket_t *ngx_pimap_conf_location_shared(
    ngx_pimap_main_conf_t *pmcf, ngx_pimap_loc_conf_t *a,
    ngx_pimap_loc_conf_t *b);
static struct sockaddr *ngx_pimap_conf_location_unmap(
    struct sockaddr *local, socklen_t *len, struct sockaddr_in *sin);
static ngx_pimap_conf_socket_t *ngx_pimap_conf_location_accepts(
    ngx_pimap_main_conf_t *pmcf, struct sockaddr *local, socklen_t len);
static ngx_uint_t ngx_pimap_conf_location_covers(
    ngx_pimap_conf_socket_t *s, struct sockaddr *local);


/* nginx is just reading the begin of the block. */

void
ngx_pimap_conf_location_begin(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    conf->file = cf->conf_file->file.name;
    conf->line = cf->conf_file->line;
    conf->location = cf->args->nelts && ngx_pimap_is(&value[0], "location");

    /* nginx keeps no record of this */

    conf->caseless = conf->location && cf->args->nelts > 1
                     && ngx_strncmp(value[1].data, "~*", 2) == 0;
}


/* "if" and "limit_except" belong to the location around them. */

ngx_int_t
ngx_pimap_conf_location_merge(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev)
{
    ngx_str_t                   name;
    const char                 *kind;
    ngx_pimap_loc_conf_t      **location;
    ngx_pimap_main_conf_t      *pmcf;
    ngx_http_core_loc_conf_t   *clcf;

    if (!conf->location) {
        conf->path = prev->path;
        conf->key = prev->key;
        conf->old_key = prev->old_key;
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    name = clcf->name;
    kind = ngx_pimap_conf_location_kind(clcf, conf);

    conf->path.data = ngx_pnalloc(cf->pool, prev->path.len + 1
                                            + ngx_strlen(kind) + name.len);
    if (conf->path.data == NULL) {
        return NGX_ERROR;
    }

    conf->path.len = ngx_sprintf(conf->path.data, "%V\n%s%V", &prev->path,
                                 kind, &name)
                     - conf->path.data;

    if (conf->endpoint != NGX_PIMAP_EVENTS
        && conf->endpoint != NGX_PIMAP_TICKET)
    {
        return NGX_OK;
    }

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
    conf->server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (conf->endpoint == NGX_PIMAP_EVENTS
        && ngx_pimap_conf_location_key(cf, conf, &name) != NGX_OK)
    {
        return NGX_ERROR;
    }

    location = ngx_array_push(conf->endpoint == NGX_PIMAP_EVENTS
                              ? &pmcf->events : &pmcf->tickets);
    if (location == NULL) {
        return NGX_ERROR;
    }

    *location = conf;

    return NGX_OK;
}


/* As it is written in the configuration; the name of a named one has "@". */

static const char *
ngx_pimap_conf_location_kind(ngx_http_core_loc_conf_t *clcf,
    ngx_pimap_loc_conf_t *conf)
{
    if (clcf->exact_match) {
        return "= ";
    }

    if (clcf->noregex) {
        return "^~ ";
    }

#if (NGX_PCRE)
    if (clcf->regex) {
        return conf->caseless ? "~* " : "~ ";
    }
#endif

    return "";
}


static ngx_int_t
ngx_pimap_conf_location_key(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_str_t *text)
{
    ngx_str_t  *server;

    server = &conf->server->server_name;

    conf->key.len = server->len + conf->path.len;
    conf->key.data = ngx_pnalloc(cf->pool, conf->key.len);
    conf->old_key.len = server->len + 1 + text->len;
    conf->old_key.data = ngx_pnalloc(cf->pool, conf->old_key.len);

    if (conf->key.data == NULL || conf->old_key.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(conf->key.data, "%V%V", server, &conf->path);
    (void) ngx_sprintf(conf->old_key.data, "%V %V", server, text);

    return NGX_OK;
}


/* All servers are known. */

ngx_int_t
ngx_pimap_conf_location_init(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf)
{
    ngx_uint_t                i, k;
    ngx_pimap_loc_conf_t    **events;
    ngx_pimap_conf_socket_t  *s;

    if (ngx_pimap_conf_location_sockets(cf, pmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    events = pmcf->events.elts;

    for (i = 0; i < pmcf->events.nelts; i++) {
        for (k = i + 1; k < pmcf->events.nelts; k++) {

            s = ngx_pimap_equal(&events[i]->key, &events[k]->key)
                ? ngx_pimap_conf_location_shared(pmcf, events[i], events[k])
                : NULL;

            if (s == NULL) {
                continue;
            }

            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "the locations with \"pimap_events\" in %V:%ui and "
                          "in %V:%ui, of the servers in %s:%ui and in %s:%ui, "
                          "have the same name, server name \"%V\" and "
                          "socket, so a reload could not tell their devices "
                          "apart; give one server another first "
                          "\"server_name\", or remove one location",
                          &events[i]->file, events[i]->line,
                          &events[k]->file, events[k]->line,
                          events[i]->server->file_name,
                          events[i]->server->line,
                          events[k]->server->file_name,
                          events[k]->server->line,
                          &events[i]->server->server_name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_conf_location_sockets(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf)
{
    ngx_uint_t                  i, k;
    ngx_http_conf_addr_t       *addrs;
    ngx_http_conf_port_t       *ports;
    ngx_http_core_main_conf_t  *cmcf;

    if (ngx_array_init(&pmcf->sockets, cf->pool, 4,
                       sizeof(ngx_pimap_conf_socket_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL || pmcf->events.nelts == 0) {
        return NGX_OK;
    }

    ports = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {

#if (nginx_version >= 1025000)

        /* a device by "quic" is never handed over */

        if (ports[i].type != SOCK_STREAM) {
            continue;
        }
#endif

        addrs = ports[i].addrs.elts;

        for (k = 0; k < ports[i].addrs.nelts; k++) {

            if (ngx_pimap_conf_location_socket(cf, pmcf, &addrs[k])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/* nginx's own lists are gone when the configuration has been read. */

static ngx_int_t
ngx_pimap_conf_location_socket(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf,
    ngx_http_conf_addr_t *addr)
{
    void                     *servers;
    ngx_uint_t                n;
    ngx_pimap_conf_socket_t  *s;

    s = ngx_array_push(&pmcf->sockets);
    if (s == NULL) {
        return NGX_ERROR;
    }

    n = addr->servers.nelts;

    s->sockaddr = addr->opt.sockaddr;
    s->socklen = addr->opt.socklen;

#if (NGX_HAVE_INET6)
    s->dual = s->sockaddr->sa_family == AF_INET6 && addr->opt.wildcard
              && !addr->opt.ipv6only;
#else
    s->dual = 0;
#endif

    if (ngx_array_init(&s->servers, cf->pool, ngx_max(n, 1),
                       sizeof(ngx_http_core_srv_conf_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    servers = ngx_array_push_n(&s->servers, n);
    ngx_memcpy(servers, addr->servers.elts,
               n * sizeof(ngx_http_core_srv_conf_t *));

    return NGX_OK;
}


/* A socket by which a client could reach both, or NULL. */

static ngx_pimap_conf_socket_t *
ngx_pimap_conf_location_shared(ngx_pimap_main_conf_t *pmcf,
    ngx_pimap_loc_conf_t *a, ngx_pimap_loc_conf_t *b)
{
    ngx_uint_t                i;
    ngx_pimap_conf_socket_t  *s;

    s = pmcf->sockets.elts;

    for (i = 0; i < pmcf->sockets.nelts; i++) {
        if (ngx_pimap_conf_serves(&s[i].servers, a->server)
            && ngx_pimap_conf_serves(&s[i].servers, b->server))
        {
            return &s[i];
        }
    }

    return NULL;
}


ngx_pimap_loc_conf_t *
ngx_pimap_conf_location_find(ngx_str_t *key, ngx_str_t *old_key,
    struct sockaddr *local, socklen_t len)
{
    ngx_uint_t                i, found;
    struct sockaddr_in        sin;
    ngx_pimap_loc_conf_t    **events, *conf;
    ngx_pimap_main_conf_t    *pmcf;
    ngx_pimap_conf_socket_t  *s;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    local = ngx_pimap_conf_location_unmap(local, &len, &sin);

    s = ngx_pimap_conf_location_accepts(pmcf, local, len);

    if (s == NULL) {
        return NULL;
    }

    conf = NULL;
    events = pmcf->events.elts;

    for (found = 0, i = 0; i < pmcf->events.nelts; i++) {

        if ((key->len ? ngx_pimap_equal(&events[i]->key, key)
                      : ngx_pimap_equal(&events[i]->old_key, old_key))
            && ngx_pimap_conf_serves(&s->servers, events[i]->server))
        {
            conf = events[i];
            found++;
        }
    }

    /* several: the key of an older worker, which has no kinds */

    return found == 1 ? conf : NULL;
}


/* An IPv4 address that came by a socket of IPv6, as itself. */

static struct sockaddr *
ngx_pimap_conf_location_unmap(struct sockaddr *local, socklen_t *len,
    struct sockaddr_in *sin)
{
#if (NGX_HAVE_INET6)

    struct sockaddr_in6  *sin6;

    sin6 = (struct sockaddr_in6 *) local;

    if (local->sa_family != AF_INET6
        || !IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr))
    {
        return local;
    }

    ngx_memzero(sin, sizeof(struct sockaddr_in));

    sin->sin_family = AF_INET;
    sin->sin_port = sin6->sin6_port;
    ngx_memcpy(&sin->sin_addr, &sin6->sin6_addr.s6_addr[12], 4);

    *len = sizeof(struct sockaddr_in);

    return (struct sockaddr *) sin;

#else
    return local;
#endif
}


/* As the kernel does, nginx prefers a socket to one of all addresses. */

static ngx_pimap_conf_socket_t *
ngx_pimap_conf_location_accepts(ngx_pimap_main_conf_t *pmcf,
    struct sockaddr *local, socklen_t len)
{
    ngx_uint_t                i;
    ngx_pimap_conf_socket_t  *s, *wildcard;

    s = pmcf->sockets.elts;
    wildcard = NULL;

    for (i = 0; i < pmcf->sockets.nelts; i++) {

        if (ngx_cmp_sockaddr(local, len, s[i].sockaddr, s[i].socklen, 1)
            == NGX_OK)
        {
            return &s[i];
        }

        if (ngx_pimap_conf_location_covers(&s[i], local)) {
            wildcard = &s[i];
        }
    }

    return wildcard;
}


static ngx_uint_t
ngx_pimap_conf_location_covers(ngx_pimap_conf_socket_t *s,
    struct sockaddr *local)
{
    if (!ngx_inet_wildcard(s->sockaddr)
        || ngx_inet_get_port(s->sockaddr) != ngx_inet_get_port(local))
    {
        return 0;
    }

    return s->sockaddr->sa_family == local->sa_family
           || (s->dual && local->sa_family == AF_INET);
}
