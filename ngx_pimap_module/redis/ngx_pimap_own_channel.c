
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


ngx_uint_t
ngx_pimap_own_channel_slot(void)
{
    return ngx_pimap_node_slot_of_key(&ngx_pimap_own_channel_str);
}


/*
 * The worker's own channel is at the node that has its slot.  At any other
 * node it has one with a tag, which is of a slot there.
 */

void
ngx_pimap_own_channel_of_node(ngx_pimap_node_t *node)
{
    char                             tag[PIMAP_REDIS_SLOT_TAG];
    ngx_uint_t                       slot;
    ngx_pimap_node_subscriptions_t  *s;

    s = &node->subscriptions;

    slot = ngx_pimap_own_channel_slot();

    if (ngx_pimap_node_owner(slot) == node) {
        s->slot = slot;
        s->channel = ngx_pimap_own_channel_str;
        return;
    }

    if (s->channel.len && s->slot != slot
        && ngx_pimap_node_owner(s->slot) == node)
    {
        return;
    }

    for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot++) {

        if (ngx_pimap_node_owner(slot) == node) {
            (void) pimap_redis_slot_tag(slot, tag);

            s->slot = slot;
            s->channel.data = s->channel_data;
            s->channel.len =
                ngx_snprintf(s->channel_data, NGX_PIMAP_NODE_CHANNEL,
                             "%V:{%s}", &ngx_pimap_own_channel_str, tag)
                - s->channel_data;
            return;
        }
    }

    s->channel.len = 0;
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

    (void) ngx_pimap_command_send(ngx_pimap_node_slot_of_key(&channel),
                                  NULL, NULL, "%s %b !%b%b%b",
                                  ngx_pimap_command_publishes(),
                                  channel.data, channel.len,
                                  request->data, request->len,
                                  " ", (size_t) 1, text, len);
}
