
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The transport of a request that waits for one answer, with all events that
 * came meanwhile.  Called by the location "pimap_events".
 */


#ifndef _NGX_PIMAP_TRANSPORT_POLL_H_INCLUDED_
#define _NGX_PIMAP_TRANSPORT_POLL_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


ngx_int_t ngx_pimap_poll_init_process(ngx_cycle_t *cycle);

/* The wait of a poll that asks for so many seconds, if for any. */
ngx_msec_t ngx_pimap_poll_wait(ngx_pimap_loc_conf_t *plcf, ngx_int_t asked);

/* Parks the request, whose head is still to be sent: NGX_DONE. */
ngx_int_t ngx_pimap_poll_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/* The worker quits: polls that wait are answered, and come again at once. */
void ngx_pimap_poll_drain(void);


#endif /* _NGX_PIMAP_TRANSPORT_POLL_H_INCLUDED_ */
