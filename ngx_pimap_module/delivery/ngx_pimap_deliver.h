
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the first stage of an event: a message of Redis becomes a verb, or an
 * event in its order.  Called by the subscriber.
 *
 * The way of an event: deliver (receive, verbs, observers), gap (order),
 * coalesce, fanout (filter, encode), device (send).
 */


#ifndef _NGX_PIMAP_DELIVER_H_INCLUDED_
#define _NGX_PIMAP_DELIVER_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


/*
 * A control message: the handler gets what follows the verb.  NGX_DECLINED:
 * it is invalid.
 */
typedef struct {
    ngx_str_t    verb;              /* with its space; empty: the last row */
    ngx_int_t  (*handler)(ngx_pimap_account_t *account, u_char *data,
                          size_t len);
} ngx_pimap_verb_t;


typedef struct {
    const ngx_pimap_verb_t  *verbs;

    /* an event without an id, for an account with devices on their way here */
    void                   (*incoming)(ngx_pimap_account_t *account,
                                       pimap_event_t *ev);

    /* the result of an update, for an account with waiting requests */
    void                   (*result)(ngx_pimap_account_t *account,
                                     pimap_event_t *ev);
} ngx_pimap_deliver_handlers_t;


void ngx_pimap_deliver_init_process(
    const ngx_pimap_deliver_handlers_t *handlers);

/* The payload may be changed in place; it is not needed afterwards. */
void ngx_pimap_deliver(ngx_str_t *account, char *payload, size_t len);


#endif /* _NGX_PIMAP_DELIVER_H_INCLUDED_ */
