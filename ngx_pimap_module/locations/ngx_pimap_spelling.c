
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the warning that a user has devices by one name, and events by another:
 * with the domain and without it.  Called by preflight and publish_request.
 * Invariant: a worker writes at most one line a minute, and hardly ever two
 * for a name.  It asks Redis one question at a time, though many devices park.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_subscriber.h"


#define NGX_PIMAP_SPELLING_PAUSE  60            /* seconds */
#define NGX_PIMAP_SPELLING_TOLD   64            /* names, about */


/* A question to Redis, on the heap. */
typedef struct {
    ngx_str_t    account;
    u_char       data[1];
} ngx_pimap_spelling_t;


static ngx_uint_t ngx_pimap_spelling_bare(ngx_str_t *account,
    ngx_str_t *name);
static void ngx_pimap_spelling_answered(void *data, redisReply *reply);
static ngx_uint_t ngx_pimap_spelling_tell(ngx_str_t *account);


static ngx_uint_t  ngx_pimap_spelling_asks;
static time_t      ngx_pimap_spelling_last;
static uint32_t    ngx_pimap_spelling_told[NGX_PIMAP_SPELLING_TOLD];


void
ngx_pimap_spelling_published(ngx_str_t *account)
{
    ngx_str_t  name;

    if (ngx_pimap_spelling_bare(account, &name)
        && ngx_pimap_subscription_find(&name)
        && ngx_pimap_spelling_tell(account))
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap published an event to \"%V\", which has no "
                      "device, but \"%V\" has one: let users log in by the "
                      "name that the mail server publishes to", account,
                      &name);
    }
}


void
ngx_pimap_spelling_parked(ngx_str_t *account)
{
    ngx_str_t              name;
    ngx_pimap_spelling_t  *asked;

    if (ngx_pimap_spelling_asks || !ngx_pimap_spelling_bare(account, &name)) {
        return;
    }

    asked = ngx_alloc(sizeof(ngx_pimap_spelling_t) + account->len,
                      ngx_cycle->log);
    if (asked == NULL) {
        return;
    }

    ngx_memcpy(asked->data, account->data, account->len);
    asked->account.data = asked->data;
    asked->account.len = account->len;

    if (ngx_pimap_event_log_last(&name, ngx_pimap_spelling_answered, asked)
        == NULL)
    {
        ngx_free(asked);
        return;
    }

    ngx_pimap_spelling_asks = 1;
}


static void
ngx_pimap_spelling_answered(void *data, redisReply *reply)
{
    ngx_str_t              name;
    pimap_event_id_t       id;
    ngx_pimap_spelling_t  *asked = data;

    ngx_pimap_spelling_asks = 0;

    if (reply && ngx_pimap_event_log_id(reply, &id) == NGX_OK && id.epoch
        && ngx_pimap_spelling_bare(&asked->account, &name)
        && ngx_pimap_spelling_tell(&asked->account))
    {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "pimap parked a device of \"%V\", which has had no "
                      "event, but \"%V\" has: let users log in by the name "
                      "that the mail server publishes to", &asked->account,
                      &name);
    }

    ngx_free(asked);
}


/* The letters' case can't differ, see pimap_account_case. */

static ngx_uint_t
ngx_pimap_spelling_bare(ngx_str_t *account, ngx_str_t *name)
{
    u_char  *at;

    at = ngx_strlchr(account->data, account->data + account->len, '@');

    if (at == NULL || at == account->data) {
        return 0;
    }

    name->data = account->data;
    name->len = at - account->data;

    return 1;
}


static ngx_uint_t
ngx_pimap_spelling_tell(ngx_str_t *account)
{
    uint32_t  hash, *told;

    hash = ngx_crc32_long(account->data, account->len);
    told = &ngx_pimap_spelling_told[hash % NGX_PIMAP_SPELLING_TOLD];

    if (*told == hash
        || ngx_time() - ngx_pimap_spelling_last < NGX_PIMAP_SPELLING_PAUSE)
    {
        return 0;
    }

    *told = hash;
    ngx_pimap_spelling_last = ngx_time();

    return 1;
}
