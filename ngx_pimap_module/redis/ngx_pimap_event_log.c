
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The key of each FCALL is the account's channel.
 */


#include "ngx_pimap_event_log.h"
#include "ngx_pimap_conf.h"


ngx_pimap_command_t *
ngx_pimap_event_log_last(ngx_str_t *account, ngx_pimap_command_pt handler,
    void *data)
{
    return ngx_pimap_command_send(ngx_pimap_node_slot(account), handler, data,
                                  "FCALL_RO pimap_last 1 "
                                  NGX_PIMAP_COMMAND_KEY,
                                  ngx_pimap_command_key(account));
}


/*
 * Without a function, because the log has rarely changed, and XRANGE costs
 * Redis a tenth of a call.
 */

ngx_pimap_command_t *
ngx_pimap_event_log_peek(ngx_str_t *account, pimap_event_id_t *id,
    ngx_pimap_command_pt handler, void *data)
{
    return ngx_pimap_command_send(ngx_pimap_node_slot(account), handler, data,
                                  "XRANGE " NGX_PIMAP_COMMAND_KEY
                                  " %llu-%llu + COUNT 2",
                                  ngx_pimap_command_key(account),
                                  (unsigned long long) id->epoch,
                                  (unsigned long long) id->n);
}


ngx_uint_t
ngx_pimap_event_log_ends(redisReply *reply, pimap_event_id_t *id)
{
    redisReply        *entry;
    pimap_event_id_t   last;

    if (reply->type != REDIS_REPLY_ARRAY) {
        return 0;
    }

    if (id->epoch == 0) {
        return reply->elements == 0;
    }

    if (reply->elements != 1) {
        return 0;
    }

    entry = reply->element[0];

    return entry->type == REDIS_REPLY_ARRAY && entry->elements
           && ngx_pimap_event_log_id(entry->element[0], &last) == NGX_OK
           && last.epoch == id->epoch && last.n == id->n;
}


ngx_pimap_command_t *
ngx_pimap_event_log_read(ngx_str_t *account, pimap_event_id_t *id,
    ngx_uint_t count, size_t bytes, ngx_pimap_command_pt handler, void *data)
{
    return ngx_pimap_command_send(ngx_pimap_node_slot(account), handler, data,
                                  "FCALL_RO pimap_read 1 "
                                  NGX_PIMAP_COMMAND_KEY " %llu %llu %lu %lu",
                                  ngx_pimap_command_key(account),
                                  (unsigned long long) id->epoch,
                                  (unsigned long long) id->n,
                                  (unsigned long) count,
                                  (unsigned long) bytes);
}


/*
 * The function has the same defaults for the length and the time to live, and
 * is faster with them than with arguments.
 */

ngx_pimap_command_t *
ngx_pimap_event_log_post(ngx_str_t *account, ngx_str_t *event, ngx_str_t *key,
    ngx_pimap_command_pt handler, void *data)
{
    u_char                  name[NGX_PIMAP_ACCOUNT_MAX + 128];
    u_char                  length[NGX_INT_T_LEN], ttl[NGX_TIME_T_LEN];
    ngx_uint_t              n, defaults;
    ngx_pimap_main_conf_t  *pmcf;

    const char  *argv[] = {
        "FCALL", "pimap_post", "1", (char *) name, (char *) event->data,
        (char *) length, (char *) ttl, (char *) key->data
    };
    size_t       len[] = { 5, 10, 1, 0, event->len, 0, 0, key->len };

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    len[3] = ngx_snprintf(name, sizeof(name), PIMAP_REDIS_KEY("%V", "%V"),
                          ngx_pimap_command_prefix(), account)
             - name;

    defaults = pmcf->log_length == NGX_PIMAP_LOG_LENGTH
               && pmcf->log_ttl == NGX_PIMAP_LOG_TTL;
    n = 5;

    if (key->len || !defaults) {
        len[5] = ngx_sprintf(length, "%ui", pmcf->log_length) - length;
        len[6] = ngx_sprintf(ttl, "%T", pmcf->log_ttl) - ttl;
        n = key->len ? 8 : 7;
    }

    /* not by a format, which takes three times as long */

    return ngx_pimap_command_send_list(ngx_pimap_node_slot(account), handler,
                                       data, n, argv, len);
}


ngx_int_t
ngx_pimap_event_log_id(redisReply *reply, pimap_event_id_t *id)
{
    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    return pimap_event_id_parse(id, (u_char *) reply->str,
                                    reply->len)
           == NGX_OK ? NGX_OK : NGX_ERROR;
}


/*
 * ["ok", last, id, text, ...] or ["resync", reason, last].  A page without
 * events before the end of the log means that the log has lost them: to read
 * again would give the same page.
 */

ngx_int_t
ngx_pimap_event_log_page(redisReply *reply, pimap_event_id_t *start,
    ngx_pimap_event_log_page_t *page)
{
    size_t             i;
    redisReply       **e;
    pimap_event_id_t   id;

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

        return reply->elements == 3 ? ngx_pimap_event_log_id(e[2],
                                                                   &page->last)
                                    : NGX_ERROR;
    }

    if (ngx_strcmp(e[0]->str, "ok") != 0 || reply->elements % 2) {
        return NGX_ERROR;
    }

    page->n = (reply->elements - 2) / 2;
    page->entries = e + 2;

    for (i = 0; i < page->n; i++) {
        if (ngx_pimap_event_log_id(page->entries[2 * i], &id) != NGX_OK
            || id.epoch == 0)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_pimap_event_log_id(e[1], &page->last) != NGX_OK) {
        return NGX_ERROR;
    }

    if (page->n == 0
        && (page->last.epoch != start->epoch || page->last.n != start->n))
    {
        page->resync = 1;
        ngx_str_set(&page->reason, "gone");
    }

    return NGX_OK;
}
