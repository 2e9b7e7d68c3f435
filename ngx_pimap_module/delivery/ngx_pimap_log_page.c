
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what a page of the log says: its events, and those that are gone.
 * Called by the replay.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"


/*
 * A reader that starts before the first event misses the events that the log
 * has dropped.  True if there are any; "before" is the last of them.
 */

ngx_uint_t
ngx_pimap_log_page_trimmed(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page, pimap_event_id_t *before)
{
    if (reader->id.epoch || reader->earliest || page->n == 0
        || ngx_pimap_event_log_id(page->entries[0], before) != NGX_OK
        || before->n <= 1)
    {
        return 0;
    }

    before->n--;

    return 1;
}


/* NGX_DECLINED: the text is no event.  NGX_ERROR: no memory. */

ngx_int_t
ngx_pimap_log_page_event(ngx_pimap_account_t *account, pimap_event_t *ev,
    redisReply **entry, pimap_event_id_t *id)
{
    char                    why[128];
    ngx_str_t               text;
    pimap_event_status_t    status;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    /* the page has been checked for ids */

    (void) ngx_pimap_event_log_id(entry[0], id);
    status = pimap_event_parse_json(ev, entry[1]->str, entry[1]->len,
                                    pmcf->max_event, why, sizeof(why));

    if (status == PIMAP_EVENT_NO_MEMORY) {
        return NGX_ERROR;
    }

    if (status != PIMAP_EVENT_OK) {
        text.data = (u_char *) entry[0]->str;
        text.len = entry[0]->len;
        ngx_pimap_refusal(&account->sub.sn.str, &text, why);
        return NGX_DECLINED;
    }

    ev->epoch = id->epoch;
    ev->n = id->n;
    ev->id.data = entry[0]->str;
    ev->id.len = entry[0]->len;

    return NGX_OK;
}
