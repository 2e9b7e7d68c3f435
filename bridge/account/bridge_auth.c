
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An entry of the cache is a login that is being tried, or the answer of the
 * server.  Answers are in two lists, of good and of bad logins, in the order
 * in which they expire.
 */


#include "bridge_supervisor.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>


#define BRIDGE_AUTH_DIGEST  32
#define BRIDGE_AUTH_SWEEP   1000        /* msec */


typedef struct bridge_auth_entry_s  bridge_auth_entry_t;

struct bridge_auth_wait_s {
    TAILQ_ENTRY(bridge_auth_wait_s)   link;
    bridge_auth_entry_t              *entry;    /* NULL: only delayed */
    bridge_auth_pt                    handler;
    void                             *data;
    struct event                      timer;
};

typedef TAILQ_HEAD(, bridge_auth_wait_s)   bridge_auth_waits_t;
typedef TAILQ_HEAD(, bridge_auth_entry_s)  bridge_auth_entries_t;

struct bridge_auth_entry_s {
    UT_hash_handle                    hh;
    unsigned char                     digest[BRIDGE_AUTH_DIGEST];
    TAILQ_ENTRY(bridge_auth_entry_s)  link;
    bridge_auth_entries_t            *list;     /* NULL: being tried */
    bridge_msec_t                     expires;
    bridge_auth_attempt_t            *attempt;
    bridge_auth_waits_t               waits;
};


static void bridge_auth_digest(bridge_login_t *login, unsigned char *digest);
static bridge_auth_entry_t *bridge_auth_find(bridge_login_t *login);
static int bridge_auth_has_session(bridge_login_t *login);
static bridge_auth_entry_t *bridge_auth_new(bridge_login_t *login);
static void bridge_auth_finish(void *data, bridge_login_t *login,
    bridge_auth_result_t result);
static bridge_auth_wait_t *bridge_auth_wait(bridge_auth_entry_t *entry,
    bridge_auth_pt handler, void *data);
static void bridge_auth_wait_end(bridge_auth_wait_t *wait,
    bridge_auth_result_t result, const char *account);
static void bridge_auth_slow_down(bridge_auth_wait_t *wait);
static void bridge_auth_delayed(evutil_socket_t fd, short what, void *data);
static void bridge_auth_keep(bridge_auth_entry_t *entry,
    bridge_auth_result_t result);
static void bridge_auth_drop(bridge_auth_entry_t *entry);
static void bridge_auth_sweep(evutil_socket_t fd, short what, void *data);
static void bridge_auth_expire(bridge_auth_entries_t *list, bridge_msec_t now);


static bridge_auth_entry_t   *bridge_auth_entries;
static bridge_auth_entries_t  bridge_auth_good =
    TAILQ_HEAD_INITIALIZER(bridge_auth_good);
static bridge_auth_entries_t  bridge_auth_bad =
    TAILQ_HEAD_INITIALIZER(bridge_auth_bad);
static bridge_auth_waits_t    bridge_auth_slow =
    TAILQ_HEAD_INITIALIZER(bridge_auth_slow);

static unsigned               bridge_auth_waits;
static struct event           bridge_auth_timer;
static unsigned char          bridge_auth_salt[BRIDGE_AUTH_DIGEST];


void
bridge_auth_init(void)
{
    if (RAND_bytes(bridge_auth_salt, sizeof(bridge_auth_salt)) != 1) {
        bridge_log(BRIDGE_LOG_EMERG, "cannot cache logins: no random bytes");
        exit(1);
    }

    evtimer_assign(&bridge_auth_timer, bridge_base, bridge_auth_sweep, NULL);
    bridge_timer_set(&bridge_auth_timer, BRIDGE_AUTH_SWEEP);
}


void
bridge_auth_done(void)
{
    bridge_auth_entry_t  *entry, *next;

    evtimer_del(&bridge_auth_timer);

    HASH_ITER(hh, bridge_auth_entries, entry, next) {

        if (entry->list == NULL) {
            bridge_auth_attempt_cancel(entry->attempt);

        } else {
            bridge_auth_drop(entry);
        }
    }

    while (!TAILQ_EMPTY(&bridge_auth_slow)) {
        bridge_auth_wait_end(TAILQ_FIRST(&bridge_auth_slow), BRIDGE_AUTH_BAD,
                             NULL);
    }

    OPENSSL_cleanse(bridge_auth_salt, sizeof(bridge_auth_salt));
}


