
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Redis answers SUBSCRIBE and UNSUBSCRIBE in order.  A subscription is
 * confirmed when the number of answers is the number that it had when it was
 * sent.  So a late answer for an earlier account of the same name is not
 * mistaken for its own.
 *
 * In a cluster the answer to a command may be one error for all its channels.
 * A node unsubscribes channels by itself when their slot leaves it.  Both lead
 * to the slot's other node, after a pause; if none is known, after the
 * topology.
 */


#include "ngx_pimap_subscription_line.h"
#include "ngx_pimap_zone.h"

#include "pimap_redis_key.h"
#include "pimap_redis_redirect.h"


static void ngx_pimap_subscriber_relocate(ngx_pimap_account_t *account);
static void ngx_pimap_subscriber_error(ngx_pimap_node_t *node,
    redisReply *reply);
static void ngx_pimap_subscriber_refused(ngx_pimap_node_t *node,
    ngx_pimap_subscriber_command_t *command);
static ngx_int_t ngx_pimap_subscriber_answer(ngx_pimap_node_t *node,
    const char *kind, redisReply *channel, ngx_str_t *name);
static ngx_int_t ngx_pimap_subscriber_unsubscribed(ngx_pimap_node_t *node,
    redisReply *channel, ngx_str_t *name);
static void ngx_pimap_subscriber_left(ngx_pimap_node_t *node,
    redisReply *channel, ngx_str_t *name);
static void ngx_pimap_subscriber_confirmed(ngx_pimap_node_t *node,
    ngx_str_t *name);


static const ngx_pimap_subscriber_callbacks_t  *ngx_pimap_subscriber_callbacks;

static pimap_redis_slot_set_t  *ngx_pimap_subscriber_slots; /* have moved */


#define ngx_pimap_subscriber_is_up(node)                                      \
    ((node)->subscriber.state == NGX_PIMAP_REDIS_UP)


void
ngx_pimap_subscriber_init_process(
    const ngx_pimap_subscriber_callbacks_t *callbacks)
{
    ngx_pimap_subscriber_place_init_process();

    ngx_pimap_subscriber_callbacks = callbacks;
}


void
ngx_pimap_subscriber_created(ngx_pimap_node_t *node)
{
    ngx_queue_init(&node->subscriptions.waiting);
    ngx_queue_init(&node->subscriptions.sent);
    ngx_queue_init(&node->subscriptions.subscribed);
    ngx_queue_init(&node->subscriptions.commands);
}


void
ngx_pimap_subscriber_destroyed(ngx_pimap_node_t *node)
{
    ngx_pimap_subscriber_command_t  *command;

    while ((command = ngx_pimap_subscriber_command(node)) != NULL) {
        ngx_queue_remove(&command->link);
        ngx_free(command);
    }
}


void
ngx_pimap_subscriber_renew(ngx_pimap_node_t *node, const char *why)
{
    if (ngx_pimap_subscriber_is_up(node)) {
        ngx_pimap_redis_fail(&node->subscriber, why);
    }
}


ngx_uint_t
ngx_pimap_subscriber_listening(ngx_uint_t slot)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_owner(slot);

    return node && ngx_pimap_redis_ready(&node->subscriber)
           && node->subscriptions.listening;
}


void
ngx_pimap_subscriber_up(ngx_pimap_redis_t *redis)
{
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_of_subscriber(redis);

    node->subscriptions.asked = 0;
    node->subscriptions.answered = 0;
    node->subscriptions.channel.len = 0;

    if (ngx_pimap_subscriber_own(node) != NGX_OK) {
        ngx_pimap_redis_fail(redis, "no memory");
        return;
    }

    ngx_pimap_subscriber_callbacks->up(node);
    ngx_pimap_subscriber_pump(node);
}


