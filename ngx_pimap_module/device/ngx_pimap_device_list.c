
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A worker asks all workers about the devices of an account.  Each of them
 * answers in the channel of the worker that asks, with its devices in the
 * order of their ids.  An id is the time of the device's request, then its
 * token.  So a page has its place, however devices come and go.
 */


#include "ngx_pimap_device_list.h"
#include "ngx_pimap_device_backlog.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_log_reader.h"


/* The worker that asks, and its request. */
typedef struct {
    ngx_str_t    channel;
    ngx_str_t    request;
} ngx_pimap_device_list_sender_t;


typedef struct {
    ngx_uint_t           limit;
    ngx_uint_t           n;
    ngx_uint_t           more;          /* devices after these */
    ngx_uint_t           count;         /* of all devices */
    ngx_pimap_device_t  *devices[NGX_PIMAP_DEVICE_LIST_MAX];
} ngx_pimap_device_list_page_t;


static ngx_int_t ngx_pimap_device_list_sender(
    ngx_pimap_device_list_sender_t *sender, u_char **pos, u_char *last);
static ngx_int_t ngx_pimap_device_list_number(u_char **pos, u_char *last,
    ngx_str_t *digits, uint64_t *number);
static void ngx_pimap_device_list_page(ngx_pimap_account_t *account,
    ngx_pimap_device_list_page_t *page, uint64_t since, uint64_t token);
static ngx_uint_t ngx_pimap_device_list_after(ngx_pimap_device_t *d,
    uint64_t since, uint64_t token);
static json_t *ngx_pimap_device_list_json(
    ngx_pimap_device_list_page_t *page);
static json_t *ngx_pimap_device_list_device(ngx_pimap_device_t *d);
static void ngx_pimap_device_list_answer(
    ngx_pimap_device_list_sender_t *sender, json_t *json);


/* "<channel> <request> <limit> <since>-<token>" */

