
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device may leave before Redis replies, so it is looked up again by its
 * token.  A device that went to another worker gets no reply.  Its client
 * repeats the update, or gets the result.
 */


#include "ngx_pimap_updates.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_command.h"

#include "pimap_update.h"


/* An update that waits for Redis. */
typedef struct {
    uint64_t      token;                /* of the device */
    ngx_str_t     account;
    ngx_str_t     id;
    u_char        bytes[1];             /* of both */
} ngx_pimap_submission_t;


static ngx_uint_t ngx_pimap_submit_allowed(ngx_pimap_device_t *d,
    pimap_update_t *u);
static ngx_int_t ngx_pimap_submit_send(ngx_pimap_device_t *d,
    pimap_update_t *u);
static ngx_pimap_submission_t *ngx_pimap_submit_create(ngx_pimap_device_t *d,
    ngx_str_t *id);
static void ngx_pimap_submit_answered(void *data, redisReply *reply);
static ngx_pimap_device_t *ngx_pimap_submit_device(
    ngx_pimap_submission_t *s);
static ngx_int_t ngx_pimap_submit_refuse(ngx_pimap_device_t *d, ngx_str_t *id,
    const char *why);
static ngx_int_t ngx_pimap_submit_answer(ngx_pimap_device_t *d, ngx_str_t *id,
    const char *why, ngx_pimap_control_t control);


ngx_int_t
ngx_pimap_submit(ngx_pimap_device_t *d, u_char *data, size_t len, size_t work)
{
    char            why[128];
    ngx_str_t       id;
    pimap_update_t  u;

    static ngx_str_t  none = ngx_null_string;

    if (d->closing) {
        return NGX_OK;
    }

    /* if that was too much, this message is the last one of this second */

    ngx_pimap_pace_message(d, work);

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

    if (!ngx_pimap_submit_allowed(d, &u)) {
        id.data = (u_char *) u.id.data;
        id.len = u.id.len;

        ngx_pimap_count(updates_invalid);
        return ngx_pimap_submit_refuse(d, &id, "the login does not allow "
                                               "this update");
    }

    return ngx_pimap_submit_send(d, &u);
}


static ngx_uint_t
ngx_pimap_submit_allowed(ngx_pimap_device_t *d, pimap_update_t *u)
{
    ngx_str_t  verbs;

    ngx_pimap_device_updates(d, &verbs);

    return pimap_update_allowed(u, (char *) verbs.data, verbs.len);
}


static ngx_int_t
ngx_pimap_submit_send(ngx_pimap_device_t *d, pimap_update_t *u)
{
    u_char                   buf[NGX_PIMAP_UPDATE_RESULT_ADDRESS];
    ngx_str_t                address;
    const char              *why;
    ngx_pimap_update_item_t       update;
    ngx_pimap_submission_t  *s;

    update.id.data = (u_char *) u->id.data;
    update.id.len = u->id.len;
    update.json.data = (u_char *) u->json.data;
    update.json.len = u->json.len;

    if (d->revocable && d->account->unproven) {
        ngx_pimap_count(updates_failed);
        return ngx_pimap_submit_refuse(d, &update.id,
                                       "Redis has not said whether the login "
                                       "is revoked");
    }

    if (d->submitted >= NGX_PIMAP_SUBMIT_MAX) {
        ngx_pimap_count(updates_failed);
        return ngx_pimap_submit_refuse(d, &update.id,
                                       "too many updates wait for Redis");
    }

    /* one device must not fill the queue of all */

    if (d->conf->update_rate
        && ngx_pimap_rate_exceeded(&d->updates, ngx_pimap_timer_wheel_now(),
                                   d->conf->update_rate, 1))
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

    account = &d->account->sub.sn.str;

    s = ngx_alloc(offsetof(ngx_pimap_submission_t, bytes) + account->len
                  + id->len, ngx_cycle->log);
    if (s == NULL) {
        return NULL;
    }

    s->token = d->token;

    s->account.len = account->len;
    s->account.data = s->bytes;
    s->id.len = id->len;
    s->id.data = ngx_cpymem(s->bytes, account->data, account->len);
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

    status = ngx_pimap_update_stream_answer(&s->account, reply, 1,
                                            ngx_cycle->log, &at, &why);

    if (status == NGX_HTTP_ACCEPTED) {
        ngx_pimap_count(updates);
    }

    d = ngx_pimap_submit_device(s);

    if (d) {
        d->submitted--;

        if (status == NGX_HTTP_ACCEPTED) {
            (void) ngx_pimap_device_send_control(d,
                           ngx_pimap_encode(d->format,
                                            NGX_PIMAP_CONTROL_ACCEPTED, 0,
                                            NULL, ngx_pimap_device_log(d),
                                            &s->id));
        } else {

            /* Redis may have it, unless it says that it has not */

            (void) ngx_pimap_submit_answer(d, &s->id, why,
                              reply && reply->type == REDIS_REPLY_ERROR
                              ? NGX_PIMAP_CONTROL_REFUSED
                              : NGX_PIMAP_CONTROL_UNKNOWN);
        }
    }

    ngx_free(s);
}


/* A device that has left and come back has no update that waits. */

static ngx_pimap_device_t *
ngx_pimap_submit_device(ngx_pimap_submission_t *s)
{
    ngx_pimap_device_t   *d;
    ngx_pimap_account_t  *account;

    account = ngx_pimap_subscription_find(&s->account);

    if (account == NULL) {
        return NULL;
    }

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->token == s->token) {
            return d->submitted ? d : NULL;
        }
    }

    return NULL;
}


/* NGX_ERROR: no memory. */

static ngx_int_t
ngx_pimap_submit_refuse(ngx_pimap_device_t *d, ngx_str_t *id,
    const char *why)
{
    return ngx_pimap_submit_answer(d, id, why, NGX_PIMAP_CONTROL_REFUSED);
}


static ngx_int_t
ngx_pimap_submit_answer(ngx_pimap_device_t *d, ngx_str_t *id,
    const char *why, ngx_pimap_control_t control)
{
    ngx_pimap_message_t  *message;

    message = ngx_pimap_encode_refused(d->format, control, id, why,
                                       ngx_pimap_device_log(d));

    (void) ngx_pimap_device_send_control(d, message);

    return message ? NGX_OK : NGX_ERROR;
}
