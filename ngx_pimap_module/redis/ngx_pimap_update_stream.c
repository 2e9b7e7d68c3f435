
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Adds updates to the stream in Redis, once each.
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_UPDATE_STREAM_HEAD  7     /* arguments before the updates */


static ngx_uint_t ngx_pimap_update_stream_refused(ngx_str_t *account,
    redisReply *reply, ngx_log_t *log, ngx_uint_t *at, const char **why);


ngx_pimap_command_t *
ngx_pimap_update_stream_add(ngx_str_t *account, ngx_str_t *device,
    ngx_pimap_update_item_t *updates, ngx_uint_t n,
    ngx_pimap_command_pt handler, void *data, const char **why)
{
    int                      argc;
    u_char                   key[NGX_PIMAP_ACCOUNT_MAX + 128];
    u_char                   stream[128], limit[3 * NGX_INT_T_LEN + 3];
    size_t                  *len;
    ngx_uint_t               i, size, slot;
    const char             **argv;
    ngx_pimap_command_t     *command;
    ngx_pimap_main_conf_t   *pmcf;

    slot = ngx_pimap_node_slot(account);

    switch (ngx_pimap_function_library_state(slot)) {

    case NGX_PIMAP_FUNCTION_LIBRARY_READY:
        break;

    case NGX_PIMAP_FUNCTION_LIBRARY_MISSING:
        *why = "Redis has no functions, which updates need";
        return NULL;

    default:
        *why = ngx_pimap_function_library_trouble(slot);
        return NULL;
    }

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    size = NGX_PIMAP_UPDATE_STREAM_HEAD + 2 * n;

    argv = ngx_alloc(size * (sizeof(char *) + sizeof(size_t)),
                     ngx_cycle->log);
    if (argv == NULL) {
        *why = "the worker has no memory to ask Redis";
        return NULL;
    }

    len = (size_t *) (argv + size);

    ngx_sprintf(key, PIMAP_REDIS_KEY("%V", "%V") "%Z", &pmcf->redis.prefix,
                account);
    ngx_sprintf(stream, "%V" PIMAP_REDIS_UPDATES "%Z", &pmcf->redis.prefix);
    ngx_sprintf(limit, "%ui %ui %uz%Z", pmcf->max_queued_updates,
                pmcf->max_updates_per_account, pmcf->max_update_bytes);

    argv[0] = "FCALL";
    argv[1] = "pimap_update";
    argv[2] = "2";
    argv[3] = (char *) key;
    argv[4] = (char *) stream;
    argv[5] = (char *) limit;

    for (argc = 0; argc < 6; argc++) {
        len[argc] = ngx_strlen(argv[argc]);
    }

    argv[argc] = (char *) device->data;
    len[argc++] = device->len;

    for (i = 0; i < n; i++) {
        argv[argc] = (char *) updates[i].id.data;
        len[argc++] = updates[i].id.len;
        argv[argc] = (char *) updates[i].json.data;
        len[argc++] = updates[i].json.len;
    }

    command = ngx_pimap_command_send_list(slot, handler, data, argc, argv,
                                          len);

    ngx_free(argv);

    if (command == NULL) {
        *why = ngx_pimap_command_trouble(slot);
    }

    return command;
}


ngx_uint_t
ngx_pimap_update_stream_answer(ngx_str_t *account, redisReply *reply,
    ngx_uint_t n, ngx_log_t *log, ngx_uint_t *at, const char **why)
{
    ngx_uint_t  status;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == n) {
        return NGX_HTTP_ACCEPTED;
    }

    status = ngx_pimap_update_stream_refused(account, reply, log, at, why);

    if (status == NGX_HTTP_CONFLICT) {
        ngx_pimap_count(updates_invalid);

    } else {
        ngx_pimap_count(updates_failed);
    }

    return status;
}


static ngx_uint_t
ngx_pimap_update_stream_refused(ngx_str_t *account, redisReply *reply,
    ngx_log_t *log, ngx_uint_t *at, const char **why)
{
    ngx_int_t  i;

    if (reply == NULL) {
        *why = "Redis has not answered: repeat it with the same ids";
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    *why = "Redis did not take it";

    if (reply->type != REDIS_REPLY_ERROR) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_strncmp(reply->str, "PIMAP backlog", 13) == 0) {
        *why = "too many updates wait for the backend";
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ngx_strncmp(reply->str, "PIMAP account", 13) == 0) {
        ngx_pimap_count(updates_account_full);

        *why = "the account has too many updates: send it again later";
        return NGX_HTTP_TOO_MANY_REQUESTS;
    }

    if (ngx_strncmp(reply->str, "PIMAP conflict: ", 16) == 0) {
        i = ngx_atoi((u_char *) reply->str + 16, reply->len - 16);

        *at = i > 0 ? i - 1 : 0;
        *why = "the id has been used for another update";
        return NGX_HTTP_CONFLICT;
    }

    ngx_pimap_function_library_refused(ngx_pimap_node_slot(account), "update",
                                       reply, log);

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}
