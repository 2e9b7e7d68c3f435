
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Adds updates to the stream in Redis, once each.  In a cluster the stream may
 * be at another master than the account.  So the account is asked which
 * updates are new, these are queued, and then the account remembers them.  A
 * worker that dies in between has not answered the device, which sends them
 * again.
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_UPDATE_STREAM_HEAD  7     /* arguments before the updates */


typedef enum {
    NGX_PIMAP_UPDATE_STREAM_ADD = 0,        /* one Redis: all in one step */
    NGX_PIMAP_UPDATE_STREAM_LOOK,
    NGX_PIMAP_UPDATE_STREAM_QUEUE,
    NGX_PIMAP_UPDATE_STREAM_RECORD
} ngx_pimap_update_stream_step_e;


struct ngx_pimap_update_addition_s {
    ngx_pimap_command_pt             handler;
    void                            *data;
    ngx_pimap_update_stream_step_e   step;
    ngx_uint_t                       slot;          /* of the account */
    ngx_uint_t                       stream_slot;

    u_char                           key[NGX_PIMAP_ACCOUNT_MAX + 128];
    u_char                           stream[128];
    u_char                           limit[3 * NGX_INT_T_LEN + 3];
    u_char                           backlog[NGX_INT_T_LEN + 1];

    ngx_str_t                        account;
    ngx_str_t                        device;
    ngx_pimap_update_item_t         *updates;
    ngx_uint_t                       n;
    u_char                          *fresh;         /* for each: 1 or 0 */
};


static ngx_pimap_update_addition_t *ngx_pimap_update_stream_create(
    ngx_str_t *account, ngx_str_t *device, ngx_pimap_update_item_t *updates,
    ngx_uint_t n);
static void ngx_pimap_update_stream_name(ngx_pimap_update_addition_t *a);
static void ngx_pimap_update_stream_copy(ngx_str_t *to, ngx_str_t *from,
    u_char **p);
static ngx_int_t ngx_pimap_update_stream_send(ngx_pimap_update_addition_t *a);
static int ngx_pimap_update_stream_head(ngx_pimap_update_addition_t *a,
    const char **argv, size_t *len);
static void ngx_pimap_update_stream_reply(void *data, redisReply *reply);
static ngx_uint_t ngx_pimap_update_stream_goes_on(
    ngx_pimap_update_addition_t *a, redisReply *reply);
static ngx_uint_t ngx_pimap_update_stream_fresh(
    ngx_pimap_update_addition_t *a, redisReply *reply);
static ngx_uint_t ngx_pimap_update_stream_refused(ngx_str_t *account,
    redisReply *reply, ngx_log_t *log, ngx_uint_t *at, const char **why);


ngx_pimap_update_addition_t *
ngx_pimap_update_stream_add(ngx_str_t *account, ngx_str_t *device,
    ngx_pimap_update_item_t *updates, ngx_uint_t n,
    ngx_pimap_command_pt handler, void *data, const char **why)
{
    ngx_uint_t                    slot;
    ngx_pimap_update_addition_t  *a;

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

    a = ngx_pimap_update_stream_create(account, device, updates, n);
    if (a == NULL) {
        *why = "the worker has no memory to ask Redis";
        return NULL;
    }

    a->handler = handler;
    a->data = data;
    a->slot = slot;

    ngx_pimap_update_stream_name(a);

    if (ngx_pimap_update_stream_send(a) != NGX_OK) {
        ngx_free(a);

        *why = ngx_pimap_command_trouble(slot);
        return NULL;
    }

    return a;
}


void
ngx_pimap_update_stream_forget(ngx_pimap_update_addition_t *a)
{
    a->handler = NULL;
}


/* The texts are copied, because later steps need them, too. */

static ngx_pimap_update_addition_t *
ngx_pimap_update_stream_create(ngx_str_t *account, ngx_str_t *device,
    ngx_pimap_update_item_t *updates, ngx_uint_t n)
{
    u_char                       *p;
    size_t                        size;
    ngx_uint_t                    i;
    ngx_pimap_update_addition_t  *a;

    size = sizeof(ngx_pimap_update_addition_t)
           + n * sizeof(ngx_pimap_update_item_t) + n
           + account->len + device->len;

    for (i = 0; i < n; i++) {
        size += updates[i].id.len + updates[i].json.len;
    }

    a = ngx_alloc(size, ngx_cycle->log);
    if (a == NULL) {
        return NULL;
    }

    a->step = ngx_pimap_node_cluster() ? NGX_PIMAP_UPDATE_STREAM_LOOK
                                       : NGX_PIMAP_UPDATE_STREAM_ADD;
    a->updates = (ngx_pimap_update_item_t *) (a + 1);
    a->n = n;
    a->fresh = (u_char *) (a->updates + n);

    ngx_memset(a->fresh, 1, n);

    p = a->fresh + n;

    ngx_pimap_update_stream_copy(&a->account, account, &p);
    ngx_pimap_update_stream_copy(&a->device, device, &p);

    for (i = 0; i < n; i++) {
        ngx_pimap_update_stream_copy(&a->updates[i].id, &updates[i].id, &p);
        ngx_pimap_update_stream_copy(&a->updates[i].json, &updates[i].json,
                                     &p);
    }

    return a;
}


static void
ngx_pimap_update_stream_copy(ngx_str_t *to, ngx_str_t *from, u_char **p)
{
    to->len = from->len;
    to->data = *p;

    *p = ngx_cpymem(*p, from->data, from->len);
}


