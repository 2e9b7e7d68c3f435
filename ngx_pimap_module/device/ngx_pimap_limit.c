
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Devices are also counted by their names.  A device that is parked already
 * will be superseded, so its newer request is admitted at the limit.
 */


#include "ngx_pimap_park_request.h"
#include "ngx_pimap_spare.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_device_count.h"
#include "ngx_pimap_zone.h"


/* Kinds of keys, as bits. */
#define NGX_PIMAP_LIMIT_ACCOUNT   1
#define NGX_PIMAP_LIMIT_DEVICE    2
#define NGX_PIMAP_LIMIT_ADDRESS   4


/* The hashes that a device is counted under. */
typedef struct {
    uint64_t      account;
    uint64_t      address;
    uint64_t      device;
    ngx_uint_t    named;
} ngx_pimap_limit_keys_t;


static void ngx_pimap_limit_keys(ngx_pimap_limit_keys_t *keys,
    ngx_str_t *account, ngx_str_t *device, u_char *address);
static ngx_uint_t ngx_pimap_limit_add(ngx_pimap_limit_keys_t *keys);
static uint64_t ngx_pimap_limit_device(ngx_str_t *account,
    ngx_str_t *device);
static uint64_t ngx_pimap_limit_network(u_char *address);


/* An IPv4 address as an IPv6 one starts with it (RFC 4291, 2.5.5.2). */
static const u_char  ngx_pimap_limit_mapped[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};


ngx_int_t
ngx_pimap_limit_admit(ngx_pimap_park_request_t *request, ngx_log_t *log,
    const char **problem)
{
    ngx_uint_t              limit, known;
    ngx_pimap_limit_keys_t  keys;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    if (pmcf->max_devices && ngx_pimap_zone_devices() >= pmcf->max_devices) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "pimap: no more devices are parked: "
                      "\"pimap_max_devices\" is reached");
        return NGX_BUSY;
    }

    if (!ngx_pimap_spare_enough(log)) {
        return NGX_BUSY;
    }

    ngx_pimap_limit_keys(&keys, &request->account, &request->device,
                         request->address);

    known = request->device.len && ngx_pimap_zone_device_count(keys.device);

    if (!known) {
        limit = request->conf->max_devices_per_account;

        if (limit && ngx_pimap_zone_device_count(keys.account) >= limit) {
            *problem = "the account has too many devices parked";
            return NGX_DECLINED;
        }

        limit = request->conf->max_devices_per_ip;

        if (limit && ngx_pimap_zone_device_count(keys.address) >= limit) {
            *problem = "the address has too many devices parked";
            return NGX_DECLINED;
        }
    }

    request->counted = ngx_pimap_limit_add(&keys);

    return NGX_OK;
}


void
ngx_pimap_limit_take(ngx_pimap_park_request_t *request)
{
    ngx_pimap_limit_keys_t  keys;

    ngx_pimap_limit_keys(&keys, &request->account, &request->device,
                         request->address);
    request->counted = ngx_pimap_limit_add(&keys);
}


void
ngx_pimap_limit_release(ngx_str_t *account, ngx_str_t *device,
    u_char *address, ngx_uint_t counted)
{
    ngx_pimap_limit_keys_t  keys;

    ngx_pimap_limit_keys(&keys, account, device, address);

    if (counted & NGX_PIMAP_LIMIT_ACCOUNT) {
        ngx_pimap_zone_device_count_sub(keys.account);
    }

    if (counted & NGX_PIMAP_LIMIT_DEVICE) {
        ngx_pimap_zone_device_count_sub(keys.device);
    }

    if (counted & NGX_PIMAP_LIMIT_ADDRESS) {
        ngx_pimap_zone_device_count_sub(keys.address);
    }
}


static void
ngx_pimap_limit_keys(ngx_pimap_limit_keys_t *keys, ngx_str_t *account,
    ngx_str_t *device, u_char *address)
{
    keys->account = ngx_pimap_limit_account(account);
    keys->address = ngx_pimap_limit_network(address);
    keys->named = (device->len != 0);
    keys->device = keys->named ? ngx_pimap_limit_device(account, device) : 0;
}


/* The kinds that were counted: the zone may be full. */

static ngx_uint_t
ngx_pimap_limit_add(ngx_pimap_limit_keys_t *keys)
{
    ngx_uint_t  counted;

    counted = 0;

    if (ngx_pimap_zone_device_count_add(keys->account) == NGX_OK) {
        counted |= NGX_PIMAP_LIMIT_ACCOUNT;
    }

    if (ngx_pimap_zone_device_count_add(keys->address) == NGX_OK) {
        counted |= NGX_PIMAP_LIMIT_ADDRESS;
    }

    if (keys->named
        && ngx_pimap_zone_device_count_add(keys->device) == NGX_OK)
    {
        counted |= NGX_PIMAP_LIMIT_DEVICE;
    }

    return counted;
}


uint64_t
ngx_pimap_limit_account(ngx_str_t *account)
{
    return ngx_pimap_device_count_hash(NGX_PIMAP_LIMIT_ACCOUNT, account->data,
                                       account->len);
}


/* No name has a line feed. */

static uint64_t
ngx_pimap_limit_device(ngx_str_t *account, ngx_str_t *device)
{
    u_char  *p, key[NGX_PIMAP_ACCOUNT_MAX + 1 + NGX_PIMAP_DEVICE_MAX];

    p = ngx_cpymem(key, account->data, account->len);
    *p++ = LF;
    p = ngx_cpymem(p, device->data, device->len);

    return ngx_pimap_device_count_hash(NGX_PIMAP_LIMIT_DEVICE, key, p - key);
}


/* A client with an IPv6 address has the 2^64 addresses of its network. */

static uint64_t
ngx_pimap_limit_network(u_char *address)
{
    size_t  len;

    len = ngx_memcmp(address, ngx_pimap_limit_mapped, 12) == 0 ? 16 : 8;

    return ngx_pimap_device_count_hash(NGX_PIMAP_LIMIT_ADDRESS, address, len);
}


void
ngx_pimap_limit_address(struct sockaddr *sockaddr, u_char *address)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    ngx_memzero(address, 16);

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;
        ngx_memcpy(address, sin6->sin6_addr.s6_addr, 16);
        break;
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;
        address[10] = 0xff;
        address[11] = 0xff;
        ngx_memcpy(address + 12, &sin->sin_addr, 4);
        break;
    }
}


size_t
ngx_pimap_limit_address_text(u_char *address, u_char *text)
{
    static const u_char  none[16];

    if (ngx_memcmp(address, none, 16) == 0) {
        return ngx_cpymem(text, "unix:", 5) - text;
    }

    if (ngx_memcmp(address, ngx_pimap_limit_mapped, 12) == 0) {
        return ngx_inet_ntop(AF_INET, address + 12, text, NGX_INET_ADDRSTRLEN);
    }

#if (NGX_HAVE_INET6)
    return ngx_inet_ntop(AF_INET6, address, text, NGX_INET6_ADDRSTRLEN);
#else
    return 0;
#endif
}