bridge_auth_wait_t *
bridge_auth_check(bridge_login_t *login, bridge_auth_pt handler, void *data)
{
    char                  *account;
    bridge_auth_entry_t   *entry;
    bridge_auth_result_t   result;

    entry = bridge_auth_find(login);

    if ((entry && entry->list == &bridge_auth_good)
        || (entry == NULL && bridge_auth_has_session(login)))
    {
        bridge_counters.auth_cached++;

        account = bridge_auth_account(login->user);
        bridge_supervisor_login(account, login, 0);
        handler(data, BRIDGE_AUTH_GOOD, account);
        free(account);

        return NULL;
    }

    result = BRIDGE_AUTH_BUSY;

    if (bridge_auth_waits < (unsigned) bridge_config->auth.max_waiting) {

        if (entry && entry->list) {
            bridge_counters.auth_cached++;
            return bridge_auth_wait(NULL, handler, data);
        }

        if (entry == NULL) {
            entry = bridge_auth_new(login);
            result = BRIDGE_AUTH_AWAY;
        }

        if (entry) {
            return bridge_auth_wait(entry, handler, data);
        }
    }

    bridge_counters.auth[result]++;
    handler(data, result, NULL);

    return NULL;
}


void
bridge_auth_gone(bridge_auth_wait_t *wait)
{
    wait->handler = NULL;

    bridge_auth_wait_end(wait, BRIDGE_AUTH_AWAY, NULL);
}


void
bridge_auth_refused(bridge_login_t *login)
{
    bridge_auth_entry_t  *entry;

    entry = bridge_auth_find(login);

    if (entry && entry->list == &bridge_auth_good) {
        bridge_auth_drop(entry);
    }
}


void
bridge_auth_flush(void)
{
    bridge_auth_expire(&bridge_auth_good, UINT64_MAX);
    bridge_auth_expire(&bridge_auth_bad, UINT64_MAX);
}


char *
bridge_auth_account(const char *user)
{
    return bridge_config->auth.lowercase ? g_ascii_strdown(user, -1)
                                         : bridge_string(user);
}


unsigned
bridge_auth_cached(void)
{
    return HASH_COUNT(bridge_auth_entries);
}


unsigned
bridge_auth_waiting(void)
{
    return bridge_auth_waits;
}


static void
bridge_auth_digest(bridge_login_t *login, unsigned char *digest)
{
    char      *text;
    size_t     user, size;

    user = strlen(login->user);
    size = 1 + user + 1 + login->len;

    text = bridge_alloc(size);

    text[0] = login->bearer;
    memcpy(text + 1, login->user, user);
    memcpy(text + 1 + user + 1, login->secret, login->len);

    if (HMAC(EVP_sha256(), bridge_auth_salt, sizeof(bridge_auth_salt),
             (unsigned char *) text, size, digest, NULL)
        == NULL)
    {
        bridge_log(BRIDGE_LOG_EMERG, "cannot hash a login: no memory");
        exit(1);
    }

    bridge_wipe_free(text, size);
}


static bridge_auth_entry_t *
bridge_auth_find(bridge_login_t *login)
{
    unsigned char         digest[BRIDGE_AUTH_DIGEST];
    bridge_auth_entry_t  *entry;

    bridge_auth_digest(login, digest);

    HASH_FIND(hh, bridge_auth_entries, digest, sizeof(digest), entry);

    if (entry && entry->list && entry->expires <= bridge_now()) {
        bridge_auth_drop(entry);
        return NULL;
    }

    return entry;
}


/* A session of the account has logged in with the same login. */

static int
bridge_auth_has_session(bridge_login_t *login)
{
    char              *name;
    bridge_account_t  *account;

    name = bridge_auth_account(login->user);
    account = bridge_account_find(name);
    free(name);

    return account && !login->bearer && bridge_session_imap(account)
           && bridge_login_equal(account->login, login);
}


static bridge_auth_entry_t *
bridge_auth_new(bridge_login_t *login)
{
    bridge_auth_entry_t  *entry;

    entry = bridge_alloc(sizeof(bridge_auth_entry_t));

    entry->attempt = bridge_auth_attempt(login, bridge_auth_finish, entry);

    if (entry->attempt == NULL) {
        free(entry);
        return NULL;
    }

    TAILQ_INIT(&entry->waits);
    bridge_auth_digest(login, entry->digest);

    HASH_ADD(hh, bridge_auth_entries, digest, BRIDGE_AUTH_DIGEST, entry);

    return entry;
}


/* A bad login is answered after a delay. */