void
ngx_pimap_subscriber_down(ngx_pimap_redis_t *redis)
{
    ngx_queue_t                     *line;
    ngx_pimap_node_t                *node;
    ngx_pimap_subscription_t        *sub;
    ngx_pimap_node_subscriptions_t  *s;

    node = ngx_pimap_node_of_subscriber(redis);
    s = &node->subscriptions;

    ngx_pimap_subscriber_destroyed(node);

    s->channel.len = 0;
    s->listening = 0;

    line = &s->sent;

    while (!ngx_queue_empty(&s->waiting)) {
        (void) ngx_pimap_subscriber_move(&s->waiting, line);
    }

    while (!ngx_queue_empty(&s->subscribed)) {
        sub = ngx_pimap_subscriber_move(&s->subscribed, line);
        ngx_pimap_subscriber_lose(sub);
    }

    while (!ngx_queue_empty(line)) {
        sub = ngx_queue_data(ngx_queue_head(line), ngx_pimap_subscription_t,
                             link);
        ngx_queue_remove(&sub->link);
        ngx_pimap_subscriber_place(sub);
    }

    ngx_pimap_subscriber_callbacks->down(node);
}


void
ngx_pimap_subscriber_add(ngx_pimap_subscription_t *sub)
{
    ngx_pimap_node_t  *node;

    sub->slot = ngx_pimap_node_slot(&sub->sn.str);

    ngx_pimap_subscription_insert(sub);
    ngx_pimap_subscriber_begin(sub);

    node = ngx_pimap_node_owner(sub->slot);

    if (node) {
        ngx_pimap_subscriber_pump(node);
    }
}


/* These slots have another node, or none. */

void
ngx_pimap_subscriber_moved(pimap_redis_slot_set_t *slots)
{
    ngx_pimap_node_t  *node;

    ngx_pimap_subscriber_slots = slots;
    ngx_pimap_subscription_each(ngx_pimap_subscriber_relocate);

    /* answers of other workers come by the own channel */

    node = ngx_pimap_node_owner(ngx_pimap_own_channel_slot());

    if (node) {
        ngx_pimap_node_listen(node);
    }

    for (node = ngx_pimap_node_first();
         node;
         node = ngx_pimap_node_next(node))
    {
        if (!ngx_pimap_redis_ready(&node->subscriber)) {
            continue;
        }

        if (ngx_pimap_subscriber_own(node) != NGX_OK) {
            ngx_pimap_redis_fail(&node->subscriber, "no memory");
            continue;
        }

        if (!node->subscriptions.listening) {
            ngx_pimap_subscriber_callbacks->up(node);
        }

        ngx_pimap_subscriber_pump(node);
    }
}


static void
ngx_pimap_subscriber_relocate(ngx_pimap_account_t *account)
{
    ngx_pimap_subscription_t  *sub;

    sub = (ngx_pimap_subscription_t *) account;

    if (!pimap_redis_slot_set_has(ngx_pimap_subscriber_slots, sub->slot)) {
        return;
    }

    ngx_queue_remove(&sub->link);
    ngx_pimap_subscriber_lose(sub);
    ngx_pimap_subscriber_place(sub);

    ngx_pimap_subscriber_callbacks->gone(account);
}


void
ngx_pimap_subscriber_remove(ngx_pimap_subscription_t *sub)
{
    ngx_str_t         *prefix;
    ngx_pimap_node_t  *node;

    ngx_queue_remove(&sub->link);
    ngx_pimap_subscription_delete(sub);

    if (sub->subscribed) {
        ngx_pimap_uncount(redis_subscribed);
    }

    node = ngx_pimap_node_owner(sub->slot);

    if (sub->sequence == 0 || node == NULL
        || !ngx_pimap_subscriber_is_up(node))
    {
        return;
    }

    prefix = ngx_pimap_node_prefix();

    /* out of the tree, a node has lost its key */

    if (ngx_pimap_subscriber_asks(node, sub->slot, 1, 1,
                                  ngx_murmur_hash2(sub->sn.str.data,
                                                   sub->sn.str.len))
        != NGX_OK
        || ngx_pimap_redis_send(&node->subscriber,
                                "%s " PIMAP_REDIS_KEY("%b", "%b"),
                                ngx_pimap_node_cluster() ? "SUNSUBSCRIBE"
                                                         : "UNSUBSCRIBE",
                                prefix->data, prefix->len,
                                sub->sn.str.data, sub->sn.str.len)
           != NGX_OK)
    {
        ngx_pimap_redis_fail(&node->subscriber, "no memory");
        return;
    }

    ngx_pimap_presence_detached(sub);
}


/* "subscribe" channel n, "unsubscribe" channel n, "message" channel payload */