static void
ngx_pimap_update_stream_name(ngx_pimap_update_addition_t *a)
{
    u_char                 *p;
    ngx_str_t               stream;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    ngx_sprintf(a->backlog, "%ui%Z", pmcf->max_queued_updates);
    ngx_sprintf(a->limit, "%ui %ui %uz%Z", pmcf->max_queued_updates,
                pmcf->max_updates_per_account, pmcf->max_update_bytes);

    ngx_sprintf(a->key, PIMAP_REDIS_KEY("%V", "%V") "%Z", &pmcf->redis.prefix,
                &a->account);

    p = ngx_sprintf(a->stream, "%V" PIMAP_REDIS_UPDATES, &pmcf->redis.prefix);

    if (a->step == NGX_PIMAP_UPDATE_STREAM_LOOK) {
        p = ngx_sprintf(p, ":{%ui}", a->slot % PIMAP_REDIS_PARTITIONS);
    }

    *p = '\0';

    stream.data = a->stream;
    stream.len = p - a->stream;

    a->stream_slot = ngx_pimap_node_slot_of_key(&stream);
}


static ngx_int_t
ngx_pimap_update_stream_send(ngx_pimap_update_addition_t *a)
{
    int                   argc;
    size_t               *len;
    ngx_uint_t            i, size, slot;
    const char          **argv;
    ngx_pimap_command_t  *command;

    size = NGX_PIMAP_UPDATE_STREAM_HEAD + 2 * a->n;

    argv = ngx_alloc(size * (sizeof(char *) + sizeof(size_t)),
                     ngx_cycle->log);
    if (argv == NULL) {
        return NGX_ERROR;
    }

    len = (size_t *) (argv + size);
    argc = ngx_pimap_update_stream_head(a, argv, len);

    for (i = 0; i < a->n; i++) {

        if (a->step == NGX_PIMAP_UPDATE_STREAM_QUEUE && !a->fresh[i]) {
            continue;
        }

        argv[argc] = (char *) a->updates[i].id.data;
        len[argc++] = a->updates[i].id.len;
        argv[argc] = (char *) a->updates[i].json.data;
        len[argc++] = a->updates[i].json.len;
    }

    slot = a->step == NGX_PIMAP_UPDATE_STREAM_QUEUE ? a->stream_slot : a->slot;

    command = ngx_pimap_command_send_list(slot, ngx_pimap_update_stream_reply,
                                          a, argc, argv, len);

    ngx_free(argv);

    return command ? NGX_OK : NGX_ERROR;
}


/* The arguments before the updates; returns their number. */

static int
ngx_pimap_update_stream_head(ngx_pimap_update_addition_t *a,
    const char **argv, size_t *len)
{
    int  i, argc;

    static const char  *functions[] = { "pimap_update", "pimap_update_look",
                                        "pimap_update_queue",
                                        "pimap_update_record" };

    argc = 0;

    argv[argc++] = "FCALL";
    argv[argc++] = functions[a->step];
    argv[argc++] = a->step == NGX_PIMAP_UPDATE_STREAM_ADD ? "2" : "1";

    if (a->step != NGX_PIMAP_UPDATE_STREAM_QUEUE) {
        argv[argc++] = (char *) a->key;
    }

    if (a->step == NGX_PIMAP_UPDATE_STREAM_ADD
        || a->step == NGX_PIMAP_UPDATE_STREAM_QUEUE)
    {
        argv[argc++] = (char *) a->stream;
    }

    argv[argc++] = (char *) (a->step == NGX_PIMAP_UPDATE_STREAM_QUEUE
                             ? a->backlog : a->limit);

    for (i = 0; i < argc; i++) {
        len[i] = ngx_strlen(argv[i]);
    }

    if (a->step == NGX_PIMAP_UPDATE_STREAM_QUEUE) {
        argv[argc] = (char *) a->account.data;
        len[argc++] = a->account.len;
    }

    argv[argc] = (char *) a->device.data;
    len[argc++] = a->device.len;

    return argc;
}


static void
ngx_pimap_update_stream_reply(void *data, redisReply *reply)
{
    ngx_pimap_update_addition_t  *a = data;

    if (ngx_pimap_update_stream_goes_on(a, reply)) {
        a->step++;

        if (ngx_pimap_update_stream_send(a) == NGX_OK) {
            return;
        }

        reply = NULL;
    }

    if (a->handler) {
        a->handler(a->data, reply);
    }

    ngx_free(a);
}


static ngx_uint_t
ngx_pimap_update_stream_goes_on(ngx_pimap_update_addition_t *a,
    redisReply *reply)
{
    if (reply == NULL) {
        return 0;
    }

    switch (a->step) {

    case NGX_PIMAP_UPDATE_STREAM_LOOK:
        return ngx_pimap_update_stream_fresh(a, reply);

    case NGX_PIMAP_UPDATE_STREAM_QUEUE:
        return reply->type == REDIS_REPLY_INTEGER;

    case NGX_PIMAP_UPDATE_STREAM_ADD:
    case NGX_PIMAP_UPDATE_STREAM_RECORD:
        break;
    }

    return 0;
}


/* Marks the updates that the account does not know; false if there is none. */

static ngx_uint_t
ngx_pimap_update_stream_fresh(ngx_pimap_update_addition_t *a,
    redisReply *reply)
{
    redisReply  *e;
    ngx_uint_t   i, any;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != a->n) {
        return 0;
    }

    any = 0;

    for (i = 0; i < a->n; i++) {
        e = reply->element[i];

        a->fresh[i] = e->type == REDIS_REPLY_INTEGER && e->integer == 1;
        any |= a->fresh[i];
    }

    return any;
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
