
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request with updates, from its checked body to its answer.
 */


#ifndef _NGX_PIMAP_UPDATE_REQUEST_H_INCLUDED_
#define _NGX_PIMAP_UPDATE_REQUEST_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_update_waiter.h"


/*
 *  state     event                  action                       next state
 *
 *  CHECKING  token valid            send the updates             SENDING
 *            token revoked          answer 401                   end
 *            no reply               answer 503                   end
 *            subscribed, time over  none
 *  SENDING   Redis has them         take results                 WAITING
 *            Redis refuses          answer 409 or 503            end
 *            subscribed             send again
 *            time over              none: Redis decides
 *  WAITING   reply                  take results
 *            result                 take it
 *            subscribed             send again
 *            time over              answer                       end
 *
 * In WAITING the request is answered as soon as no result is missing, or when
 * it does not wait.  To send again adds nothing: Redis returns the results of
 * updates that it knows.  It is done once the account is subscribed, because
 * results may have been published before.
 */
typedef enum {
    NGX_PIMAP_UPDATE_CHECKING = 0,
    NGX_PIMAP_UPDATE_SENDING,
    NGX_PIMAP_UPDATE_WAITING
} ngx_pimap_update_state_t;


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t        *request;
    ngx_str_t                  account;
    ngx_str_t                  device;      /* may be empty */
    ngx_array_t                updates;     /* of ngx_pimap_update_item_t */

    ngx_pimap_update_state_t   state;
    ngx_str_t                 *results;     /* JSON; empty: still missing */
    ngx_uint_t                 missing;
    ngx_pimap_command_t       *command;     /* NULL: Redis has answered */
    ngx_pimap_waiter_t         waiter;
    ngx_uint_t                 wait;        /* seconds; 0: it does not wait */

    ngx_int_t                  refused;     /* a content handler's result */
} ngx_pimap_update_request_t;


/* NULL if memory is out. */
ngx_pimap_update_request_t *ngx_pimap_update_request_create(
    ngx_http_request_t *r);

/*
 * Sends the updates, and waits for their results for "wait" at most; 0: not
 * at all.  Returns what a content handler returns.
 */
ngx_int_t ngx_pimap_update_request_start(ngx_pimap_update_request_t *ur,
    ngx_msec_t wait);


#endif /* _NGX_PIMAP_UPDATE_REQUEST_H_INCLUDED_ */
