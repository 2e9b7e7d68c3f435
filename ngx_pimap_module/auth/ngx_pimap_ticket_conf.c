
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the check that a ticket has the limits of the token with which a page
 * got it.  Called in the configuration phase.  Invariant: a location with
 * "pimap_ticket" and one that takes its tickets read a token alike, or
 * "nginx -t" warns.
 */


#include "ngx_pimap_login.h"


typedef struct {
    const char  *directive;
    size_t       offset;
    ngx_uint_t   limit;         /* of a token; else it is what names a token */
} ngx_pimap_ticket_rule_t;


static void ngx_pimap_ticket_conf_issued(ngx_conf_t *cf,
    ngx_pimap_main_conf_t *pmcf);
static void ngx_pimap_ticket_conf_rule(ngx_conf_t *cf,
    const ngx_pimap_ticket_rule_t *rule, ngx_pimap_loc_conf_t *ticket,
    ngx_array_t *locations);
static ngx_uint_t ngx_pimap_ticket_conf_takes(ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket);
static ngx_uint_t ngx_pimap_ticket_conf_same_key(ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket);
static ngx_uint_t ngx_pimap_ticket_conf_excludes(ngx_str_t *one,
    ngx_str_t *two);
static ngx_uint_t ngx_pimap_ticket_conf_differs(
    const ngx_pimap_ticket_rule_t *rule, ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket);
static void ngx_pimap_ticket_conf_warn(ngx_conf_t *cf,
    const ngx_pimap_ticket_rule_t *rule, ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket);


#define ngx_pimap_ticket_rule(name, limit)                                    \
    { "pimap_token_" #name, offsetof(ngx_pimap_loc_conf_t, token_##name),     \
      limit }

#define ngx_pimap_ticket_rule_value(rule, conf)                               \
    ((ngx_str_t *) ((u_char *) (conf) + (rule)->offset))

static const ngx_pimap_ticket_rule_t  ngx_pimap_ticket_rules[] = {
    ngx_pimap_ticket_rule(issuer, 0),
    ngx_pimap_ticket_rule(audience, 0),
    ngx_pimap_ticket_rule(claim, 0),
    ngx_pimap_ticket_rule(device_claim, 1),
    ngx_pimap_ticket_rule(types_claim, 1),
    ngx_pimap_ticket_rule(updates_claim, 1),
    { NULL, 0, 0 }
};


void
ngx_pimap_ticket_conf_check(ngx_conf_t *cf)
{
    ngx_uint_t                       i;
    ngx_pimap_loc_conf_t           **tickets;
    ngx_pimap_main_conf_t           *pmcf;
    const ngx_pimap_ticket_rule_t   *rule;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
    tickets = pmcf->tickets.elts;

    ngx_pimap_ticket_conf_issued(cf, pmcf);

    for (i = 0; i < pmcf->tickets.nelts; i++) {
        for (rule = ngx_pimap_ticket_rules; rule->directive; rule++) {
            ngx_pimap_ticket_conf_rule(cf, rule, tickets[i], &pmcf->events);
        }
    }
}


/* Without a key of its own a location takes tickets of this nginx only. */

static void
ngx_pimap_ticket_conf_issued(ngx_conf_t *cf, ngx_pimap_main_conf_t *pmcf)
{
    ngx_uint_t              i;
    ngx_pimap_loc_conf_t  **conf;

    conf = pmcf->tickets.elts;

    for (i = 0; i < pmcf->tickets.nelts; i++) {
        if (conf[i]->ticket_keys == NULL) {
            return;
        }
    }

    conf = pmcf->events.elts;

    for (i = 0; i < pmcf->events.nelts; i++) {

        if ((conf[i]->login & NGX_PIMAP_LOGIN_TICKET)
            && conf[i]->ticket_keys == NULL)
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"pimap_login ticket\" has no effect in %V:%ui: no "
                          "location issues such tickets, add one with "
                          "\"pimap_ticket\", or the \"pimap_ticket_key\" of "
                          "the host that issues them", &conf[i]->file,
                          conf[i]->line);
            return;
        }
    }
}


