
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Sends an event to a device if its filter lets it pass.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_histogram.h"


#define NGX_PIMAP_FANOUT_CONNECTION  176    /* bytes, of a hibernated one */


/*
 * The clocks of two hosts may differ, so the fast clock is exact enough,
 * although it has steps of up to 4 ms.
 */

void
ngx_pimap_fanout_latency(uint64_t msec)
{
    uint64_t         now;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME_COARSE, &ts);

    now = (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;

    ngx_pimap_histogram_count(NGX_PIMAP_HISTOGRAM_LATENCY,
                              now > msec * 1000 ? now - msec * 1000 : 0);
}


ngx_int_t
ngx_pimap_fanout_one(ngx_pimap_device_t *d, pimap_event_t *ev)
{
    ngx_int_t            rc;
    ngx_pimap_encoded_t  encoded;

    ngx_memzero(&encoded, sizeof(ngx_pimap_encoded_t));

    rc = ngx_pimap_fanout_device(d, ev, &encoded);

    ngx_pimap_encoded_free(&encoded);

    return rc;
}


/* The result of an update is for its sender, whatever the filter says. */

ngx_int_t
ngx_pimap_fanout_device(ngx_pimap_device_t *d, pimap_event_t *ev,
    ngx_pimap_encoded_t *encoded)
{
    ngx_int_t             rc;
    ngx_pimap_message_t  *message;

    ngx_pimap_prefetch(d->connection, NGX_PIMAP_FANOUT_CONNECTION);
    ngx_pimap_fanout_soon(ngx_queue_next(&d->link));

    if (!(ngx_pimap_update_result(ev) ? ngx_pimap_update_result_is_for(d, ev)
                                      : ngx_pimap_filter_match(d->filter, ev)))
    {
        ngx_pimap_count(filtered);
        return NGX_OK;
    }

    message = ngx_pimap_encode_event(encoded, d->format, ev, ngx_cycle->log);

    if (message == NULL) {
        ngx_pimap_count(dropped);
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
        return NGX_ERROR;
    }

    rc = ngx_pimap_device_send(d, message);

    /* an event of the log that has no room comes with the next response */

    if (rc == NGX_DONE && ev->epoch) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_pimap_count(dropped);
        return NGX_ERROR;
    }

    d->events++;
    ngx_pimap_count(delivered);

    if (d->closeafter) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLOSEAFTER, NULL);
    }

    return NGX_OK;
}


void
ngx_pimap_fanout_resync(ngx_pimap_device_t *d, ngx_str_t *reason,
    pimap_event_id_t *last)
{
    ngx_pimap_message_t  *message;

    ngx_pimap_count(resyncs);

    ngx_log_error(NGX_LOG_INFO, ngx_pimap_device_log(d), 0,
                  "pimap resync: reason=\"%V\" account=\"%V\"", reason,
                  &d->account->sub.sn.str);

    ngx_pimap_device_dbg(d, "resync");

    message = ngx_pimap_encode_resync(d->format, reason, last, ngx_cycle->log);

    if (ngx_pimap_device_send_control(d, message) != NGX_OK) {
        return;
    }

    /* a client that waits for the end would not see it before */

    if (d->closeafter) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_CLOSEAFTER, NULL);
    }
}