void
ngx_pimap_subscriber_reply(ngx_pimap_redis_t *redis, redisReply *reply)
{
    ngx_str_t          name;
    redisReply        *channel, *payload;
    const char        *kind;
    ngx_pimap_node_t  *node;

    node = ngx_pimap_node_of_subscriber(redis);

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_subscriber_error(node, reply);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        goto unexpected;
    }

    /* in a cluster it is "ssubscribe", and so on */

    kind = reply->element[0]->str;
    kind += (ngx_pimap_node_cluster() && *kind == 's');
    channel = reply->element[1];
    payload = reply->element[2];

    ngx_pimap_node_account(channel, &name);

    if (ngx_strcmp(kind, "message") != 0) {

        if (ngx_pimap_subscriber_answer(node, kind, channel, &name)
            != NGX_OK)
        {
            goto unexpected;
        }

        return;
    }

    if (payload->type != REDIS_REPLY_STRING) {
        goto unexpected;
    }

    if (name.len) {
        ngx_pimap_subscriber_callbacks->message(&name, payload->str,
                                                payload->len);
    } else {
        ngx_pimap_subscriber_callbacks->own(node, (u_char *) payload->str,
                                            payload->len);
    }

    return;

unexpected:

    ngx_pimap_redis_fail(redis, "unexpected reply");
}


/* The memory of its account is asked for while another one is handled. */

void
ngx_pimap_subscriber_ahead(ngx_pimap_redis_t *redis, redisReply *reply)
{
    ngx_str_t  name;

    if (reply->element[1]->type == REDIS_REPLY_STRING) {
        ngx_pimap_node_account(reply->element[1], &name);

        if (name.len) {
            ngx_pimap_subscription_ahead(&name);
        }
    }
}


/* NGX_ERROR: it answers nothing. */

