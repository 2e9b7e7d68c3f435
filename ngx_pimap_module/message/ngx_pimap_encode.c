
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the table of control messages and of formats.  Called by all rooms that
 * send.  Invariant: an event is encoded once for each format.
 */


#include "ngx_pimap_encode.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_ENCODE_MEMBERS  384
#define NGX_PIMAP_ENCODE_DETAIL   80


static const struct {
    const char   *name;
    const char   *members;              /* a format of ngx_vslprintf() */
} ngx_pimap_encode_controls[NGX_PIMAP_NCONTROLS] = {
    [NGX_PIMAP_CONTROL_PARKED] = { "parked", "" },
    [NGX_PIMAP_CONTROL_POSITION] = { "position", "" },
    [NGX_PIMAP_CONTROL_RESYNC] = {
        "resync", "\"reason\":\"%V\",\"lastEventId\":\"%V\""
    },
    [NGX_PIMAP_CONTROL_PING] = { "ping", "\"interval\":%ui" },
    [NGX_PIMAP_CONTROL_SUPERSEDED] = { "superseded", "" },
    [NGX_PIMAP_CONTROL_EXPIRED] = { "expired", "\"reason\":\"%s\"" },
    [NGX_PIMAP_CONTROL_RETRY] = { "retry", "" },
    [NGX_PIMAP_CONTROL_ACCEPTED] = { "accepted", "\"update\":\"%V\"" },
    [NGX_PIMAP_CONTROL_REFUSED] = { "refused", "%V\"detail\":\"%*s\"" },
    [NGX_PIMAP_CONTROL_UNKNOWN] = { "unknown", "%V\"detail\":\"%*s\"" }
};


const ngx_pimap_encoder_t  *ngx_pimap_encoders[NGX_PIMAP_NFORMATS] = {
    [NGX_PIMAP_FORMAT_SSE] = &ngx_pimap_encode_sse,
    [NGX_PIMAP_FORMAT_NDJSON] = &ngx_pimap_encode_ndjson,
    [NGX_PIMAP_FORMAT_JSON] = &ngx_pimap_encode_object,
    [NGX_PIMAP_FORMAT_WEBSOCKET] = &ngx_pimap_encode_websocket,
    [NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE] = &ngx_pimap_encode_websocket_deflate
};


ngx_pimap_message_t *
ngx_pimap_encode(ngx_pimap_format_t format, ngx_pimap_control_t control,
    ngx_msec_t retry, pimap_event_id_t *id, ngx_log_t *log, ...)
{
    u_char                      members[NGX_PIMAP_ENCODE_MEMBERS];
    va_list                     args;
    ngx_pimap_message_t        *message;
    ngx_pimap_control_parts_t   parts;

    va_start(args, log);
    parts.members.len = ngx_vslprintf(members, members + sizeof(members),
                                ngx_pimap_encode_controls[control].members,
                                args)
                        - members;
    va_end(args);

    parts.members.data = members;
    parts.name = ngx_pimap_encode_controls[control].name;
    parts.superseded = (control == NGX_PIMAP_CONTROL_SUPERSEDED);
    parts.id = id;
    parts.retry = ngx_pimap_encode_jitter(retry);

    message = ngx_pimap_encoders[format]->control(&parts, log);

    /* a device that is only parked has not come to this id */

    if (message && id && control != NGX_PIMAP_CONTROL_PARKED
        && control != NGX_PIMAP_CONTROL_SUPERSEDED)
    {
        ngx_pimap_message_mark(message, control == NGX_PIMAP_CONTROL_POSITION
                                        ? NGX_PIMAP_MESSAGE_ID
                                        : NGX_PIMAP_MESSAGE_CONTROL, id);
    }

    return message;
}


ngx_pimap_message_t *
ngx_pimap_encode_resync(ngx_pimap_format_t format, ngx_str_t *reason,
    pimap_event_id_t *last, ngx_log_t *log)
{
    u_char     text[PIMAP_EVENT_ID_LEN];
    ngx_str_t  id;

    id.data = text;
    id.len = pimap_event_id_text(last, text);

    return ngx_pimap_encode(format, NGX_PIMAP_CONTROL_RESYNC, 0, last, log,
                            reason, &id);
}


/* Ids of updates need no escapes. */

ngx_pimap_message_t *
ngx_pimap_encode_refused(ngx_pimap_format_t format,
    ngx_pimap_control_t control, ngx_str_t *update, const char *detail,
    ngx_log_t *log)
{
    size_t     len;
    u_char     escaped[6 * NGX_PIMAP_ENCODE_DETAIL];
    u_char     text[NGX_PIMAP_ENCODE_MEMBERS];
    ngx_str_t  id;

    id.data = text;
    id.len = 0;

    if (update->len) {
        id.len = ngx_snprintf(text, sizeof(text), "\"update\":\"%V\",", update)
                 - text;
    }

    len = ngx_min(ngx_strlen(detail), NGX_PIMAP_ENCODE_DETAIL);
    len = (u_char *) ngx_escape_json(escaped, (u_char *) detail, len)
          - escaped;

    return ngx_pimap_encode(format, control, 0, NULL, log, &id, len, escaped);
}


ngx_pimap_message_t *
ngx_pimap_encode_event(ngx_pimap_encoded_t *encoded, ngx_pimap_format_t format,
    pimap_event_t *ev, ngx_log_t *log)
{
    pimap_event_id_t      id;
    ngx_pimap_message_t  *message;

    message = encoded->message[format];

    if (message) {
        ngx_pimap_count_n(compressed_shared, message->plain_len != 0);
        return message;
    }

    message = ngx_pimap_encoders[format]->event(ev, log);

    if (message) {
        id.epoch = ev->epoch;
        id.n = ev->n;

        ngx_pimap_message_mark(message, NGX_PIMAP_MESSAGE_EVENT,
                               ev->epoch ? &id : NULL);
    }

    encoded->message[format] = message;

    return message;
}


void
ngx_pimap_encoded_free(ngx_pimap_encoded_t *encoded)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_PIMAP_NFORMATS; i++) {
        if (encoded->message[i]) {
            ngx_pimap_message_compressed_free(encoded->message[i]);
            ngx_pimap_message_unref(encoded->message[i]);
        }
    }
}


ngx_msec_t
ngx_pimap_encode_jitter(ngx_msec_t retry)
{
    return retry / 2 + (ngx_msec_t) ngx_random() % (retry + 1);
}
