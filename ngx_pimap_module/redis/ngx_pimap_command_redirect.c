
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A cluster may answer that a slot is at another node, or for now at none.
 * Such a command is sent again, after a pause if the same was tried before,
 * until the time-out.  A command also waits while the node's connection is
 * made for the first time.
 */


#include "ngx_pimap_command_flight.h"

#include "pimap_redis_redirect.h"


#define NGX_PIMAP_COMMAND_PAUSE  100        /* msec */


static ngx_int_t ngx_pimap_command_ask(pimap_redis_redirect_t *redirect,
    ngx_pimap_command_t *command);
static void ngx_pimap_command_wait_handler(ngx_event_t *ev);


static ngx_queue_t  ngx_pimap_command_waiting;  /* to be sent, maybe again */
static ngx_uint_t   ngx_pimap_command_nwaiting;
static ngx_event_t  ngx_pimap_command_wait_timer;


void
ngx_pimap_command_wait_init_process(void)
{
    ngx_queue_init(&ngx_pimap_command_waiting);

    ngx_pimap_timer_init(&ngx_pimap_command_wait_timer,
                         ngx_pimap_command_wait_handler, ngx_cycle->log, 1);
}


void
ngx_pimap_command_wait_exit_process(void)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&ngx_pimap_command_waiting)) {
        q = ngx_queue_head(&ngx_pimap_command_waiting);
        ngx_queue_remove(q);

        ngx_pimap_command_free(ngx_queue_data(q, ngx_pimap_command_t, link));
    }
}


/* True if the answer is not the last one. */

ngx_uint_t
ngx_pimap_command_redirected(ngx_pimap_node_t *node,
    ngx_pimap_command_t *command, redisReply *reply)
{
    ngx_msec_t                   limit;
    ngx_uint_t                   tried;
    ngx_pimap_node_t            *owner;
    pimap_redis_redirect_t       redirect;

    if (reply->type != REDIS_REPLY_ERROR || command->text == NULL) {
        return 0;
    }

    tried = command->tried;

    switch (pimap_redis_redirect_parse(&redirect, reply->str, reply->len,
                                       node->host))
    {
    case PIMAP_REDIS_REDIRECT_MOVED:
        ngx_pimap_node_moved(redirect.slot, redirect.host, redirect.port);
        command->tried = 1;

        owner = ngx_pimap_node_owner(command->slot);

        if (!tried && owner && owner != node && !ngx_pimap_node_opens(owner)
            && ngx_pimap_command_begin(owner, command) == NGX_OK)
        {
            return 1;
        }

        break;

    case PIMAP_REDIS_REDIRECT_ASK:

        if (ngx_pimap_command_ask(&redirect, command) == NGX_OK) {
            return 1;
        }

        break;

    case PIMAP_REDIS_REDIRECT_TRYAGAIN:
        break;

    case PIMAP_REDIS_REDIRECT_DOWN:
        ngx_pimap_node_stale();
        break;

    default:
        return 0;
    }

    limit = node->commander.conf->timeout;

    if (ngx_current_msec - command->began + NGX_PIMAP_COMMAND_PAUSE > limit
        || ngx_pimap_command_nwaiting >= NGX_PIMAP_COMMAND_MAX)
    {
        return 0;
    }

    ngx_pimap_command_wait(command);

    return 1;
}


/* ASKING holds for the next command only. */

static ngx_int_t
ngx_pimap_command_ask(pimap_redis_redirect_t *redirect,
    ngx_pimap_command_t *command)
{
    ngx_pimap_node_t  *node;

    node = redirect->port ? ngx_pimap_node_get(redirect->host, redirect->port)
                          : NULL;
    if (node == NULL) {
        return NGX_ERROR;
    }

    ngx_pimap_node_command(node);

    /* without functions there, it would get an error */

    if (command->tried || ngx_pimap_node_opens(node)
        || ngx_pimap_command_send_node(node, NULL, NULL, "ASKING") != NGX_OK)
    {
        /* after a pause it begins again at the slot's node */

        command->tried = 0;
        return NGX_DECLINED;
    }

    if (ngx_pimap_command_begin(node, command) != NGX_OK) {
        return NGX_ERROR;
    }

    command->tried = 1;

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_command_may_wait(ngx_pimap_node_t *node)
{
    if (node == NULL || !ngx_pimap_node_opens(node)
        || ngx_pimap_command_nwaiting >= NGX_PIMAP_COMMAND_MAX)
    {
        return 0;
    }

    ngx_pimap_node_command(node);

    return 1;
}


void
ngx_pimap_command_wait(ngx_pimap_command_t *command)
{
    command->sent = ngx_current_msec;

    ngx_queue_insert_tail(&ngx_pimap_command_waiting, &command->link);
    ngx_pimap_command_nwaiting++;

    if (!ngx_pimap_command_wait_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_command_wait_timer, NGX_PIMAP_COMMAND_PAUSE);
    }
}


/* Handlers may add to the queue, so it is emptied first. */

void
ngx_pimap_command_resume(void)
{
    ngx_queue_t           queue, *q;
    ngx_pimap_node_t     *node;
    ngx_pimap_command_t  *command;

    ngx_queue_init(&queue);
    ngx_queue_add(&queue, &ngx_pimap_command_waiting);
    ngx_queue_init(&ngx_pimap_command_waiting);
    ngx_pimap_command_nwaiting = 0;

    while (!ngx_queue_empty(&queue)) {
        q = ngx_queue_head(&queue);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_pimap_command_t, link);
        node = ngx_pimap_node_owner(command->slot);

        if (node) {
            ngx_pimap_node_command(node);
        }

        if (node && !ngx_pimap_node_opens(node)
            && ngx_pimap_command_begin(node, command) == NGX_OK)
        {
            continue;
        }

        if (ngx_current_msec - command->began >= ngx_pimap_node_timeout()) {
            ngx_pimap_command_answer(command, NULL);
            continue;
        }

        ngx_pimap_command_wait(command);
    }
}


static void
ngx_pimap_command_wait_handler(ngx_event_t *ev)
{
    ngx_pimap_command_resume();
}