static void
bridge_auth_finish(void *data, bridge_login_t *login,
    bridge_auth_result_t result)
{
    char                 *account;
    bridge_auth_wait_t   *wait;
    bridge_auth_entry_t  *entry = data;

    account = bridge_auth_account(login->user);

    if (result == BRIDGE_AUTH_GOOD) {
        bridge_supervisor_login(account, login, 1);
    }

    while (!TAILQ_EMPTY(&entry->waits)) {
        wait = TAILQ_FIRST(&entry->waits);

        if (result == BRIDGE_AUTH_BAD) {
            bridge_auth_slow_down(wait);

        } else {
            bridge_auth_wait_end(wait, result, account);
        }
    }

    free(account);

    bridge_auth_keep(entry, result);
}


static bridge_auth_wait_t *
bridge_auth_wait(bridge_auth_entry_t *entry, bridge_auth_pt handler,
    void *data)
{
    bridge_auth_wait_t  *wait;

    wait = bridge_alloc(sizeof(bridge_auth_wait_t));

    wait->entry = entry;
    wait->handler = handler;
    wait->data = data;

    evtimer_assign(&wait->timer, bridge_base, bridge_auth_delayed, wait);

    if (entry) {
        TAILQ_INSERT_TAIL(&entry->waits, wait, link);

    } else {
        TAILQ_INSERT_TAIL(&bridge_auth_slow, wait, link);
        bridge_timer_set(&wait->timer, bridge_config->auth.delay);
    }

    bridge_auth_waits++;

    return wait;
}


static void
bridge_auth_wait_end(bridge_auth_wait_t *wait, bridge_auth_result_t result,
    const char *account)
{
    TAILQ_REMOVE(wait->entry ? &wait->entry->waits : &bridge_auth_slow, wait,
                 link);
    evtimer_del(&wait->timer);
    bridge_auth_waits--;

    if (wait->handler) {
        bridge_counters.auth[result]++;
        wait->handler(wait->data, result, account);
    }

    free(wait);
}


static void
bridge_auth_slow_down(bridge_auth_wait_t *wait)
{
    TAILQ_REMOVE(&wait->entry->waits, wait, link);
    TAILQ_INSERT_TAIL(&bridge_auth_slow, wait, link);

    wait->entry = NULL;
    bridge_timer_set(&wait->timer, bridge_config->auth.delay);
}


static void
bridge_auth_delayed(evutil_socket_t fd, short what, void *data)
{
    bridge_auth_wait_end(data, BRIDGE_AUTH_BAD, NULL);
}


static void
bridge_auth_keep(bridge_auth_entry_t *entry, bridge_auth_result_t result)
{
    bridge_msec_t        time;
    bridge_auth_conf_t  *conf;

    conf = &bridge_config->auth;
    time = result == BRIDGE_AUTH_GOOD ? conf->cache
           : result == BRIDGE_AUTH_BAD ? conf->failed : 0;

    if (time == 0) {
        bridge_auth_drop(entry);
        return;
    }

    entry->expires = bridge_now() + time;
    entry->list = result == BRIDGE_AUTH_GOOD ? &bridge_auth_good
                                             : &bridge_auth_bad;

    TAILQ_INSERT_TAIL(entry->list, entry, link);

    if (HASH_COUNT(bridge_auth_entries) > (unsigned) conf->max_cached) {
        bridge_auth_drop(TAILQ_EMPTY(&bridge_auth_bad)
                         ? TAILQ_FIRST(&bridge_auth_good)
                         : TAILQ_FIRST(&bridge_auth_bad));
    }
}


static void
bridge_auth_drop(bridge_auth_entry_t *entry)
{
    if (entry->list) {
        TAILQ_REMOVE(entry->list, entry, link);
    }

    HASH_DEL(bridge_auth_entries, entry);

    bridge_wipe_free(entry, sizeof(bridge_auth_entry_t));
}


static void
bridge_auth_sweep(evutil_socket_t fd, short what, void *data)
{
    bridge_auth_expire(&bridge_auth_good, bridge_now());
    bridge_auth_expire(&bridge_auth_bad, bridge_now());

    bridge_timer_set(&bridge_auth_timer, BRIDGE_AUTH_SWEEP);
}


static void
bridge_auth_expire(bridge_auth_entries_t *list, bridge_msec_t now)
{
    while (!TAILQ_EMPTY(list) && TAILQ_FIRST(list)->expires <= now) {
        bridge_auth_drop(TAILQ_FIRST(list));
    }
}
