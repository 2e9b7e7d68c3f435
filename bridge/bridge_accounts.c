
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the page that tells why an account is watched or not.  Called by
 * bridge_http.c.
 */


#include "bridge_http.h"
#include "bridge_auth.h"
#include "bridge_supervisor.h"

#include <stdlib.h>
#include <time.h>

#include <event2/http.h>


#define BRIDGE_ACCOUNTS_MAX  1000       /* in a page */


typedef struct {
    struct evbuffer  *page;
    const char       *state;            /* only these; NULL: all */
    unsigned          n;
    unsigned          left;             /* not on the page */
} bridge_accounts_t;


static void bridge_accounts_add(bridge_accounts_t *list,
    bridge_account_t *account);
static const char *bridge_accounts_state(bridge_account_t *account);
static json_t *bridge_accounts_contacts(bridge_account_t *account);
static json_t *bridge_accounts_until(bridge_account_t *account);


int
bridge_accounts_page(struct evbuffer *page, const char *query)
{
    char               *own;
    const char         *name;
    bridge_account_t   *account, *next;
    struct evkeyvalq    args;
    bridge_accounts_t   list;

    if (evhttp_parse_query_str(query ? query : "", &args) != 0) {
        evbuffer_add_printf(page, "{\"error\":\"bad query\"}\n");
        return 400;
    }

    memset(&list, 0, sizeof(bridge_accounts_t));

    list.page = page;
    list.state = evhttp_find_header(&args, "state");
    name = evhttp_find_header(&args, "account");

    evbuffer_add_printf(page, "{\"accounts\":[");

    if (name) {
        own = bridge_login_name(name);
        account = bridge_account_find(own);
        free(own);

        if (account) {
            bridge_accounts_add(&list, account);
        }

    } else {
        bridge_account_each(account, next) {
            bridge_accounts_add(&list, account);
        }
    }

    evbuffer_add_printf(page, "%s],\"more\":%u}\n", list.n ? "\n" : "",
                        list.left);
    evhttp_clear_headers(&args);

    return 200;
}


static void
bridge_accounts_add(bridge_accounts_t *list, bridge_account_t *account)
{
    char        *text;
    json_t      *object;
    const char  *state;

    state = bridge_accounts_state(account);

    if (list->state && strcmp(list->state, state) != 0) {
        return;
    }

    if (list->n == BRIDGE_ACCOUNTS_MAX) {
        list->left++;
        return;
    }

    object = json_pack("{s:s, s:s, s:b, s:s*, s:s*, s:s*, s:o*, s:o*}",
                       "account", account->name, "state", state,
                       "device", account->present,
                       "by", account->session == BRIDGE_SESSION_READY
                             ? account->how : NULL,
                       "bridge", account->state == BRIDGE_ACCOUNT_OTHER
                                 ? account->holder : NULL,
                       "reason", account->why,
                       "until", bridge_accounts_until(account),
                       "contacts", bridge_accounts_contacts(account));

    text = json_dumps(object, JSON_COMPACT);
    json_decref(object);

    if (text == NULL) {
        list->left++;
        return;
    }

    evbuffer_add_printf(list->page, "%s\n%s", list->n ? "," : "", text);
    list->n++;

    free(text);
}


static const char *
bridge_accounts_state(bridge_account_t *account)
{
    if (account->session == BRIDGE_SESSION_READY) {
        return "watched";
    }

    if (account->state == BRIDGE_ACCOUNT_OTHER || account->elsewhere) {
        return "other";
    }

    if (account->refused) {
        return "refused";
    }

    if (bridge_account_unwatched(account)) {
        return "unwatched";
    }

    return account->state == BRIDGE_ACCOUNT_IDLE ? "idle"
           : account->state == BRIDGE_ACCOUNT_WAITING ? "waiting" : "opening";
}


static json_t *
bridge_accounts_contacts(bridge_account_t *account)
{
    const char  *state, *why;

    state = bridge_session_dav_status(account, &why);

    return state ? json_pack("{s:s, s:s*}", "state", state, "reason", why)
                 : NULL;
}


/* RFC 3339 */

static json_t *
bridge_accounts_until(bridge_account_t *account)
{
    char           text[32];
    time_t         at;
    struct tm      tm;
    bridge_msec_t  now;

    now = bridge_now();

    if (account->state != BRIDGE_ACCOUNT_WAITING) {
        return NULL;
    }

    at = time(NULL) + (account->due > now ? (account->due - now) / 1000 : 0);
    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);

    return json_string(text);
}
