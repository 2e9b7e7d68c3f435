
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The login, the account and the device of a request.
 */


#ifndef _NGX_PIMAP_LOGIN_H_INCLUDED_
#define _NGX_PIMAP_LOGIN_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_token.h"

#include <jansson.h>


/*
 * ngx_pimap_login.c: The login of a request: by nginx, by a token or by a
 * ticket.
 */

/* "pimap_login" */
#define NGX_PIMAP_LOGIN_NGINX   0x0002
#define NGX_PIMAP_LOGIN_TOKEN   0x0004
#define NGX_PIMAP_LOGIN_TICKET  0x0008

typedef struct {
    ngx_http_request_t    *request;
    ngx_pimap_loc_conf_t  *conf;    /* whose rules it keeps */

    ngx_str_t     account;      /* empty: nginx knows no user */
    ngx_str_t     device;       /* the only allowed one; empty: any */
    uint32_t      types;        /* allowed ones */
    ngx_str_t     updates;      /* allowed verbs, as for
                                   pimap_update_allowed() */
    uint32_t      issued;       /* seconds since the epoch */
    uint32_t      expires;      /* 0: never */
    ngx_uint_t    token;        /* a token or ticket: can be revoked */
} ngx_pimap_login_t;

/*
 * NGX_OK; an HTTP status with "problem" set; NGX_ERROR if memory is out.  The
 * login lives as long as the request, and is checked only once.
 */
ngx_int_t ngx_pimap_login(ngx_http_request_t *r, ngx_pimap_login_t **login,
    const char **problem);

/* The result of an earlier ngx_pimap_login() in this location, or NULL. */
ngx_pimap_login_t *ngx_pimap_login_find(ngx_http_request_t *r);

/*
 * The end of a response that is parked with this login; 0: never.  It is a
 * little before the token's, by chance, so that many don't end together.
 */
uint32_t ngx_pimap_login_end(ngx_pimap_login_t *login, time_t leeway);

/*
 * The status of a request without a login, or NGX_ERROR; the answer offers
 * the ways to log in here.
 */
ngx_int_t ngx_pimap_login_missing(ngx_http_request_t *r);

/* Answers that the token is revoked, as a content handler does. */
ngx_int_t ngx_pimap_login_revoked(ngx_http_request_t *r);


/*
 * ngx_pimap_login_conf.c: The settings of logins: a part of the location's.
 */

ngx_int_t ngx_pimap_login_conf_merge(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);

/* ngx_pimap_login_rules.c: NGX_OK or NGX_ERROR. */
ngx_int_t ngx_pimap_login_rules(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf,
    ngx_pimap_loc_conf_t *prev);

/* ngx_pimap_ticket_conf.c: all locations are known. */
void ngx_pimap_ticket_conf_check(ngx_conf_t *cf);

/* for the command table */
char *ngx_pimap_login_conf_token_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_pimap_login_conf_ticket_key(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

extern ngx_conf_bitmask_t      ngx_pimap_login_conf_methods[];
extern ngx_pimap_conf_range_t  ngx_pimap_login_conf_leeway_post;
extern ngx_conf_post_t         ngx_pimap_login_conf_claim_post;
extern ngx_pimap_conf_range_t  ngx_pimap_login_conf_ticket_post;


/*
 * ngx_pimap_account_name.c: The account that nginx has logged the request
 * in for.
 */

extern ngx_conf_enum_t  ngx_pimap_account_name_cases[];

/*
 * NGX_OK, with an empty name if nginx knows no user; an HTTP status with
 * "problem" set; NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_account_name(ngx_http_request_t *r, ngx_str_t *account,
    const char **problem);

/* Likewise, of a name from a body: checks it, and gives it its spelling. */
ngx_int_t ngx_pimap_account_name_check(ngx_http_request_t *r,
    ngx_str_t *account, const char **problem);

/* True if the account is the user name that the client sends. */
ngx_uint_t ngx_pimap_account_name_is_user(ngx_pimap_loc_conf_t *plcf);

/* The value of a setting; NGX_DECLINED: invalid percent-encoding. */
ngx_int_t ngx_pimap_account_name_value(ngx_http_request_t *r,
    ngx_pimap_name_conf_t *conf, ngx_str_t *value);

/*
 * Reads the account and the device, if there is one, from the claims with
 * these names.  NGX_DECLINED, with "reason", if they are invalid.
 */
ngx_int_t ngx_pimap_account_name_claims(ngx_http_request_t *r,
    json_t *claims, ngx_str_t *account, ngx_str_t *device,
    ngx_pimap_login_t *login, const char **reason);


/*
 * ngx_pimap_login_updates.c: The updates that a login allows.
 */

/* for the command table */
char *ngx_pimap_login_updates_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * A list of a claim: an array of names, or a string of names with commas or
 * spaces.  NGX_DECLINED if it is another value, or too long.
 */
ngx_int_t ngx_pimap_login_updates_claim(ngx_pool_t *pool, json_t *claim,
    ngx_str_t *updates);

/* The names that are in both lists. */
ngx_int_t ngx_pimap_login_updates_both(ngx_pool_t *pool, ngx_str_t *one,
    ngx_str_t *two, ngx_str_t *both);


/*
 * ngx_pimap_identity.c: The account and the device of a request.
 */

/*
 * The login of the request, which has an account.  NGX_OK; an HTTP status with
 * "problem" set; NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_identity_login(ngx_http_request_t *r,
    ngx_pimap_login_t **login, const char **problem);

/* The device, which the login allows; it may be empty; likewise. */
ngx_int_t ngx_pimap_identity_device(ngx_http_request_t *r,
    ngx_str_t *device, const char **problem);


/*
 * ngx_pimap_ticket.c: Tickets: short-lived tokens of our own, for pages
 * that can't send a header.
 */

/* Keeps tickets and tokens apart. */
#define NGX_PIMAP_TICKET_AUDIENCE  "pimap-ticket"

/* A new ticket for this login, and its end; else not NGX_OK. */
ngx_int_t ngx_pimap_ticket_create(ngx_http_request_t *r,
    ngx_pimap_login_t *login, ngx_str_t *ticket, uint32_t *expires);

/* The keys of the location; "key" is room for the shared zone's. */
void ngx_pimap_ticket_keys(ngx_pimap_loc_conf_t *plcf, ngx_array_t *keys,
    ngx_pimap_key_t *key);

/* The login of the ticket; NGX_DECLINED if its claims are invalid. */
ngx_int_t ngx_pimap_ticket_claims(ngx_http_request_t *r,
    ngx_pimap_login_t *login, json_t *claims);


/*
 * ngx_pimap_redact.c: Keeps tokens and tickets of the query out of the
 * logs.
 */

/* Redacts the request line of each request. */
ngx_int_t ngx_pimap_redact_init(ngx_conf_t *cf);

/* Redacts $args and $request_uri, after the query has been read. */
void ngx_pimap_redact(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_LOGIN_H_INCLUDED_ */
