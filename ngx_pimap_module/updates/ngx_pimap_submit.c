
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * While Redis is asked, the device may go, or go over to another worker, so it
 * is looked for again by its token.  One that has gone over is not told: its
 * client repeats the update, or gets the result.
 */


#include "ngx_pimap_submit.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_update_stream.h"
#include "ngx_pimap_update_result.h"

#include "pimap_update.h"


/* What waits for Redis. */
typedef struct {
    uint64_t      token;                /* of the device */
    ngx_str_t     account;
    ngx_str_t     id;
    u_char        text[1];              /* of both */
} ngx_pimap_submission_t;


static ngx_int_t ngx_pimap_submit_send(ngx_pimap_device_t *d,
    pimap_update_t *u);
static ngx_pimap_submission_t *ngx_pimap_submit_create(ngx_pimap_device_t *d,
    ngx_str_t *id);
static void ngx_pimap_submit_answered(void *data, redisReply *reply);
static ngx_pimap_device_t *ngx_pimap_submit_device(
    ngx_pimap_submission_t *s);
static ngx_int_t ngx_pimap_submit_refuse(ngx_pimap_device_t *d, ngx_str_t *id,
    const char *why);
static ngx_int_t ngx_pimap_submit_tell(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text);


ngx_int_t
ngx_pimap_submit(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    char            why[128];
    ngx_str_t       id;
    pimap_update_t  u;

    static ngx_str_t  none = ngx_null_string;

    if (d->doomed) {
        return NGX_OK;
    }

    if (!d->conf->updates) {
        return ngx_pimap_submit_refuse(d, &none, "no updates are taken here");
    }

    switch (pimap_update_parse(&u, (char *) data, len, d->conf->max_update,
                               why, sizeof(why)))
    {
    case PIMAP_UPDATE_OK:
        break;

    case PIMAP_UPDATE_NO_MEMORY:
        return NGX_ERROR;

    case PIMAP_UPDATE_TOO_LARGE:
        return ngx_pimap_submit_refuse(d, &none, "larger than "
                                                 "\"pimap_max_update\"");
    default:
        id.data = (u_char *) u.id.data;
        id.len = u.id.len;

        ngx_pimap_count(updates_invalid);
        return ngx_pimap_submit_refuse(d, &id, why);
    }

    return ngx_pimap_submit_send(d, &u);
}


static ngx_int_t
ngx_pimap_submit_send(ngx_pimap_device_t *d, pimap_update_t *u)
{
    u_char                   buf[NGX_PIMAP_UPDATE_RESULT_ADDRESS];
    ngx_str_t                address;
    const char              *why;
    ngx_pimap_queued_t       update;
    ngx_pimap_submission_t  *s;

    update.id.data = (u_char *) u->id.data;
    update.id.len = u->id.len;
    update.json.data = (u_char *) u->json.data;
    update.json.len = u->json.len;

    if (d->submitted >= NGX_PIMAP_SUBMIT_MAX) {
        ngx_pimap_count(updates_failed);
        return ngx_pimap_submit_refuse(d, &update.id,
                                       "too many updates wait for Redis");
    }

    /* one device is not to fill the backlog of all */

    if (d->conf->update_rate
        && ngx_pimap_timer_wheel_over(&d->updates, d->conf->update_rate))
    {
        ngx_pimap_count(updates_failed);
        return ngx_pimap_submit_refuse(d, &update.id, "more updates a second "
                                                "than \"pimap_update_rate\"");
    }

    s = ngx_pimap_submit_create(d, &update.id);
    if (s == NULL) {
        return NGX_ERROR;
    }

    ngx_pimap_update_result_address(d, &address, buf);

    if (ngx_pimap_update_stream_add(&s->account, &address, &update, 1,
                            ngx_pimap_submit_answered, s, &why)
        == NULL)
    {
        ngx_free(s);

        ngx_pimap_count(updates_failed);
        return ngx_pimap_submit_refuse(d, &update.id, why);
    }

    d->submitted++;

    return NGX_OK;
}


static ngx_pimap_submission_t *
ngx_pimap_submit_create(ngx_pimap_device_t *d, ngx_str_t *id)
{
    ngx_str_t               *account;
    ngx_pimap_submission_t  *s;

    account = &d->account->sn.str;

    s = ngx_alloc(offsetof(ngx_pimap_submission_t, text) + account->len
                  + id->len, ngx_cycle->log);
    if (s == NULL) {
        return NULL;
    }

    s->token = d->token;

    s->account.len = account->len;
    s->account.data = s->text;
    s->id.len = id->len;
    s->id.data = ngx_cpymem(s->text, account->data, account->len);
    ngx_memcpy(s->id.data, id->data, id->len);

    return s;
}


static void
ngx_pimap_submit_answered(void *data, redisReply *reply)
{
    ngx_uint_t               status, at;
    const char              *why;
    ngx_pimap_device_t      *d;
    ngx_pimap_submission_t  *s = data;

    status = ngx_pimap_update_stream_answer(reply, 1, ngx_cycle->log, &at,
                                            &why);

    if (status == NGX_HTTP_ACCEPTED) {
        ngx_pimap_count(updates);
    }

    d = ngx_pimap_submit_device(s);

    if (d) {
        d->submitted--;

        if (status == NGX_HTTP_ACCEPTED) {
            (void) ngx_pimap_submit_tell(d,
                           ngx_pimap_encode(d->format,
                                         NGX_PIMAP_CONTROL_ACCEPTED, 0, NULL,
                                         d->transport->log(d->connection),
                                         &s->id));
        } else {
            (void) ngx_pimap_submit_refuse(d, &s->id, why);
        }
    }

    ngx_free(s);
}


/* One that has been here, gone, and come back has nothing that waits. */

static ngx_pimap_device_t *
ngx_pimap_submit_device(ngx_pimap_submission_t *s)
{
    ngx_queue_t          *q;
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    account = ngx_pimap_account_find(&s->account);

    if (account == NULL) {
        return NULL;
    }

    for (q = ngx_queue_head(&account->devices);
         q != ngx_queue_sentinel(&account->devices);
         q = ngx_queue_next(q))
    {
        d = ngx_queue_data(q, ngx_pimap_device_t, link);

        if (d->token == s->token) {
            return d->doomed || d->submitted == 0 ? NULL : d;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_pimap_submit_refuse(ngx_pimap_device_t *d, ngx_str_t *id,
    const char *why)
{
    return ngx_pimap_submit_tell(d,
                                 ngx_pimap_encode_refused(d->format, id, why,
                                         d->transport->log(d->connection)));
}


/* Takes the text's reference. */

static ngx_int_t
ngx_pimap_submit_tell(ngx_pimap_device_t *d, ngx_pimap_message_t *text)
{
    if (text == NULL) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return NGX_ERROR;
    }

    (void) ngx_pimap_device_send(d, text);

    ngx_pimap_message_unref(text);

    return NGX_OK;
}
