
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * FCALLs with the account's channel as their only key, and a look at the log
 * itself.
 */


#include "ngx_pimap_event_log.h"
#include "ngx_pimap_channel.h"
#include "ngx_pimap_conf.h"


#define NGX_PIMAP_EVENT_LOG_ARGS     9
#define NGX_PIMAP_EVENT_LOG_SUFFIX   ":log"      /* of its key, after the channel */


typedef struct {
    int           n;
    const char   *argv[NGX_PIMAP_EVENT_LOG_ARGS];
    size_t        len[NGX_PIMAP_EVENT_LOG_ARGS];
    u_char        channel[NGX_PIMAP_CHANNEL_MAX
                          + sizeof(NGX_PIMAP_EVENT_LOG_SUFFIX)];
    u_char        numbers[4][NGX_INT64_LEN];
} ngx_pimap_event_log_call_t;


static void ngx_pimap_event_log_call(ngx_pimap_event_log_call_t *call,
    const char *command, const char *function, ngx_str_t *account);
static void ngx_pimap_event_log_arg(ngx_pimap_event_log_call_t *call,
    u_char *data, size_t len);
static void ngx_pimap_event_log_number(ngx_pimap_event_log_call_t *call,
    ngx_uint_t i, uint64_t number);
static ngx_pimap_main_conf_t *ngx_pimap_event_log_conf(void);


ngx_pimap_command_t *
ngx_pimap_event_log_last(ngx_str_t *account, ngx_pimap_command_pt handler,
    void *data)
{
    ngx_pimap_event_log_call_t  call;

    ngx_pimap_event_log_call(&call, "FCALL_RO", "pimap_last", account);

    return ngx_pimap_command_send(call.n, call.argv, call.len, handler,
                                    data);
}


/*
 * Without a function: most often the log is as it was, and that is a tenth of
 * the work for Redis.
 */

ngx_pimap_command_t *
ngx_pimap_event_log_peek(ngx_str_t *account, pimap_event_id_t *position,
    ngx_pimap_command_pt handler, void *data)
{
    u_char                *p, start[sizeof("-") + 2 * NGX_INT64_LEN];
    ngx_pimap_event_log_call_t   call;

    call.n = 0;

    p = call.channel + ngx_pimap_channel_name(call.channel,
                                              &ngx_pimap_event_log_conf()->redis,
                                              account);
    p = ngx_cpymem(p, NGX_PIMAP_EVENT_LOG_SUFFIX,
                   sizeof(NGX_PIMAP_EVENT_LOG_SUFFIX) - 1);

    ngx_pimap_event_log_arg(&call, (u_char *) "XRANGE", 6);
    ngx_pimap_event_log_arg(&call, call.channel, p - call.channel);

    p = ngx_sprintf(start, "%uL-%uL", position->epoch, position->n);

    ngx_pimap_event_log_arg(&call, start, p - start);
    ngx_pimap_event_log_arg(&call, (u_char *) "+", 1);
    ngx_pimap_event_log_arg(&call, (u_char *) "COUNT", 5);
    ngx_pimap_event_log_arg(&call, (u_char *) "2", 1);

    return ngx_pimap_command_send(call.n, call.argv, call.len, handler,
                                    data);
}


ngx_uint_t
ngx_pimap_event_log_quiet(redisReply *reply, pimap_event_id_t *position)
{
    redisReply            *entry;
    pimap_event_id_t   last;

    if (reply->type != REDIS_REPLY_ARRAY) {
        return 0;
    }

    if (position->epoch == 0) {
        return reply->elements == 0;
    }

    if (reply->elements != 1) {
        return 0;
    }

    entry = reply->element[0];

    return entry->type == REDIS_REPLY_ARRAY && entry->elements
           && ngx_pimap_event_log_position(entry->element[0], &last) == NGX_OK
           && last.epoch == position->epoch && last.n == position->n;
}


