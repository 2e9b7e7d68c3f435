
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the lines of the log about one device.  Called by ngx_pimap_device.c,
 * and for debug lines by all rooms above.  Invariant: a line has no secret.
 */


#include "ngx_pimap_device_backlog.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_log_reader.h"


static void ngx_pimap_device_quote(ngx_str_t *to, u_char *buf,
    ngx_str_t *name);


static const char  *ngx_pimap_device_reasons[NGX_PIMAP_NENDS] = {
    "client", "closeafter", "answered", "superseded", "slow", "timeout",
    "drain", "expired", "operator", "error"
};

static const char  *ngx_pimap_device_kinds[NGX_PIMAP_NKINDS] = {
    "held-h1", "held-h1-tls", "held-h2", "held-h2-tls",
    "detached", "detached-tls", "hibernated", "held-h3",
    "poll-h1", "poll-h1-tls", "poll-h2", "poll-h2-tls", NULL, NULL, NULL,
    "poll-h3"
};

static const char  *ngx_pimap_device_formats[NGX_PIMAP_NFORMATS] = {
    "sse", "ndjson", "json", "websocket", "websocket-deflate"
};


const char *
ngx_pimap_device_log_kind(ngx_pimap_device_t *d)
{
    return ngx_pimap_device_kinds[d->kind];
}


const char *
ngx_pimap_device_log_format(ngx_pimap_device_t *d)
{
    return ngx_pimap_device_formats[d->format];
}


pimap_event_id_t *
ngx_pimap_device_last_id(ngx_pimap_device_t *d)
{
    if (d->reader) {
        return &d->reader->id;
    }

    return d->account->backlog && d->number != d->account->number
           ? &d->account->backlog->before : &d->account->last_id;
}


/* A line for the tools of operators: its fields are a documented format. */

void
ngx_pimap_device_log_end(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    uint64_t now)
{
    u_char      text[NGX_INET6_ADDRSTRLEN];
    u_char      names[2][4 * NGX_PIMAP_DEVICE_MAX];
    int64_t     usec;
    uint64_t    msec;
    ngx_str_t   name, account, device, client;
    ngx_uint_t  level;

    level = d->conf->end_log_level;

    if (reason == NGX_PIMAP_END_SLOW) {
        level = ngx_min(level, NGX_LOG_WARN);
    }

    usec = (int64_t) (now - d->since);
    msec = (uint64_t) ngx_max(usec, 0) / 1000;

    ngx_pimap_device_name(d, &name);

    ngx_pimap_device_quote(&account, names[0], &d->account->sub.sn.str);
    ngx_pimap_device_quote(&device, names[1], &name);

    client.data = text;
    client.len = ngx_pimap_limit_address_text(d->address, text);

    ngx_log_error(level, ngx_pimap_device_log(d), 0,
                  "pimap ended: reason=\"%s\" account=\"%V\" device=\"%V\" "
                  "client=\"%V\" transport=\"%s\" seconds=\"%uL.%03uL\" "
                  "events=\"%uD\" bytes=\"%uL\"",
                  ngx_pimap_device_reasons[reason], &account, &device,
                  &client, ngx_pimap_device_kinds[d->kind],
                  msec / 1000, msec % 1000, d->events, d->bytes);
}


/* As in nginx's access log.  No name has control characters. */

static void
ngx_pimap_device_quote(ngx_str_t *to, u_char *buf, ngx_str_t *name)
{
    size_t   i;
    u_char  *p;

    p = buf;

    for (i = 0; i < name->len; i++) {
        if (name->data[i] == '"') {
            p = ngx_cpymem(p, "\\x22", 4);

        } else if (name->data[i] == '\\') {
            p = ngx_cpymem(p, "\\x5C", 4);

        } else {
            *p++ = name->data[i];
        }
    }

    to->data = buf;
    to->len = p - buf;
}


#if (NGX_DEBUG)

void
ngx_pimap_device_dbg(ngx_pimap_device_t *d, const char *state)
{
    ngx_log_t         *log;
    ngx_str_t          name;
    pimap_event_id_t  *id;

    log = ngx_pimap_device_log(d);

    if (!(log->log_level & NGX_LOG_DEBUG_HTTP)) {
        return;
    }

    ngx_pimap_device_name(d, &name);

    id = ngx_pimap_device_last_id(d);

    ngx_log_error_core(NGX_LOG_DEBUG, log, 0,
                       "pimap device: %s account:\"%V\" device:\"%V\" "
                       "transport:%s format:%s id:%uL-%uL reader:%s "
                       "unsent:%uz", state, &d->account->sub.sn.str, &name,
                       ngx_pimap_device_kinds[d->kind],
                       ngx_pimap_device_formats[d->format], id->epoch, id->n,
                       ngx_pimap_log_reader_text(d->reader),
                       d->transport->unsent(d->connection));
}

#endif
