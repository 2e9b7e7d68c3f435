
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An entry has up to 1 MB, the limit of redis/pimap.lua, so a page of a few
 * entries stays below the limit of a reply.  An event is parsed, because
 * a publisher may have added anything to the log.
 */


#include "ngx_pimap_log_tail.h"
#include "ngx_pimap_conf.h"

#include "pimap_event.h"


#define NGX_PIMAP_LOG_TAIL_PAGE   7             /* entries */
#define NGX_PIMAP_LOG_TAIL_BYTES  (256 * 1024)  /* of events, parsed in turns
                                                   of a page */


static ngx_int_t ngx_pimap_log_tail_next(ngx_pimap_log_tail_t *tail);
static void ngx_pimap_log_tail_reply(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_log_tail_page(ngx_pimap_log_tail_t *tail,
    redisReply *reply);
static ngx_int_t ngx_pimap_log_tail_entry(ngx_pimap_log_tail_t *tail,
    redisReply *entry);
static redisReply *ngx_pimap_log_tail_field(redisReply *fields,
    const char *name);
static ngx_int_t ngx_pimap_log_tail_add(ngx_pimap_log_tail_t *tail,
    redisReply *text, redisReply *time);
static u_char *ngx_pimap_log_tail_time(u_char *p, redisReply *time);
static void ngx_pimap_log_tail_error(ngx_pimap_log_tail_t *tail,
    const char *error);


ngx_int_t
ngx_pimap_log_tail_read(ngx_pimap_log_tail_t *tail)
{
    if (ngx_array_init(&tail->entries, tail->pool, tail->count + 1,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    tail->last = tail->before;

    return ngx_pimap_log_tail_next(tail);
}


void
ngx_pimap_log_tail_forget(ngx_pimap_log_tail_t *tail)
{
    if (tail->command) {
        ngx_pimap_command_forget(tail->command);
        tail->command = NULL;
    }
}


/* One entry more than is wanted tells whether there are more. */

static ngx_int_t
ngx_pimap_log_tail_next(ngx_pimap_log_tail_t *tail)
{
    size_t      len;
    u_char      end[PIMAP_EVENT_ID_LEN + 1];
    ngx_str_t  *account;

    account = tail->account;

    tail->asked = ngx_min(tail->count - tail->entries.nelts + 1,
                          NGX_PIMAP_LOG_TAIL_PAGE);

    if (tail->last.epoch == 0) {
        end[0] = '+';
        len = 1;

    } else {
        end[0] = '(';
        len = 1 + pimap_event_id_text(&tail->last, end + 1);
    }

    tail->command = ngx_pimap_command_send(ngx_pimap_node_slot(account),
                                           ngx_pimap_log_tail_reply, tail,
                                           "XREVRANGE " NGX_PIMAP_COMMAND_KEY
                                           " %b - COUNT %lu",
                                           ngx_pimap_command_key(account),
                                           end, len,
                                           (unsigned long) tail->asked);

    return tail->command ? NGX_OK : NGX_DECLINED;
}


static void
ngx_pimap_log_tail_reply(void *data, redisReply *reply)
{
    ngx_pimap_log_tail_t  *tail = data;

    ngx_int_t  rc;

    tail->command = NULL;

    rc = ngx_pimap_log_tail_page(tail, reply);

    if (rc == NGX_ERROR) {
        ngx_pimap_log_tail_error(tail, "the worker has no memory");
    }

    if (rc == NGX_AGAIN) {

        if (ngx_pimap_log_tail_next(tail) == NGX_OK) {
            return;
        }

        ngx_pimap_log_tail_error(tail,
                 ngx_pimap_command_trouble(
                                        ngx_pimap_node_slot(tail->account)));
    }

    tail->done(tail->data);
}


/* NGX_AGAIN: another page is needed.  NGX_ERROR: memory is out. */

static ngx_int_t
ngx_pimap_log_tail_page(ngx_pimap_log_tail_t *tail, redisReply *reply)
{
    size_t     i;
    ngx_int_t  rc;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        ngx_pimap_log_tail_error(tail, reply == NULL ? "Redis is away"
                                       : reply->type == REDIS_REPLY_ERROR
                                         ? reply->str : "unexpected reply");
        return NGX_OK;
    }

    for (i = 0; i < reply->elements; i++) {

        if (tail->entries.nelts == tail->count
            || tail->bytes > NGX_PIMAP_LOG_TAIL_BYTES)
        {
            tail->more = 1;
            return NGX_OK;
        }

        rc = ngx_pimap_log_tail_entry(tail, reply->element[i]);

        if (rc == NGX_DECLINED) {
            ngx_pimap_log_tail_error(tail, "unexpected reply");
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return reply->elements < tail->asked ? NGX_OK : NGX_AGAIN;
}


/* [id, [name, value, ...]]; NGX_DECLINED: it has another form. */

static ngx_int_t
ngx_pimap_log_tail_entry(ngx_pimap_log_tail_t *tail, redisReply *entry)
{
    redisReply  *fields, *text;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
        || entry->element[0]->type != REDIS_REPLY_STRING
        || entry->element[1]->type != REDIS_REPLY_ARRAY
        || pimap_event_id_parse(&tail->last,
                                (u_char *) entry->element[0]->str,
                                entry->element[0]->len)
           != 0
        || tail->last.epoch == 0)
    {
        return NGX_DECLINED;
    }

    fields = entry->element[1];
    text = ngx_pimap_log_tail_field(fields, "e");

    if (text == NULL) {
        return NGX_DECLINED;
    }

    return ngx_pimap_log_tail_add(tail, text,
                                  ngx_pimap_log_tail_field(fields, "t"));
}


static redisReply *
ngx_pimap_log_tail_field(redisReply *fields, const char *name)
{
    size_t  i;

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (fields->element[i]->type == REDIS_REPLY_STRING
            && fields->element[i + 1]->type == REDIS_REPLY_STRING
            && ngx_strcmp(fields->element[i]->str, name) == 0)
        {
            return fields->element[i + 1];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_pimap_log_tail_add(ngx_pimap_log_tail_t *tail, redisReply *text,
    redisReply *time)
{
    char                    why[128];
    u_char                 *p;
    ngx_str_t              *s;
    pimap_event_t           ev;
    pimap_event_status_t    status;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    status = pimap_event_parse_json(&ev, text->str, text->len, pmcf->max_event,
                                    why, sizeof(why));

    if (status == PIMAP_EVENT_NO_MEMORY) {
        return NGX_ERROR;
    }

    s = ngx_array_push(&tail->entries);
    p = ngx_pnalloc(tail->pool, sizeof("{\"id\":\"\",\"time\":\"\","
                                       "\"error\":\"\"}")
                                + PIMAP_EVENT_ID_LEN
                                + NGX_PIMAP_TIME_LEN
                                + ngx_max(text->len, 2 * sizeof(why)));
    if (s == NULL || p == NULL) {
        pimap_event_free(&ev);
        return NGX_ERROR;
    }

    s->data = p;

    p = ngx_cpymem(p, "{\"id\":\"", 7);
    p += pimap_event_id_text(&tail->last, p);
    p = ngx_pimap_log_tail_time(ngx_cpymem(p, "\",", 2), time);

    if (status == PIMAP_EVENT_OK) {
        p = ngx_cpymem(p, "\"event\":", 8);
        p = ngx_cpymem(p, ev.json.data, ev.json.len);
        p = ngx_cpymem(p, "}", 1);
        pimap_event_free(&ev);

    } else {
        p = ngx_cpymem(p, "\"error\":\"", 9);
        p = (u_char *) ngx_escape_json(p, (u_char *) why, ngx_strlen(why));
        p = ngx_cpymem(p, "\"}", 2);
    }

    s->len = p - s->data;
    tail->bytes += text->len;

    return NGX_OK;
}


static u_char *
ngx_pimap_log_tail_time(u_char *p, redisReply *time)
{
    time_t  t;

    t = time && time->len <= 10 ? ngx_atotm((u_char *) time->str, time->len)
                                : NGX_ERROR;
    if (t == NGX_ERROR) {
        return p;
    }

    p = ngx_pimap_time(ngx_cpymem(p, "\"time\":\"", 8), t);

    return ngx_cpymem(p, "\",", 2);
}


/* In the pool, as a string of JSON. */

static void
ngx_pimap_log_tail_error(ngx_pimap_log_tail_t *tail, const char *error)
{
    size_t   len;
    u_char  *p;

    len = ngx_strlen(error);

    p = ngx_pnalloc(tail->pool, len + ngx_escape_json(NULL, (u_char *) error,
                                                      len));
    if (p == NULL) {
        ngx_str_set(&tail->error, "the worker has no memory");
        return;
    }

    tail->error.data = p;
    tail->error.len = (u_char *) ngx_escape_json(p, (u_char *) error, len) - p;
}