ngx_pimap_command_t *
ngx_pimap_event_log_read(ngx_str_t *account, pimap_event_id_t *position,
    ngx_uint_t count, size_t bytes, ngx_pimap_command_pt handler, void *data)
{
    ngx_pimap_event_log_call_t  call;

    ngx_pimap_event_log_call(&call, "FCALL_RO", "pimap_read", account);

    ngx_pimap_event_log_number(&call, 0, position->epoch);
    ngx_pimap_event_log_number(&call, 1, position->n);
    ngx_pimap_event_log_number(&call, 2, count);
    ngx_pimap_event_log_number(&call, 3, bytes);

    return ngx_pimap_command_send(call.n, call.argv, call.len, handler,
                                    data);
}


ngx_pimap_command_t *
ngx_pimap_event_log_post(ngx_str_t *account, ngx_str_t *event, ngx_str_t *key,
    ngx_pimap_command_pt handler, void *data)
{
    ngx_pimap_event_log_call_t    call;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_pimap_event_log_conf();

    ngx_pimap_event_log_call(&call, "FCALL", "pimap_post", account);

    ngx_pimap_event_log_arg(&call, event->data, event->len);
    ngx_pimap_event_log_number(&call, 0, pmcf->log_length);
    ngx_pimap_event_log_number(&call, 1, pmcf->log_ttl);

    if (key->len) {
        ngx_pimap_event_log_arg(&call, key->data, key->len);
    }

    return ngx_pimap_command_send(call.n, call.argv, call.len, handler,
                                    data);
}


static void
ngx_pimap_event_log_call(ngx_pimap_event_log_call_t *call, const char *command,
    const char *function, ngx_str_t *account)
{
    size_t  n;

    n = ngx_pimap_channel_name(call->channel,
                               &ngx_pimap_event_log_conf()->redis,
                               account);
    call->n = 0;

    ngx_pimap_event_log_arg(call, (u_char *) command, ngx_strlen(command));
    ngx_pimap_event_log_arg(call, (u_char *) function, ngx_strlen(function));
    ngx_pimap_event_log_arg(call, (u_char *) "1", 1);
    ngx_pimap_event_log_arg(call, call->channel, n);
}


static void
ngx_pimap_event_log_arg(ngx_pimap_event_log_call_t *call, u_char *data,
    size_t len)
{
    call->argv[call->n] = (char *) data;
    call->len[call->n++] = len;
}


static void
ngx_pimap_event_log_number(ngx_pimap_event_log_call_t *call, ngx_uint_t i,
    uint64_t number)
{
    u_char  *p;

    p = call->numbers[i];

    ngx_pimap_event_log_arg(call, p, ngx_sprintf(p, "%uL", number) - p);
}


static ngx_pimap_main_conf_t *
ngx_pimap_event_log_conf(void)
{
    return ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);
}


ngx_int_t
ngx_pimap_event_log_position(redisReply *reply, pimap_event_id_t *position)
{
    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    return pimap_event_id_parse(position, (u_char *) reply->str,
                                    reply->len)
           == NGX_OK ? NGX_OK : NGX_ERROR;
}


/* ["ok", last, id, text, ...] or ["resync", reason, last] */

ngx_int_t
ngx_pimap_event_log_page(redisReply *reply, ngx_pimap_event_log_page_t *page)
{
    size_t        i;
    redisReply  **e;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2) {
        return NGX_ERROR;
    }

    e = reply->element;

    for (i = 0; i < reply->elements; i++) {
        if (e[i]->type != REDIS_REPLY_STRING) {
            return NGX_ERROR;
        }
    }

    page->resync = (ngx_strcmp(e[0]->str, "resync") == 0);
    page->n = 0;
    page->entries = NULL;

    if (page->resync) {
        page->reason.data = (u_char *) e[1]->str;
        page->reason.len = e[1]->len;

        return reply->elements == 3 ? ngx_pimap_event_log_position(e[2],
                                                                   &page->last)
                                    : NGX_ERROR;
    }

    if (ngx_strcmp(e[0]->str, "ok") != 0 || reply->elements % 2) {
        return NGX_ERROR;
    }

    page->n = (reply->elements - 2) / 2;
    page->entries = e + 2;

    return ngx_pimap_event_log_position(e[1], &page->last);
}
