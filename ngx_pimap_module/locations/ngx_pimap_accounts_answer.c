
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of an answer to an operator.  Called by accounts_request.
 * Invariant: of all workers' devices it keeps the first ones only, so memory
 * does not grow with the number of workers.
 */


#include "ngx_pimap_accounts.h"
#include "ngx_pimap_device_list.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_zone.h"


static ngx_uint_t ngx_pimap_accounts_answer_is_list(json_t *list);
static json_t *ngx_pimap_accounts_answer_merge(json_t *a, json_t *b,
    ngx_uint_t limit);
static const char *ngx_pimap_accounts_answer_id(json_t *list, size_t i);
static json_int_t ngx_pimap_accounts_answer_number(json_t *json,
    const char *name);
static ngx_int_t ngx_pimap_accounts_answer_ended(
    ngx_pimap_accounts_request_t *ar);
static ngx_int_t ngx_pimap_accounts_answer_list(
    ngx_pimap_accounts_request_t *ar);
static u_char *ngx_pimap_accounts_answer_head(u_char *p,
    ngx_pimap_accounts_request_t *ar);
static u_char *ngx_pimap_accounts_answer_devices(u_char *p,
    ngx_pimap_accounts_request_t *ar, const char *list);
static u_char *ngx_pimap_accounts_answer_log(u_char *p,
    ngx_pimap_log_tail_t *tail);
static u_char *ngx_pimap_accounts_answer_text(u_char *p, ngx_str_t *text);


ngx_int_t
ngx_pimap_accounts_answer_add(ngx_pimap_accounts_request_t *ar, u_char *text,
    size_t len)
{
    json_t        *json, *list, *merged;
    json_error_t   error;

    json = json_loadb((char *) text, len, 0, &error);

    if (json == NULL) {
        return json_error_code(&error) == json_error_out_of_memory
               ? NGX_ERROR : NGX_DECLINED;
    }

    list = json_object_get(json, "list");

    if (!json_is_object(json)
        || (list && !ngx_pimap_accounts_answer_is_list(list)))
    {
        json_decref(json);
        return NGX_DECLINED;
    }

    merged = ngx_pimap_accounts_answer_merge(ar->list, list, ar->limit);

    if (merged) {
        ar->more += json_array_size(ar->list) + json_array_size(list)
                    - json_array_size(merged);
        ar->more += ngx_pimap_accounts_answer_number(json, "more");
        ar->count += ngx_pimap_accounts_answer_number(json, "count");
        ar->moving += ngx_pimap_accounts_answer_number(json, "moving");
        ar->ended += ngx_pimap_accounts_answer_number(json, "ended");

        json_decref(ar->list);
        ar->list = merged;
    }

    json_decref(json);

    return merged ? NGX_OK : NGX_ERROR;
}


/* Their ids come into the answer. */

static ngx_uint_t
ngx_pimap_accounts_answer_is_list(json_t *list)
{
    size_t     i;
    ngx_str_t  id;

    for (i = 0; i < json_array_size(list); i++) {
        id.data = (u_char *) ngx_pimap_accounts_answer_id(list, i);
        id.len = ngx_strlen(id.data);

        if (!ngx_pimap_device_list_is_id(&id)) {
            return 0;
        }
    }

    return json_is_array(list);
}


/* The first devices of two lists in order, each of which may be NULL. */