static ngx_int_t
ngx_pimap_subscriber_answer(ngx_pimap_node_t *node, const char *kind,
    redisReply *channel, ngx_str_t *name)
{
    if (ngx_strcmp(kind, "unsubscribe") == 0) {

        if (ngx_pimap_subscriber_unsubscribed(node, channel, name) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {

        if (ngx_strcmp(kind, "subscribe") != 0
            || ngx_pimap_subscriber_command(node) == NULL)
        {
            return NGX_ERROR;
        }

        ngx_pimap_subscriber_answered(node, 1);
        ngx_pimap_subscriber_confirmed(node, name);
    }

    ngx_pimap_subscriber_pump(node);

    return NGX_OK;
}


/*
 * An error of a cluster is for all channels that the oldest command lacks, if
 * that is of the error's slot.  Else it is for an UNSUBSCRIBE of a channel
 * that the node has unsubscribed by itself, which was taken for the answer.
 */

static void
ngx_pimap_subscriber_error(ngx_pimap_node_t *node, redisReply *reply)
{
    pimap_redis_redirect_t           redirect;
    pimap_redis_redirect_type_t      type;
    ngx_pimap_subscriber_command_t  *command;

    type = ngx_pimap_node_cluster()
           ? pimap_redis_redirect_parse(&redirect, reply->str, reply->len,
                                        node->host)
           : PIMAP_REDIS_REDIRECT_NONE;

    if (type == PIMAP_REDIS_REDIRECT_NONE
        || type == PIMAP_REDIS_REDIRECT_CROSSSLOT)
    {
        ngx_pimap_redis_fail(&node->subscriber, reply->str);
        return;
    }

    if (type == PIMAP_REDIS_REDIRECT_MOVED) {
        ngx_pimap_node_moved(redirect.slot, redirect.host, redirect.port);

    } else {
        ngx_pimap_node_stale();
    }

    command = ngx_pimap_subscriber_command(node);

    if ((type == PIMAP_REDIS_REDIRECT_MOVED
         || type == PIMAP_REDIS_REDIRECT_ASK)
        && (command == NULL || command->slot != redirect.slot))
    {
        return;
    }

    if (command == NULL) {
        ngx_pimap_redis_fail(&node->subscriber, "unexpected reply");
        return;
    }

    ngx_pimap_subscriber_refused(node, command);
    ngx_pimap_subscriber_pump(node);
}


static void
ngx_pimap_subscriber_refused(ngx_pimap_node_t *node,
    ngx_pimap_subscriber_command_t *command)
{
    uint64_t                         n, next;
    ngx_pimap_subscription_t        *sub;
    ngx_pimap_node_subscriptions_t  *s;

    s = &node->subscriptions;
    next = s->answered + 1;
    n = command->first + command->n - next;

    if (!command->unsubscribe && s->sequence >= next
        && s->sequence < next + n)
    {
        /* after the pause it is chosen again, or another one */

        s->channel.len = 0;
        ngx_pimap_subscriber_pause();
    }

    while (!command->unsubscribe && !ngx_queue_empty(&s->sent)) {
        sub = ngx_queue_data(ngx_queue_head(&s->sent),
                             ngx_pimap_subscription_t, link);

        if ((sub->sequence - ngx_pimap_subscriber_sequence(next)
             + NGX_PIMAP_SUBSCRIBER_SEQUENCE)
            % NGX_PIMAP_SUBSCRIBER_SEQUENCE
            >= n)
        {
            break;
        }

        ngx_pimap_subscriber_later(sub);
    }

    ngx_pimap_subscriber_answered(node, n);
}


/* NGX_ERROR: nothing was to be unsubscribed. */

static ngx_int_t
ngx_pimap_subscriber_unsubscribed(ngx_pimap_node_t *node, redisReply *channel,
    ngx_str_t *name)
{
    ngx_pimap_subscriber_command_t  *command;

    command = ngx_pimap_subscriber_command(node);

    if (!ngx_pimap_node_cluster()) {

        if (command == NULL) {
            return NGX_ERROR;
        }

        ngx_pimap_subscriber_answered(node, 1);

    } else if (command && command->unsubscribe && name->len
               && command->hash == ngx_murmur_hash2(name->data, name->len))
    {
        ngx_pimap_subscriber_answered(node, 1);

    } else {
        ngx_pimap_subscriber_left(node, channel, name);
    }

    return NGX_OK;
}


/* The channel's slot has left the node. */

static void
ngx_pimap_subscriber_left(ngx_pimap_node_t *node, redisReply *channel,
    ngx_str_t *name)
{
    ngx_str_t                 *own;
    ngx_pimap_subscription_t  *sub;

    ngx_pimap_node_stale();

    if (name->len == 0) {
        own = &node->subscriptions.channel;

        if ((size_t) channel->len == own->len
            && ngx_memcmp(channel->str, own->data, own->len) == 0)
        {
            own->len = 0;
            node->subscriptions.listening = 0;
            ngx_pimap_subscriber_callbacks->up(node);
            ngx_pimap_subscriber_pause();
        }

        return;
    }

    sub = (ngx_pimap_subscription_t *) ngx_pimap_subscription_find(name);

    if (sub && sub->subscribed && ngx_pimap_node_owner(sub->slot) == node) {
        ngx_pimap_subscriber_lose(sub);
        ngx_pimap_subscriber_later(sub);
        ngx_pimap_subscriber_callbacks->gone((ngx_pimap_account_t *) sub);
    }
}


static void
ngx_pimap_subscriber_confirmed(ngx_pimap_node_t *node, ngx_str_t *name)
{
    ngx_pimap_account_t               *account;
    ngx_pimap_subscription_t          *sub;
    ngx_pimap_node_subscriptions_t    *s;
    const ngx_pimap_subscriber_row_t  *row;

    s = &node->subscriptions;

    if (name->len == 0) {

        if (s->channel.len && s->sequence == s->answered) {
            s->listening = 1;
            ngx_pimap_subscriber_callbacks->up(node);
        }

        return;
    }

    account = ngx_pimap_subscription_find(name);
    sub = (ngx_pimap_subscription_t *) account;

    if (sub == NULL
        || sub->sequence != ngx_pimap_subscriber_sequence(s->answered)
        || sub->subscribed || ngx_pimap_node_owner(sub->slot) != node)
    {
        return;
    }

    ngx_queue_remove(&sub->link);
    ngx_queue_insert_tail(&s->subscribed, &sub->link);

    sub->subscribed = 1;
    ngx_pimap_count(redis_subscribed);

    ngx_pimap_presence_attached(sub);

    for (row = ngx_pimap_subscriber_callbacks->subscribed;
         row->handler;
         row++)
    {
        ngx_log_debug2(NGX_LOG_DEBUG_HTTP, ngx_cycle->log, 0,
                       "pimap subscribed: account:\"%V\" calls:%s",
                       name, row->name);

        row->handler(account);
    }
}
