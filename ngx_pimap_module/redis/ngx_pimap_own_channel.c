
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the channel of this worker, P:probe:<id>.  Called by the room's client,
 * the probe, and by files that answer another worker.  Invariant: no other
 * worker, on any host, has the same id.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_command.h"

#include <openssl/rand.h>


#define NGX_PIMAP_OWN_CHANNEL  "%V:probe:%V"


static u_char     ngx_pimap_own_channel_digits[NGX_PIMAP_HEX_LEN];
static u_char     ngx_pimap_own_channel_name[128];
static ngx_str_t  ngx_pimap_own_channel_str;
static ngx_str_t  ngx_pimap_own_channel_id_str;


ngx_int_t
ngx_pimap_own_channel_init_process(ngx_pimap_conf_redis_t *conf)
{
    uint64_t  id;

    if (RAND_bytes((u_char *) &id, sizeof(uint64_t)) != 1) {
        return NGX_ERROR;
    }

    ngx_pimap_own_channel_id_str.data = ngx_pimap_own_channel_digits;
    ngx_pimap_own_channel_id_str.len =
        ngx_snprintf(ngx_pimap_own_channel_digits, NGX_PIMAP_HEX_LEN,
                     "%016xL", id)
        - ngx_pimap_own_channel_digits;

    ngx_pimap_own_channel_str.data = ngx_pimap_own_channel_name;
    ngx_pimap_own_channel_str.len =
        ngx_snprintf(ngx_pimap_own_channel_name,
                     sizeof(ngx_pimap_own_channel_name),
                     NGX_PIMAP_OWN_CHANNEL, &conf->prefix,
                     &ngx_pimap_own_channel_id_str)
        - ngx_pimap_own_channel_name;

    return NGX_OK;
}


ngx_str_t *
ngx_pimap_own_channel(void)
{
    return &ngx_pimap_own_channel_str;
}


ngx_str_t *
ngx_pimap_own_channel_id(void)
{
    return &ngx_pimap_own_channel_id_str;
}


void
ngx_pimap_own_channel_answer(ngx_str_t *id, ngx_str_t *request,
    const char *text, size_t len)
{
    u_char     buf[128];
    ngx_str_t  channel;

    channel.data = buf;
    channel.len = ngx_snprintf(buf, sizeof(buf), NGX_PIMAP_OWN_CHANNEL,
                               ngx_pimap_command_prefix(), id)
                  - buf;

    (void) ngx_pimap_command_send(NULL, NULL, "PUBLISH %b !%b%b%b",
                                  channel.data, channel.len,
                                  request->data, request->len,
                                  " ", (size_t) 1, text, len);
}