/* One location that takes the tickets is enough. */

static void
ngx_pimap_ticket_conf_rule(ngx_conf_t *cf,
    const ngx_pimap_ticket_rule_t *rule, ngx_pimap_loc_conf_t *ticket,
    ngx_array_t *locations)
{
    ngx_uint_t              i;
    ngx_pimap_loc_conf_t  **events;

    events = locations->elts;

    for (i = 0; i < locations->nelts; i++) {

        if (ngx_pimap_ticket_conf_takes(events[i], ticket)
            && ngx_pimap_ticket_conf_differs(rule, events[i], ticket))
        {
            ngx_pimap_ticket_conf_warn(cf, rule, events[i], ticket);
            return;
        }
    }
}


/* True if a token for both locations could become a ticket for the first. */

static ngx_uint_t
ngx_pimap_ticket_conf_takes(ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket)
{
    return (ticket->login & NGX_PIMAP_LOGIN_TOKEN)
           && (events->login & NGX_PIMAP_LOGIN_TICKET)
           && ngx_pimap_ticket_conf_same_key(events, ticket)
           && !ngx_pimap_ticket_conf_excludes(&events->token_issuer,
                                              &ticket->token_issuer)
           && !ngx_pimap_ticket_conf_excludes(&events->token_audience,
                                              &ticket->token_audience);
}


/* The first key of a location signs its tickets. */

static ngx_uint_t
ngx_pimap_ticket_conf_same_key(ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket)
{
    ngx_uint_t        i;
    ngx_pimap_key_t  *key, *first;

    if (events->ticket_keys == NULL || ticket->ticket_keys == NULL) {
        return events->ticket_keys == ticket->ticket_keys;
    }

    key = events->ticket_keys->elts;
    first = ticket->ticket_keys->elts;

    for (i = 0; i < events->ticket_keys->nelts; i++) {
        if (ngx_pimap_equal(&key[i].text, &first->text)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_pimap_ticket_conf_excludes(ngx_str_t *one, ngx_str_t *two)
{
    return one->len && two->len && !ngx_pimap_equal(one, two);
}


/*
 * A location for tickets only says by its claims what it expects of them.
 * Tickets of stricter locations harm nobody, but lack rights of their tokens.
 */

static ngx_uint_t
ngx_pimap_ticket_conf_differs(const ngx_pimap_ticket_rule_t *rule,
    ngx_pimap_loc_conf_t *events, ngx_pimap_loc_conf_t *ticket)
{
    ngx_str_t   *wanted;
    ngx_uint_t   token;

    wanted = ngx_pimap_ticket_rule_value(rule, events);
    token = (events->login & NGX_PIMAP_LOGIN_TOKEN) != 0;

    if (ngx_pimap_equal(wanted, ngx_pimap_ticket_rule_value(rule, ticket))) {
        return 0;
    }

    return rule->limit ? wanted->len || token : wanted->len && token;
}


static void
ngx_pimap_ticket_conf_warn(ngx_conf_t *cf,
    const ngx_pimap_ticket_rule_t *rule, ngx_pimap_loc_conf_t *events,
    ngx_pimap_loc_conf_t *ticket)
{
    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"%s\" is \"%V\" in the location with \"pimap_ticket\" in "
                  "%V:%ui, and \"%V\" in the one with \"pimap_events\" in "
                  "%V:%ui, which takes its tickets: a ticket has other limits "
                  "than its token. Set the directive in \"server\" or "
                  "\"http\", for both",
                  rule->directive, ngx_pimap_ticket_rule_value(rule, ticket),
                  &ticket->file, ticket->line,
                  ngx_pimap_ticket_rule_value(rule, events),
                  &events->file, events->line);
}
