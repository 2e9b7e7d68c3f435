
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The functions of the room, file by file.
 */


#ifndef _NGX_PIMAP_LOCATIONS_H_INCLUDED_
#define _NGX_PIMAP_LOCATIONS_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_event_log.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_updates.h"

#include "pimap_event_id.h"


/*
 * ngx_pimap_events.c: The "pimap_events" location: its requests are parked.
 */

ngx_int_t ngx_pimap_events_handler(ngx_http_request_t *r);


/*
 * ngx_pimap_preflight.c: Questions to Redis before the head of a response:
 * the event id that the device starts from, and whether its login is
 * revoked.
 */

/* In the request's pool. */
typedef struct {
    ngx_http_request_t        *request;
    ngx_pimap_park_request_t  *parking;     /* gets its start */
    void                     (*handler)(void *data);
    void                      *data;

    ngx_pimap_command_t       *command;     /* for the end of the log */
    ngx_pimap_command_t       *revocation;
    ngx_event_t                timer;
    ngx_uint_t                 revoked;
} ngx_pimap_preflight_t;

/*
 * NGX_OK: nothing has to be asked.  NGX_AGAIN: the handler is called after the
 * reply of Redis, or after a time; until then the request's context is used.
 */
ngx_int_t ngx_pimap_preflight(ngx_pimap_preflight_t *preflight);

/* A clean-up handler: the request ends, and its handler is not called. */
void ngx_pimap_preflight_forget(void *data);


/*
 * ngx_pimap_publish.c: The "pimap_publish" location: events to publish.
 */

ngx_int_t ngx_pimap_publish_handler(ngx_http_request_t *r);

/* ngx_pimap_publish_conf.c: for the command table */
char *ngx_pimap_publish_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_pimap_spelling.c: An account has no device, or has had no event. */

void ngx_pimap_spelling_published(ngx_str_t *account);
void ngx_pimap_spelling_parked(ngx_str_t *account);


/*
 * ngx_pimap_response_head.c: The head of a response with events, and a
 * response that ends at once.
 */

/* Returns what ngx_http_send_header() returns. */
ngx_int_t ngx_pimap_response_head(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/* A whole response with the time to come back. */
ngx_int_t ngx_pimap_response_head_later(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_msec_t retry);

/* A whole response, after which an EventSource does not come back. */
ngx_int_t ngx_pimap_response_head_away(ngx_http_request_t *r);


/*
 * Other locations.  ngx_pimap_status.c: counters and readiness.
 * ngx_pimap_ticket_location.c: a ticket for the login of the request.
 * ngx_pimap_update.c: updates for a backend.
 */

ngx_int_t ngx_pimap_status_handler(ngx_http_request_t *r);
ngx_int_t ngx_pimap_ticket_location_handler(ngx_http_request_t *r);
ngx_int_t ngx_pimap_update_handler(ngx_http_request_t *r);


/*
 * ngx_pimap_update_request.c: A request with updates, from its checked body to
 * its answer.
 */

/*
 *  state     event                  action                       next state
 *
 *  CHECKING  token valid            send the updates             SENDING
 *            token revoked          answer 401                   end
 *            no reply, or an error  answer 503                   end
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
    ngx_event_t                turn;        /* to read the body */

    ngx_pimap_update_state_t   state;
    ngx_str_t                 *results;     /* JSON; empty: still missing */
    ngx_uint_t                 missing;
    ngx_pimap_command_t       *command;     /* NULL: Redis has answered */
    struct ngx_pimap_update_addition_s  *addition;  /* NULL: the same */
    ngx_uint_t                 again;       /* to send them, after that */
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


#endif /* _NGX_PIMAP_LOCATIONS_H_INCLUDED_ */
