
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What is said, in whatever format: how it is said is the encoder's affair.
 */


#include "ngx_pimap_encode.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_ENCODE_MEMBERS  384
#define NGX_PIMAP_ENCODE_DETAIL   80


const ngx_pimap_encoder_t  *ngx_pimap_encoders[NGX_PIMAP_NFORMATS] = {
    [NGX_PIMAP_SSE] = &ngx_pimap_encode_sse,
    [NGX_PIMAP_LINES] = &ngx_pimap_encode_ndjson,
    [NGX_PIMAP_JSON] = &ngx_pimap_encode_object,
    [NGX_PIMAP_FRAMES] = &ngx_pimap_encode_websocket,
    [NGX_PIMAP_DEFLATED] = &ngx_pimap_encode_deflated
};


ngx_pimap_message_t *
ngx_pimap_encode_hello(ngx_pimap_format_t format, ngx_msec_t retry,
    ngx_pimap_start_t *start, ngx_log_t *log)
{
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "parked";
    control.comment = "parked";
    control.retry = ngx_pimap_encode_jitter(retry);

    /* also a device that leaves before the first event can come back */

    if (start->known) {
        control.position = &start->position;
    }

    return ngx_pimap_encoders[format]->control(&control, log);
}


ngx_pimap_message_t *
ngx_pimap_encode_id(ngx_pimap_format_t format, pimap_event_id_t *position,
    ngx_log_t *log)
{
    ngx_pimap_message_t     *text;
    ngx_pimap_control_t   control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "position";
    control.comment = "position";
    control.position = position;

    text = ngx_pimap_encoders[format]->control(&control, log);

    if (text) {
        ngx_pimap_message_mark(text, NGX_PIMAP_MESSAGE_PLACE, position);
    }

    return text;
}


ngx_pimap_message_t *
ngx_pimap_encode_resync(ngx_pimap_format_t format, ngx_str_t *reason,
    pimap_event_id_t *last, ngx_log_t *log)
{
    u_char                id[PIMAP_EVENT_ID_LEN + 1];
    u_char                members[NGX_PIMAP_ENCODE_MEMBERS];
    ngx_pimap_message_t     *text;
    ngx_pimap_control_t   control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    id[pimap_event_id_text(last, id)] = '\0';

    control.name = "resync";
    control.position = last;
    control.members.data = members;
    control.members.len = ngx_snprintf(members, sizeof(members),
                                       "\"reason\":\"%V\","
                                       "\"lastEventId\":\"%s\"", reason, id)
                          - members;

    text = ngx_pimap_encoders[format]->control(&control, log);

    if (text) {
        ngx_pimap_message_mark(text, NGX_PIMAP_MESSAGE_CONTROL, last);
    }

    return text;
}


ngx_pimap_message_t *
ngx_pimap_encode_ping(ngx_pimap_format_t format, ngx_uint_t interval,
    ngx_log_t *log)
{
    u_char               members[NGX_PIMAP_ENCODE_MEMBERS];
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "ping";
    control.members.data = members;
    control.members.len = ngx_snprintf(members, sizeof(members),
                                       "\"interval\":%ui", interval)
                          - members;

    return ngx_pimap_encoders[format]->control(&control, log);
}


ngx_pimap_message_t *
ngx_pimap_encode_superseded(ngx_pimap_format_t format, ngx_msec_t retry,
    ngx_log_t *log)
{
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "superseded";
    control.retry = ngx_pimap_encode_jitter(retry);

    return ngx_pimap_encoders[format]->control(&control, log);
}


ngx_pimap_message_t *
ngx_pimap_encode_expired(ngx_pimap_format_t format, const char *reason,
    ngx_msec_t retry, ngx_log_t *log)
{
    u_char               members[NGX_PIMAP_ENCODE_MEMBERS];
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "expired";
    control.retry = ngx_pimap_encode_jitter(retry);
    control.members.data = members;
    control.members.len = ngx_snprintf(members, sizeof(members),
                                       "\"reason\":\"%s\"", reason)
                          - members;

    return ngx_pimap_encoders[format]->control(&control, log);
}


ngx_pimap_message_t *
ngx_pimap_encode_retry(ngx_pimap_format_t format, ngx_msec_t retry,
    ngx_log_t *log)
{
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "retry";
    control.comment = "come back";
    control.retry = ngx_pimap_encode_jitter(retry);

    return ngx_pimap_encoders[format]->control(&control, log);
}


/* Ids of updates need no escapes. */

ngx_pimap_message_t *
ngx_pimap_encode_accepted(ngx_pimap_format_t format, ngx_str_t *update,
    ngx_log_t *log)
{
    u_char               members[NGX_PIMAP_ENCODE_MEMBERS];
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    control.name = "accepted";
    control.members.data = members;
    control.members.len = ngx_snprintf(members, sizeof(members),
                                       "\"update\":\"%V\"", update)
                          - members;

    return ngx_pimap_encoders[format]->control(&control, log);
}


ngx_pimap_message_t *
ngx_pimap_encode_refused(ngx_pimap_format_t format, ngx_str_t *update,
    const char *detail, ngx_log_t *log)
{
    u_char              *p, *last;
    size_t               len;
    u_char               members[NGX_PIMAP_ENCODE_MEMBERS];
    u_char               escaped[6 * NGX_PIMAP_ENCODE_DETAIL];
    ngx_pimap_control_t  control;

    ngx_memzero(&control, sizeof(ngx_pimap_control_t));

    p = members;
    last = members + sizeof(members);

    if (update->len) {
        p = ngx_slprintf(p, last, "\"update\":\"%V\",", update);
    }

    len = ngx_min(ngx_strlen(detail), NGX_PIMAP_ENCODE_DETAIL);
    len = (u_char *) ngx_escape_json(escaped, (u_char *) detail, len)
          - escaped;

    p = ngx_slprintf(p, last, "\"detail\":\"%*s\"", len, escaped);

    control.name = "refused";
    control.members.data = members;
    control.members.len = p - members;

    return ngx_pimap_encoders[format]->control(&control, log);
}


ngx_pimap_message_t *
ngx_pimap_encode_event(ngx_pimap_texts_t *texts, ngx_pimap_format_t format,
    pimap_event_t *ev, ngx_log_t *log)
{
    ngx_pimap_message_t      *text;
    pimap_event_id_t   position;

    text = texts->text[format];

    if (text) {
        ngx_pimap_count_n(compressed_shared, text->plain != 0);
        return text;
    }

    text = ngx_pimap_encoders[format]->event(ev, log);

    if (text) {
        position.epoch = ev->epoch;
        position.n = ev->n;

        ngx_pimap_message_mark(text, NGX_PIMAP_MESSAGE_EVENT,
                            ev->epoch ? &position : NULL);
    }

    texts->text[format] = text;

    return text;
}


void
ngx_pimap_encode_free(ngx_pimap_texts_t *texts)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_PIMAP_NFORMATS; i++) {
        if (texts->text[i]) {
            ngx_pimap_message_unpack(texts->text[i]);
            ngx_pimap_message_unref(texts->text[i]);
        }
    }
}


ngx_msec_t
ngx_pimap_encode_jitter(ngx_msec_t retry)
{
    return retry / 2 + (ngx_msec_t) ngx_random() % (retry + 1);
}
