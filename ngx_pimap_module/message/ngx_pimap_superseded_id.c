
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the id of "superseded" in Server-Sent Events.  An EventSource sends it
 * when it comes back by itself, and is told to stay away.  Called by the
 * encoder of SSE, which writes it, and the events location, which reads it.
 * Invariant: the id in front of the mark is the device's, so nothing is lost.
 */


#include "ngx_pimap_encode.h"


/* An EventSource comes back sooner; a later request is one of the user. */
#define NGX_PIMAP_SUPERSEDED_TIME  3600     /* seconds */

#define NGX_PIMAP_SUPERSEDED_MARK  ".superseded."


/* "<id>.superseded.<seconds since 1970>" */

u_char *
ngx_pimap_superseded_id_text(u_char *p, pimap_event_id_t *id)
{
    if (id) {
        p += pimap_event_id_text(id, p);

    } else {
        p = ngx_cpymem(p, "unknown", sizeof("unknown") - 1);
    }

    return ngx_sprintf(p, NGX_PIMAP_SUPERSEDED_MARK "%T", ngx_time());
}


ngx_uint_t
ngx_pimap_superseded_id_strip(ngx_str_t *id)
{
    size_t   len;
    time_t   time, now;
    u_char  *mark, *last;

    len = sizeof(NGX_PIMAP_SUPERSEDED_MARK) - 1;

    if (id->len < len) {
        return 0;
    }

    last = id->data + id->len;

    mark = ngx_strlcasestrn(id->data, last,
                            (u_char *) NGX_PIMAP_SUPERSEDED_MARK, len - 1);
    if (mark == NULL) {
        return 0;
    }

    time = ngx_atotm(mark + len, last - mark - len);
    id->len = mark - id->data;
    now = ngx_time();

    return time >= now - NGX_PIMAP_SUPERSEDED_TIME
           && time <= now + NGX_PIMAP_SUPERSEDED_TIME;
}