static json_t *
ngx_pimap_accounts_answer_merge(json_t *a, json_t *b, ngx_uint_t limit)
{
    int      rc;
    size_t   i, j;
    json_t  *list;

    list = json_array();

    for (i = 0, j = 0; list && json_array_size(list) < limit; /* void */ ) {

        if (i == json_array_size(a) && j == json_array_size(b)) {
            break;
        }

        if (j == json_array_size(b)
            || (i < json_array_size(a)
                && ngx_strcmp(ngx_pimap_accounts_answer_id(a, i),
                              ngx_pimap_accounts_answer_id(b, j))
                   < 0))
        {
            rc = json_array_append(list, json_array_get(a, i++));

        } else {
            rc = json_array_append(list, json_array_get(b, j++));
        }

        if (rc != 0) {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static const char *
ngx_pimap_accounts_answer_id(json_t *list, size_t i)
{
    const char  *id;

    id = json_string_value(json_object_get(json_array_get(list, i), "id"));

    return id ? id : "";
}


/* 0 if there is none. */

static json_int_t
ngx_pimap_accounts_answer_number(json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}


ngx_int_t
ngx_pimap_accounts_answer(ngx_pimap_accounts_request_t *ar)
{
    return ar->device.len ? ngx_pimap_accounts_answer_ended(ar)
                          : ngx_pimap_accounts_answer_list(ar);
}


static ngx_int_t
ngx_pimap_accounts_answer_ended(ngx_pimap_accounts_request_t *ar)
{
    u_char              *p;
    ngx_str_t            body;
    ngx_http_request_t  *r;

    r = ar->request;

    /* the line of the log also has the address of the operator */

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "pimap ended %L responses of device \"%V\" of account "
                  "\"%V\" for an operator; %ui of %ui workers have answered",
                  (int64_t) ar->ended, &ar->device, &ar->account,
                  ar->answered, ar->asked);

    if (ar->ended == 0 && ar->answered >= ar->asked) {
        return ngx_pimap_problem(r, NGX_HTTP_NOT_FOUND,
                                 "no such device is parked");
    }

    p = ngx_pnalloc(r->pool, 256 + 2 * (ar->account.len + ar->device.len));
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = p;

    p = ngx_pimap_accounts_answer_head(p, ar);
    p = ngx_cpymem(p, ",\"device\":\"", 11);
    p = ngx_pimap_accounts_answer_text(p, &ar->device);
    p = ngx_sprintf(p, "\",\"ended\":%L}\n", (int64_t) ar->ended);

    body.len = p - body.data;

    return ngx_pimap_answer(r, NGX_HTTP_OK, "application/json", &body);
}


static ngx_int_t
ngx_pimap_accounts_answer_list(ngx_pimap_accounts_request_t *ar)
{
    char                *list;
    u_char              *p;
    size_t               size;
    ngx_str_t           *entry, body;
    ngx_uint_t           i;
    ngx_http_request_t  *r;

    r = ar->request;

    list = ar->list ? json_dumps(ar->list, JSON_COMPACT) : NULL;

    if (ar->list && list == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = 512 + 2 * ar->account.len + (list ? ngx_strlen(list) : 0)
           + ar->tail.error.len;

    entry = ar->tail.entries.elts;

    for (i = 0; i < ar->tail.entries.nelts; i++) {
        size += entry[i].len + 2;
    }

    p = ngx_pnalloc(r->pool, size);

    if (p == NULL) {
        free(list);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = p;

    p = ngx_pimap_accounts_answer_head(p, ar);
    p = ngx_pimap_accounts_answer_devices(p, ar, list ? list : "[]");

    if (ar->tail.count) {
        p = ngx_pimap_accounts_answer_log(p, &ar->tail);
    }

    p = ngx_cpymem(p, "}\n", 2);

    body.len = p - body.data;

    free(list);

    return ngx_pimap_answer(r, NGX_HTTP_OK, "application/json", &body);
}


static u_char *
ngx_pimap_accounts_answer_head(u_char *p, ngx_pimap_accounts_request_t *ar)
{
    p = ngx_cpymem(p, "{\"account\":\"", 12);
    p = ngx_pimap_accounts_answer_text(p, &ar->account);

    return ngx_sprintf(p, "\",\n\"workers\":{\"asked\":%ui,\"answered\":%ui}",
                       ar->asked, ar->answered);
}


static u_char *
ngx_pimap_accounts_answer_devices(u_char *p, ngx_pimap_accounts_request_t *ar,
    const char *list)
{
    size_t      n;
    ngx_uint_t  here;

    /* Redis asks no worker that has lost its subscription */

    here = ngx_pimap_zone_device_count(ngx_pimap_limit_account(&ar->account));

    p = ngx_sprintf(p, ",\n\"devices\":{\"count\":%L,\"here\":%ui,"
                    "\"moving\":%L",
                    (int64_t) ar->count, here, (int64_t) ar->moving);

    n = json_array_size(ar->list);

    if (ar->more && n) {
        p = ngx_sprintf(p, ",\"next\":\"%s\"",
                        ngx_pimap_accounts_answer_id(ar->list, n - 1));
    }

    return ngx_sprintf(p, ",\"list\":%s}", list);
}


static u_char *
ngx_pimap_accounts_answer_log(u_char *p, ngx_pimap_log_tail_t *tail)
{
    ngx_str_t   *entry;
    ngx_uint_t   i;

    p = ngx_cpymem(p, ",\n\"log\":{", 9);

    if (tail->error.len) {
        p = ngx_sprintf(p, "\"error\":\"%V\",", &tail->error);
    }

    if (tail->more && tail->entries.nelts) {
        p = ngx_cpymem(p, "\"next\":\"", 8);
        p += pimap_event_id_text(&tail->last, p);
        p = ngx_cpymem(p, "\",", 2);
    }

    p = ngx_cpymem(p, "\"list\":[", 8);

    entry = tail->entries.elts;

    for (i = 0; i < tail->entries.nelts; i++) {
        p = ngx_sprintf(p, i ? ",\n%V" : "%V", &entry[i]);
    }

    return ngx_cpymem(p, "]}", 2);
}


/* A name has no control characters. */

static u_char *
ngx_pimap_accounts_answer_text(u_char *p, ngx_str_t *text)
{
    return (u_char *) ngx_escape_json(p, text->data, text->len);
}
