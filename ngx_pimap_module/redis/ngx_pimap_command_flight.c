
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the records of commands, and sends them to a node.  Called by the files
 * of commands.  Invariant: a record is in one queue at a time.
 */


#include "ngx_pimap_command_flight.h"


ngx_int_t
ngx_pimap_command_send_node(ngx_pimap_node_t *node,
    ngx_pimap_command_pt handler, void *data, const char *format, ...)
{
    int                   len;
    char                 *text;
    va_list               args;
    ngx_pimap_command_t  *command;

    va_start(args, format);
    len = redisvFormatCommand(&text, format, args);
    va_end(args);

    command = ngx_pimap_command_create(handler, data, text, len);

    if (command == NULL) {
        return NGX_ERROR;
    }

    if (ngx_pimap_command_begin(node, command) != NGX_OK) {
        ngx_pimap_command_free(command);
        return NGX_ERROR;
    }

    /* it is for this node only */

    redisFreeCommand(command->text);
    command->text = NULL;

    return NGX_OK;
}


/* The text is the command's then, or freed. */

ngx_pimap_command_t *
ngx_pimap_command_create(ngx_pimap_command_pt handler, void *data, char *text,
    int len)
{
    ngx_pimap_command_t  *command;

    if (len < 0) {
        return NULL;
    }

    command = ngx_alloc(sizeof(ngx_pimap_command_t), ngx_cycle->log);

    if (command == NULL) {
        redisFreeCommand(text);
        return NULL;
    }

    command->began = ngx_current_msec;
    command->handler = handler;
    command->data = data;
    command->text = text;
    command->len = len;
    command->slot = 0;
    command->tried = 0;

    return command;
}


void
ngx_pimap_command_free(ngx_pimap_command_t *command)
{
    if (command->text) {
        redisFreeCommand(command->text);
    }

    ngx_free(command);
}


ngx_int_t
ngx_pimap_command_begin(ngx_pimap_node_t *node, ngx_pimap_command_t *command)
{
    if (!ngx_pimap_node_ready(node)
        || node->commands.length >= NGX_PIMAP_COMMAND_MAX
        || ngx_pimap_redis_send_bytes(&node->commander, command->text,
                                      command->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    command->sent = ngx_current_msec;

    ngx_queue_insert_tail(&node->commands.queue, &command->link);
    node->commands.length++;

    if (!node->commands.timer.timer_set) {
        ngx_add_timer(&node->commands.timer, node->commander.conf->timeout);
    }

    return NGX_OK;
}


ngx_pimap_command_t *
ngx_pimap_command_next(ngx_pimap_node_t *node)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&node->commands.queue)) {
        return NULL;
    }

    q = ngx_queue_head(&node->commands.queue);

    ngx_queue_remove(q);
    node->commands.length--;

    return ngx_queue_data(q, ngx_pimap_command_t, link);
}


void
ngx_pimap_command_answer(ngx_pimap_command_t *command, redisReply *reply)
{
    void                  *data;
    ngx_pimap_command_pt   handler;

    handler = command->handler;
    data = command->data;

    ngx_pimap_command_free(command);

    if (handler) {
        handler(data, reply);
    }
}
