
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each subscription is in one of three lists of its node: waiting to be sent,
 * sent, or confirmed.  The first two are in the order in which their accounts
 * came.  A bounded number of SUBSCRIBEs is in flight, so that a reconnect with
 * many accounts fills neither Redis' buffers nor ours.  In a cluster a command
 * has channels of one slot only.
 */


#include "ngx_pimap_subscription_line.h"

#include "pimap_redis_key.h"


#define NGX_PIMAP_SUBSCRIBER_WINDOW   1024  /* answers that are awaited */
#define NGX_PIMAP_SUBSCRIBER_BATCH    64    /* channels in one command */


static ngx_int_t ngx_pimap_subscriber_batch(ngx_pimap_node_t *node);


/* Subscribes the channel of the node's probes, unless it is there. */

ngx_int_t
ngx_pimap_subscriber_own(ngx_pimap_node_t *node)
{
    u_char                          *before;
    ngx_uint_t                       slot;
    ngx_pimap_node_subscriptions_t  *s;

    s = &node->subscriptions;

    before = s->channel.len ? s->channel.data : NULL;
    slot = s->slot;

    ngx_pimap_own_channel_of_node(node);

    if (s->channel.len && before == s->channel.data && slot == s->slot) {
        return NGX_OK;
    }

    s->listening = 0;

    if (s->channel.len == 0) {
        return NGX_OK;
    }

    s->sequence = s->asked + 1;

    if (ngx_pimap_subscriber_asks(node, s->slot, 1, 0, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_pimap_redis_send(&node->subscriber, "%s %b",
                                ngx_pimap_node_cluster() ? "SSUBSCRIBE"
                                                         : "SUBSCRIBE",
                                s->channel.data, s->channel.len);
}


/* A command is about to be sent. */

ngx_int_t
ngx_pimap_subscriber_asks(ngx_pimap_node_t *node, ngx_uint_t slot,
    ngx_uint_t n, ngx_uint_t unsubscribe, uint32_t hash)
{
    ngx_pimap_subscriber_command_t  *command;

    command = ngx_alloc(sizeof(ngx_pimap_subscriber_command_t),
                        ngx_cycle->log);
    if (command == NULL) {
        return NGX_ERROR;
    }

    command->first = node->subscriptions.asked + 1;
    command->n = n;
    command->hash = hash;
    command->slot = slot;
    command->unsubscribe = unsubscribe;

    ngx_queue_insert_tail(&node->subscriptions.commands, &command->link);
    node->subscriptions.asked += n;

    return NGX_OK;
}


/* The oldest one in flight; NULL: there is none. */

ngx_pimap_subscriber_command_t *
ngx_pimap_subscriber_command(ngx_pimap_node_t *node)
{
    ngx_queue_t  *commands;

    commands = &node->subscriptions.commands;

    return ngx_queue_empty(commands)
           ? NULL : ngx_queue_data(ngx_queue_head(commands),
                                   ngx_pimap_subscriber_command_t, link);
}


/* Answers to the oldest command, or one for all that it lacks. */

void
ngx_pimap_subscriber_answered(ngx_pimap_node_t *node, ngx_uint_t n)
{
    ngx_pimap_subscriber_command_t  *command;

    node->subscriptions.answered += n;

    command = ngx_pimap_subscriber_command(node);

    if (node->subscriptions.answered >= command->first + command->n - 1) {
        ngx_queue_remove(&command->link);
        ngx_free(command);
    }
}


ngx_pimap_subscription_t *
ngx_pimap_subscriber_move(ngx_queue_t *from, ngx_queue_t *to)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(from);

    ngx_queue_remove(q);
    ngx_queue_insert_tail(to, q);

    return ngx_queue_data(q, ngx_pimap_subscription_t, link);
}


void
ngx_pimap_subscriber_pump(ngx_pimap_node_t *node)
{
    ngx_pimap_node_subscriptions_t  *s;

    s = &node->subscriptions;

    while (node->subscriber.state == NGX_PIMAP_REDIS_UP
           && !ngx_queue_empty(&s->waiting)
           && s->asked - s->answered < NGX_PIMAP_SUBSCRIBER_WINDOW)
    {
        if (ngx_pimap_subscriber_batch(node) != NGX_OK) {
            ngx_pimap_redis_fail(&node->subscriber, "no memory");
            return;
        }
    }
}


static ngx_int_t
ngx_pimap_subscriber_batch(ngx_pimap_node_t *node)
{
    int                              n, size;
    char                            *text;
    size_t                           len[NGX_PIMAP_SUBSCRIBER_BATCH + 1];
    ngx_uint_t                       slot;
    const char                      *argv[NGX_PIMAP_SUBSCRIBER_BATCH + 1];
    ngx_pimap_subscription_t        *sub;
    ngx_pimap_node_subscriptions_t  *s;

    static u_char  channels[NGX_PIMAP_SUBSCRIBER_BATCH]
                           [NGX_PIMAP_ACCOUNT_MAX + 128];

    argv[0] = ngx_pimap_node_cluster() ? "SSUBSCRIBE" : "SUBSCRIBE";
    len[0] = ngx_strlen(argv[0]);

    s = &node->subscriptions;
    slot = 0;

    for (n = 0;
         n < NGX_PIMAP_SUBSCRIBER_BATCH && !ngx_queue_empty(&s->waiting);
         n++)
    {
        sub = ngx_queue_data(ngx_queue_head(&s->waiting),
                             ngx_pimap_subscription_t, link);

        if (n && sub->slot != slot) {
            break;
        }

        slot = sub->slot;

        (void) ngx_pimap_subscriber_move(&s->waiting, &s->sent);
        sub->sequence = ngx_pimap_subscriber_sequence(s->asked + 1 + n);

        argv[n + 1] = (char *) channels[n];
        len[n + 1] = ngx_sprintf(channels[n], PIMAP_REDIS_KEY("%V", "%V"),
                                 ngx_pimap_node_prefix(), &sub->sn.str)
                     - channels[n];
    }

    size = redisFormatCommandArgv(&text, n + 1, argv, len);

    if (size < 0) {
        return NGX_ERROR;
    }

    if (ngx_pimap_subscriber_asks(node, slot, n, 0, 0) != NGX_OK) {
        redisFreeCommand(text);
        return NGX_ERROR;
    }

    return ngx_pimap_redis_send_text(&node->subscriber, text, size);
}
