
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the counters of the metrics page.
 */


#include "dav_counters.h"


dav_counters_t  dav_counters;

const char  *dav_count_statuses[DAV_COUNT_STATUSES + 1] = {
    "done", "conflict", "refused", "invalid", "unsent", "unknown", NULL
};


void
dav_count_answer(const dav_answer_t *a)
{
    dav_counters.requests[a->result == DAV_HTTP_LIMIT ? DAV_COUNT_LIMIT
                          : a->result == DAV_HTTP_TLS ? DAV_COUNT_TLS
                          : a->result != DAV_HTTP_OK ? DAV_COUNT_LOST
                          : a->status / 100 == 2 ? DAV_COUNT_GOOD
                          : a->status == 401 ? DAV_COUNT_LOGIN
                          : a->status == 429 || a->status == 503
                            ? DAV_COUNT_BUSY
                          : a->status / 100 == 5 ? DAV_COUNT_ERROR
                          : DAV_COUNT_REFUSED]++;
}


void
dav_count_update(const char *status)
{
    unsigned  i;

    for (i = 0; i < DAV_COUNT_STATUSES; i++) {
        if (strcmp(status, dav_count_statuses[i]) == 0) {
            dav_counters.updates[i]++;
            return;
        }
    }
}
