
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
    bridge_address_t                  client;
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
static int bridge_auth_has_place(bridge_login_t *login);
static int bridge_auth_is_master(bridge_login_t *login);
static int bridge_auth_has_session(bridge_login_t *login);
static bridge_auth_entry_t *bridge_auth_new(bridge_login_t *login);
static void bridge_auth_finish(void *data, bridge_login_t *login,
    bridge_auth_result_t result, const char *why);
static void bridge_auth_log_refused(const bridge_address_t *client,
    const char *user);
static bridge_auth_wait_t *bridge_auth_refuse(bridge_login_t *login,
    bridge_auth_pt handler, void *data);
static bridge_auth_wait_t *bridge_auth_wait(bridge_auth_entry_t *entry,
    bridge_login_t *login, bridge_auth_pt handler, void *data);
static void bridge_auth_wait_end(bridge_auth_wait_t *wait,
    bridge_auth_result_t result, const char *text);
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

    bridge_auth_limit_init();

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

    bridge_auth_limit_done();

    OPENSSL_cleanse(bridge_auth_salt, sizeof(bridge_auth_salt));
}


bridge_auth_wait_t *
bridge_auth_check(bridge_login_t *login, bridge_auth_pt handler, void *data)
{
    bridge_auth_entry_t   *entry;
    bridge_auth_result_t   result;

    entry = bridge_auth_find(login);

    if ((entry && entry->list == &bridge_auth_good)
        || (entry == NULL && bridge_auth_has_session(login)))
    {
        bridge_counters.auth_cached++;

        bridge_auth_limit_good(login);
        bridge_supervisor_login(login, 0);
        handler(data, BRIDGE_AUTH_GOOD, login->user);

        return NULL;
    }

    result = BRIDGE_AUTH_BUSY;

    if (bridge_auth_has_place(login)) {

        if (bridge_auth_is_master(login)) {
            return bridge_auth_refuse(login, handler, data);
        }

        if (entry && entry->list) {
            bridge_counters.auth_cached++;
            return bridge_auth_refuse(login, handler, data);
        }

        if (entry == NULL) {
            entry = bridge_auth_new(login);
            result = BRIDGE_AUTH_AWAY;

            if (entry == NULL) {

                /* a session with it can log in in its own place */

                bridge_supervisor_unproven(login);
            }
        }

        if (entry) {
            return bridge_auth_wait(entry, login, handler, data);
        }
    }

    bridge_counters.auth[result]++;
    handler(data, result, result == BRIDGE_AUTH_BUSY
            ? "too many logins wait" : "the server has too many connections, "
            "or there is no server for this user");

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


/*
 * A half of the places is for users at addresses that are known.  An answer
 * that is only delayed makes room for a request that is not answered yet.
 */

static int
bridge_auth_has_place(bridge_login_t *login)
{
    unsigned  max;

    max = bridge_config->auth.max_waiting;

    if (login->client.known && !bridge_auth_limit_is_known(login)) {
        max -= max / 2;
    }

    while (bridge_auth_waits >= max && !TAILQ_EMPTY(&bridge_auth_slow)) {
        bridge_auth_wait_end(TAILQ_FIRST(&bridge_auth_slow), BRIDGE_AUTH_BAD,
                             NULL);
    }

    return bridge_auth_waits < max;
}


/* "alice*master": the master user's password is not for devices to try. */

static int
bridge_auth_is_master(bridge_login_t *login)
{
    bridge_server_t  *server;

    server = bridge_config_server(bridge_config, login->user);

    return server && server->master_separator && *server->master_separator
           && strstr(login->user, server->master_separator);
}


/* The server has accepted the login of a session, and not too long ago. */

static int
bridge_auth_has_session(bridge_login_t *login)
{
    bridge_account_t  *account;

    account = bridge_account_find(login->user);

    return account && !login->bearer && bridge_session_imap(account)
           && account->checked
           && bridge_now() - account->checked < bridge_config->auth.cache
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

    bridge_auth_limit_begin(login);

    TAILQ_INIT(&entry->waits);
    bridge_auth_digest(login, entry->digest);

    HASH_ADD(hh, bridge_auth_entries, digest, BRIDGE_AUTH_DIGEST, entry);

    return entry;
}


/* A bad login is answered after a delay. */

static void
bridge_auth_finish(void *data, bridge_login_t *login,
    bridge_auth_result_t result, const char *why)
{
    uint64_t              hash;
    bridge_auth_wait_t   *wait;
    bridge_auth_entry_t  *entry = data;

    memcpy(&hash, entry->digest, sizeof(hash));
    bridge_auth_limit_end(login, result, hash);

    if (result == BRIDGE_AUTH_GOOD) {
        bridge_auth_limit_good(login);
        bridge_supervisor_login(login, 1);

    } else if (result == BRIDGE_AUTH_BAD) {
        bridge_supervisor_unproven(login);
    }

    while (!TAILQ_EMPTY(&entry->waits)) {
        wait = TAILQ_FIRST(&entry->waits);

        if (result == BRIDGE_AUTH_BAD) {
            bridge_auth_log_refused(&wait->client, login->user);
            bridge_auth_slow_down(wait);

        } else {
            bridge_auth_wait_end(wait, result, result == BRIDGE_AUTH_GOOD
                                               ? login->user : why);
        }
    }

    bridge_auth_keep(entry, result);
}


/* integrations/fail2ban reads this line: its words stay. */

static void
bridge_auth_log_refused(const bridge_address_t *client, const char *user)
{
    char  text[BRIDGE_ADDRESS_TEXT];

    bridge_log(BRIDGE_LOG_NOTICE, "login refused: address %s, account \"%s\"",
               bridge_address_text(client, text), user);
}


static bridge_auth_wait_t *
bridge_auth_refuse(bridge_login_t *login, bridge_auth_pt handler, void *data)
{
    bridge_auth_log_refused(&login->client, login->user);

    return bridge_auth_wait(NULL, login, handler, data);
}


static bridge_auth_wait_t *
bridge_auth_wait(bridge_auth_entry_t *entry, bridge_login_t *login,
    bridge_auth_pt handler, void *data)
{
    bridge_auth_wait_t  *wait;

    wait = bridge_alloc(sizeof(bridge_auth_wait_t));

    wait->entry = entry;
    wait->client = login->client;
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
    const char *text)
{
    TAILQ_REMOVE(wait->entry ? &wait->entry->waits : &bridge_auth_slow, wait,
                 link);
    evtimer_del(&wait->timer);
    bridge_auth_waits--;

    if (wait->handler) {
        bridge_counters.auth[result]++;
        wait->handler(wait->data, result, text);
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
    bridge_auth_limit_expire(bridge_now());

    bridge_timer_set(&bridge_auth_timer, BRIDGE_AUTH_SWEEP);
}


static void
bridge_auth_expire(bridge_auth_entries_t *list, bridge_msec_t now)
{
    while (!TAILQ_EMPTY(list) && TAILQ_FIRST(list)->expires <= now) {
        bridge_auth_drop(TAILQ_FIRST(list));
    }
}
