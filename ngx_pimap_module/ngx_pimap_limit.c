
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Devices are also counted by their own names: one that is parked somewhere
 * already will be superseded, so the newer request is let in at the limit.
 */


#include "ngx_pimap_limit.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_tally.h"
#include "ngx_pimap_zone.h"


/* Kinds of keys. */
#define NGX_PIMAP_LIMIT_ACCOUNT   1
#define NGX_PIMAP_LIMIT_DEVICE    2


static uint64_t ngx_pimap_limit_device(ngx_str_t *account,
    ngx_str_t *device);


ngx_int_t
ngx_pimap_limit_admit(ngx_pimap_parking_t *parking)
{
    uint64_t                account, device;
    ngx_uint_t              limit;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    if (pmcf->max_devices && ngx_pimap_zone_devices() >= pmcf->max_devices) {
        return NGX_BUSY;
    }

    account = ngx_pimap_tally_hash(NGX_PIMAP_LIMIT_ACCOUNT,
                                   parking->account.data,
                                   parking->account.len);

    device = ngx_pimap_limit_device(&parking->account, &parking->device);
    limit = parking->conf->max_devices_per_account;

    if (limit && ngx_pimap_zone_tally(account) >= limit
        && (parking->device.len == 0 || ngx_pimap_zone_tally(device) == 0))
    {
        return NGX_DECLINED;
    }

    ngx_pimap_zone_tally_add(account);

    if (parking->device.len) {
        ngx_pimap_zone_tally_add(device);
    }

    return NGX_OK;
}


void
ngx_pimap_limit_release(ngx_str_t *account, ngx_str_t *device)
{
    ngx_pimap_zone_tally_sub(ngx_pimap_tally_hash(NGX_PIMAP_LIMIT_ACCOUNT,
                                                  account->data,
                                                  account->len));

    if (device->len) {
        ngx_pimap_zone_tally_sub(ngx_pimap_limit_device(account, device));
    }
}


/* Neither of them may have a line feed in it. */

static uint64_t
ngx_pimap_limit_device(ngx_str_t *account, ngx_str_t *device)
{
    u_char  *p, key[NGX_PIMAP_ACCOUNT_MAX + 1 + NGX_PIMAP_DEVICE_MAX];

    p = ngx_cpymem(key, account->data, account->len);
    *p++ = LF;
    p = ngx_cpymem(p, device->data, device->len);

    return ngx_pimap_tally_hash(NGX_PIMAP_LIMIT_DEVICE, key, p - key);
}
