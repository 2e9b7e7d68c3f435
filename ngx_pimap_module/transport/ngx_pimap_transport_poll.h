
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A transport: a request that waits for one answer, with all events that came
 * meanwhile in it.
 */


#ifndef _NGX_PIMAP_POLL_H_INCLUDED_
#define _NGX_PIMAP_POLL_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


ngx_int_t ngx_pimap_transport_poll_init_process(ngx_cycle_t *cycle);

/* For how long a poll waits that asks for so many seconds, if any. */
ngx_msec_t ngx_pimap_transport_poll_wait(ngx_pimap_loc_conf_t *plcf,
    ngx_int_t asked);

/* Parks the request, whose head is still to be sent: NGX_DONE. */
ngx_int_t ngx_pimap_transport_poll_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/* The worker leaves: those who wait are answered, and come back at once. */
void ngx_pimap_transport_poll_drain(void);


#endif /* _NGX_PIMAP_POLL_H_INCLUDED_ */