ngx_int_t
ngx_pimap_device_list_message(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    u_char                          *last;
    uint64_t                         since, token;
    ngx_int_t                        limit;
    ngx_str_t                        digits;
    ngx_pimap_device_list_page_t     page;
    ngx_pimap_device_list_sender_t   sender;

    last = data + len;

    if (ngx_pimap_device_list_sender(&sender, &data, last) != NGX_OK
        || last - data < 4)
    {
        return NGX_DECLINED;
    }

    limit = ngx_atoi(data, 3);
    data += 4;

    if (limit == NGX_ERROR || limit > NGX_PIMAP_DEVICE_LIST_MAX
        || ngx_pimap_device_list_number(&data, last, &digits, &since)
           != NGX_OK
        || ngx_pimap_device_list_number(&data, last, &digits, &token)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    page.limit = limit;

    ngx_pimap_device_list_page(account, &page, since, token);

    ngx_pimap_device_list_answer(&sender,
                  json_pack("{s:I, s:I, s:I, s:o}",
                            "count", (json_int_t) page.count,
                            "moving", (json_int_t) account->incoming,
                            "more", (json_int_t) page.more,
                            "list", ngx_pimap_device_list_json(&page)));
    return NGX_OK;
}


/* "<channel> <request> <device>" */

ngx_int_t
ngx_pimap_device_list_end(ngx_pimap_account_t *account, u_char *data,
    size_t len)
{
    u_char                          *last;
    u_char               buf[NGX_PIMAP_UPDATE_RESULT_ADDRESS];
    ngx_str_t                        device, address;
    ngx_uint_t                       n;
    ngx_pimap_device_t              *d;
    ngx_pimap_device_list_sender_t   sender;

    last = data + len;

    if (ngx_pimap_device_list_sender(&sender, &data, last) != NGX_OK
        || data == last)
    {
        return NGX_DECLINED;
    }

    device.data = data;
    device.len = last - data;

    n = 0;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {

        ngx_pimap_update_result_address(d, &address, buf);

        if (ngx_pimap_equal(&address, &device)) {
            n++;
            ngx_pimap_device_end(d, NGX_PIMAP_END_OPERATOR,
                                 ngx_pimap_encode(d->format,
                                                  NGX_PIMAP_CONTROL_RETRY,
                                                  d->conf->retry, NULL,
                                                  ngx_pimap_device_log(d)));
        }
    }

    ngx_pimap_device_list_answer(&sender,
                                 json_pack("{s:I}", "ended", (json_int_t) n));
    return NGX_OK;
}


static ngx_int_t
ngx_pimap_device_list_sender(ngx_pimap_device_list_sender_t *sender,
    u_char **pos, u_char *last)
{
    uint64_t  number;

    if (ngx_pimap_device_list_number(pos, last, &sender->channel, &number)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_device_list_number(pos, last, &sender->request, &number);
}


/* The digits of a number, and a character after them if there is one. */

static ngx_int_t
ngx_pimap_device_list_number(u_char **pos, u_char *last, ngx_str_t *digits,
    uint64_t *number)
{
    if (last - *pos < NGX_PIMAP_HEX_LEN
        || ngx_pimap_hex(*pos, number) != NGX_OK)
    {
        return NGX_ERROR;
    }

    digits->data = *pos;
    digits->len = NGX_PIMAP_HEX_LEN;

    *pos = ngx_min(*pos + NGX_PIMAP_HEX_LEN + 1, last);

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_device_list_is_id(ngx_str_t *text)
{
    u_char     *p, *last;
    uint64_t    number;
    ngx_str_t   since, token;

    p = text->data;
    last = p + text->len;

    return text->len == NGX_PIMAP_DEVICE_LIST_ID
           && ngx_pimap_device_list_number(&p, last, &since, &number) == NGX_OK
           && p[-1] == '-'
           && ngx_pimap_device_list_number(&p, last, &token, &number)
              == NGX_OK;
}


/* The first devices after that place, in their order. */

static void
ngx_pimap_device_list_page(ngx_pimap_account_t *account,
    ngx_pimap_device_list_page_t *page, uint64_t since, uint64_t token)
{
    ngx_uint_t           i, after;
    ngx_pimap_device_t  *d;

    page->n = 0;
    page->count = 0;
    after = 0;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {

        page->count++;

        if (!ngx_pimap_device_list_after(d, since, token)) {
            continue;
        }

        after++;

        for (i = page->n;
             i && ngx_pimap_device_list_after(page->devices[i - 1], d->since,
                                              d->token);
             i--)
        {
            if (i < page->limit) {
                page->devices[i] = page->devices[i - 1];
            }
        }

        if (i < page->limit) {
            page->devices[i] = d;
            page->n = ngx_min(page->n + 1, page->limit);
        }
    }

    page->more = after - page->n;
}


static ngx_uint_t
ngx_pimap_device_list_after(ngx_pimap_device_t *d, uint64_t since,
    uint64_t token)
{
    return d->since > since || (d->since == since && d->token > token);
}


/* NULL: memory is out. */

static json_t *
ngx_pimap_device_list_json(ngx_pimap_device_list_page_t *page)
{
    json_t      *list;
    ngx_uint_t   i;

    list = json_array();

    for (i = 0; list && i < page->n; i++) {
        if (json_array_append_new(list,
                           ngx_pimap_device_list_device(page->devices[i]))
            != 0)
        {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static json_t *
ngx_pimap_device_list_device(ngx_pimap_device_t *d)
{
    u_char             id[2 * NGX_PIMAP_HEX_LEN + 2];
    u_char             since[NGX_PIMAP_TIME_LEN + 1];
    u_char             client[NGX_INET6_ADDRSTRLEN];
    u_char             last[PIMAP_EVENT_ID_LEN];
    u_char             buf[NGX_PIMAP_UPDATE_RESULT_ADDRESS];
    ngx_str_t          name;
    pimap_event_id_t  *last_id;

    ngx_pimap_update_result_address(d, &name, buf);

    *ngx_sprintf(id, "%016xL-%016xL", d->since, d->token) = '\0';
    *ngx_pimap_time(since, (time_t) (d->since / 1000000)) = '\0';

    last_id = ngx_pimap_device_last_id(d);

    return json_pack("{s:s, s:s%, s:s, s:s%, s:s, s:s, s:s%, s:I, s:I, s:I}",
                     "id", id,
                     "device", name.data, name.len,
                     "since", since,
                     "address", client,
                     ngx_pimap_limit_address_text(d->address, client),
                     "transport", ngx_pimap_device_log_kind(d),
                     "format", ngx_pimap_device_log_format(d),
                     "lastEventId", last, pimap_event_id_text(last_id, last),
                     "events", (json_int_t) d->events,
                     "bytes", (json_int_t) d->bytes,
                     "unsent",
                     (json_int_t) d->transport->unsent(d->connection));
}


/* Without memory no answer comes, and the worker that asks says so. */

static void
ngx_pimap_device_list_answer(ngx_pimap_device_list_sender_t *sender,
    json_t *json)
{
    char  *text;

    text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    if (text) {
        ngx_pimap_own_channel_answer(&sender->channel, &sender->request, text,
                                     ngx_strlen(text));
    }

    free(text);
    json_decref(json);
}
