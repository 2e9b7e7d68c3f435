
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The numbers of the two descriptors are in the environment: for the binary
 * that is executed by an upgrade, and for a copy of this module that is loaded
 * anew.  A process that was given them by somebody else looks what they are.
 */


#include "ngx_pimap_rendezvous.h"
#include "ngx_pimap_talk.h"


#define NGX_PIMAP_RENDEZVOUS_VAR   "NGX_PIMAP_RENDEZVOUS"


static ngx_int_t ngx_pimap_rendezvous_inherit(void);
static ngx_uint_t ngx_pimap_rendezvous_valid(ngx_socket_t s);
static ngx_int_t ngx_pimap_rendezvous_bequeath(ngx_cycle_t *cycle);


static ngx_socket_t  ngx_pimap_rendezvous[2] = { -1, -1 };
static uint64_t      ngx_pimap_rendezvous_number;


ngx_int_t
ngx_pimap_rendezvous_init_module(ngx_cycle_t *cycle)
{
    struct timespec   now;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ngx_test_config || !ccf->master) {
        return NGX_OK;
    }

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    ngx_pimap_rendezvous_number = (uint64_t) now.tv_sec * 1000000000
                                  + now.tv_nsec;

    if (ngx_pimap_rendezvous[0] == -1
        && ngx_pimap_rendezvous_inherit() != NGX_OK
        && ngx_pimap_talk_pair(ngx_pimap_rendezvous, 1, cycle->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_rendezvous_bequeath(cycle);
}


static ngx_int_t
ngx_pimap_rendezvous_inherit(void)
{
    int   s[2];
    char  end, *value;

    value = getenv(NGX_PIMAP_RENDEZVOUS_VAR);

    if (value == NULL || sscanf(value, "%d:%d%c", &s[0], &s[1], &end) != 2
        || !ngx_pimap_rendezvous_valid(s[0])
        || !ngx_pimap_rendezvous_valid(s[1]))
    {
        return NGX_DECLINED;
    }

    ngx_pimap_rendezvous[0] = s[0];
    ngx_pimap_rendezvous[1] = s[1];

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_rendezvous_valid(ngx_socket_t s)
{
    int        domain, type;
    socklen_t  len;

    len = sizeof(int);

    if (s <= 2 || getsockopt(s, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1
        || domain != AF_UNIX)
    {
        return 0;
    }

    len = sizeof(int);

    return getsockopt(s, SOL_SOCKET, SO_TYPE, &type, &len) == 0
           && type == SOCK_SEQPACKET;
}


/* nginx gives the next binary what "env" directives name, and nothing else. */

static ngx_int_t
ngx_pimap_rendezvous_bequeath(ngx_cycle_t *cycle)
{
    ngx_str_t        *variable;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    variable = ngx_array_push(&ccf->env);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    variable->data = ngx_pnalloc(cycle->pool,
                                 sizeof(NGX_PIMAP_RENDEZVOUS_VAR "=:")
                                 + 2 * NGX_INT_T_LEN);
    if (variable->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(variable->data, NGX_PIMAP_RENDEZVOUS_VAR "=%d:%d%Z",
                       ngx_pimap_rendezvous[0], ngx_pimap_rendezvous[1]);

    /* of the name only: nginx looks for the "=" behind it */

    variable->len = sizeof(NGX_PIMAP_RENDEZVOUS_VAR) - 1;

    if (setenv(NGX_PIMAP_RENDEZVOUS_VAR,
               (char *) variable->data + variable->len + 1, 1)
        == -1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


uint64_t
ngx_pimap_rendezvous_generation(void)
{
    return ngx_pimap_rendezvous_number;
}


ngx_socket_t
ngx_pimap_rendezvous_writer(void)
{
    return ngx_pimap_rendezvous[0];
}


ngx_socket_t
ngx_pimap_rendezvous_reader(void)
{
    return ngx_pimap_rendezvous[1];
}
