
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the counts of logins that the mail server has refused, and the
 * addresses from which accounts have logged in.  Called by bridge_auth.c and
 * bridge_http.c.
 *
 * A count rises by each refusal, and falls with time.  Logins that are being
 * tried count as if they were refused, so that many at once are no way around
 * the limit.
 *
 * A stranger chooses the names of accounts and, with IPv6, many addresses.  So
 * a count has a place of fixed size, under a keyed hash, and the count that
 * rose longest ago makes room.  Accounts with addresses have their own places,
 * which only a valid login takes.
 */


#include "bridge_auth.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <uthash.h>


#define BRIDGE_AUTH_LIMIT_KEY    16
#define BRIDGE_AUTH_LIMIT_NETS   8      /* of an account */
#define BRIDGE_AUTH_LIMIT_FRESH  10     /* times as many, without a refusal */
#define BRIDGE_AUTH_LIMIT_SOON   5      /* seconds until a try has ended */


typedef struct bridge_auth_count_s  bridge_auth_count_t;
typedef struct bridge_auth_known_s  bridge_auth_known_t;

struct bridge_auth_count_s {
    UT_hash_handle                    hh;
    unsigned char                     key[BRIDGE_AUTH_LIMIT_KEY];
    TAILQ_ENTRY(bridge_auth_count_s)  link;
    double                            level;    /* at the time "at" */
    bridge_msec_t                     at;
    unsigned                          trying;
    uint64_t                          last;     /* the login refused last */
};

typedef struct {
    unsigned char                     net[16];
    bridge_msec_t                     at;       /* the last login; 0: none */
    unsigned                          refused;  /* since then */
} bridge_auth_net_t;

struct bridge_auth_known_s {
    UT_hash_handle                    hh;
    unsigned char                     key[BRIDGE_AUTH_LIMIT_KEY];
    TAILQ_ENTRY(bridge_auth_known_s)  link;
    bridge_msec_t                     at;
    bridge_auth_net_t                 nets[BRIDGE_AUTH_LIMIT_NETS];
};


static void bridge_auth_limit_key(unsigned char *key, int kind,
    const void *data, size_t len);
static void bridge_auth_limit_account(unsigned char *key,
    const bridge_login_t *login);
static void bridge_auth_limit_address(unsigned char *key,
    const bridge_login_t *login);
static bridge_auth_count_t *bridge_auth_limit_find(const unsigned char *key);
static double bridge_auth_limit_level(bridge_auth_count_t *count, int max);
static unsigned bridge_auth_limit_wait(bridge_auth_count_t *count, int max,
    int most);
static void bridge_auth_limit_try(const unsigned char *key, int n);
static int bridge_auth_limit_refused(const unsigned char *key, int max,
    int most, uint64_t hash);
static bridge_auth_count_t *bridge_auth_limit_place(const unsigned char *key);
static void bridge_auth_limit_drop(bridge_auth_count_t *count);
static bridge_auth_known_t *bridge_auth_limit_known(
    const bridge_login_t *login);
static bridge_auth_net_t *bridge_auth_limit_net(bridge_auth_known_t *known,
    const bridge_login_t *login);
static bridge_auth_net_t *bridge_auth_limit_oldest(bridge_auth_known_t *known);
static void bridge_auth_limit_forget(bridge_auth_known_t *known);


static bridge_auth_count_t  *bridge_auth_counts;
static bridge_auth_known_t  *bridge_auth_knowns;
static unsigned char         bridge_auth_limit_salt[BRIDGE_AUTH_LIMIT_KEY];

/* in the order in which they expire */

static TAILQ_HEAD(, bridge_auth_count_s)  bridge_auth_count_list =
    TAILQ_HEAD_INITIALIZER(bridge_auth_count_list);
static TAILQ_HEAD(, bridge_auth_known_s)  bridge_auth_known_list =
    TAILQ_HEAD_INITIALIZER(bridge_auth_known_list);


void
bridge_auth_limit_init(void)
{
    if (RAND_bytes(bridge_auth_limit_salt, sizeof(bridge_auth_limit_salt))
        != 1)
    {
        bridge_log(BRIDGE_LOG_EMERG, "cannot count logins: no random bytes");
        exit(1);
    }
}


void
bridge_auth_limit_expire(bridge_msec_t now)
{
    bridge_auth_count_t  *count;
    bridge_auth_known_t  *known;
    bridge_auth_conf_t   *conf;

    conf = &bridge_config->auth;

    /* a count that is at its limit is 0 after "failures_time" */

    while ((count = TAILQ_FIRST(&bridge_auth_count_list)) != NULL
           && now - count->at >= 2 * conf->failures_time)
    {
        bridge_auth_limit_drop(count);
    }

    while ((known = TAILQ_FIRST(&bridge_auth_known_list)) != NULL
           && now - known->at >= conf->known_time)
    {
        bridge_auth_limit_forget(known);
    }
}


void
bridge_auth_limit_done(void)
{
    while (!TAILQ_EMPTY(&bridge_auth_count_list)) {
        bridge_auth_limit_drop(TAILQ_FIRST(&bridge_auth_count_list));
    }

    while (!TAILQ_EMPTY(&bridge_auth_known_list)) {
        bridge_auth_limit_forget(TAILQ_FIRST(&bridge_auth_known_list));
    }
}


unsigned
bridge_auth_limit_counted(void)
{
    return HASH_COUNT(bridge_auth_counts);
}


int
bridge_auth_limit_is_known(const bridge_login_t *login)
{
    bridge_auth_known_t  *known;

    known = bridge_auth_limit_known(login);

    return known && bridge_auth_limit_net(known, login);
}


/*
 * Without a refusal from its address, a login passes until the account has far
 * more of them.  So a stranger with a few addresses can't shut a user out.
 */

unsigned
bridge_auth_limit(const bridge_login_t *login)
{
    int                   max, times;
    unsigned              wait, more;
    unsigned char         key[BRIDGE_AUTH_LIMIT_KEY];
    bridge_auth_count_t  *count;

    times = 1;
    wait = 0;

    if (login->client.known) {
        max = bridge_config->auth.max_failures;

        bridge_auth_limit_address(key, login);
        count = bridge_auth_limit_find(key);

        if (bridge_auth_limit_is_known(login)) {
            return max && count
                   && count->trying
                      >= (unsigned) max * BRIDGE_AUTH_LIMIT_FRESH;
        }

        if (max && (count == NULL
                    || bridge_auth_limit_level(count, max) == 0))
        {
            times = BRIDGE_AUTH_LIMIT_FRESH;
        }

        wait = bridge_auth_limit_wait(count, max, times * max);
    }

    max = bridge_config->auth.max_account_failures;

    bridge_auth_limit_account(key, login);
    more = bridge_auth_limit_wait(bridge_auth_limit_find(key), max,
                                  times * max);

    return wait > more ? wait : more;
}


void
bridge_auth_limit_begin(const bridge_login_t *login)
{
    unsigned char  key[BRIDGE_AUTH_LIMIT_KEY];

    bridge_auth_limit_account(key, login);
    bridge_auth_limit_try(key, 1);

    if (login->client.known) {
        bridge_auth_limit_address(key, login);
        bridge_auth_limit_try(key, 1);
    }
}


/* A client that repeats a wrong password, such as one with an old password,
   does not guess. */

void
bridge_auth_limit_end(const bridge_login_t *login, bridge_auth_result_t result,
    uint64_t hash)
{
    int                  repeated;
    unsigned char        key[BRIDGE_AUTH_LIMIT_KEY];
    bridge_auth_conf_t  *conf;
    bridge_auth_net_t   *net;
    bridge_auth_known_t *known;

    conf = &bridge_config->auth;
    repeated = 0;

    bridge_auth_limit_account(key, login);
    bridge_auth_limit_try(key, -1);

    if (result == BRIDGE_AUTH_BAD) {
        repeated = bridge_auth_limit_refused(key, conf->max_account_failures,
                                             BRIDGE_AUTH_LIMIT_FRESH
                                             * conf->max_account_failures,
                                             hash);
    }

    if (!login->client.known) {
        return;
    }

    bridge_auth_limit_address(key, login);
    bridge_auth_limit_try(key, -1);

    if (result != BRIDGE_AUTH_BAD || repeated) {
        return;
    }

    bridge_auth_limit_refused(key, conf->max_failures,
                              2 * conf->max_failures, hash);

    known = bridge_auth_limit_known(login);
    net = known ? bridge_auth_limit_net(known, login) : NULL;

    if (net && ++net->refused >= (unsigned) conf->max_failures) {
        net->at = 0;
    }
}


/* The oldest address of the account makes room. */

void
bridge_auth_limit_good(const bridge_login_t *login)
{
    bridge_auth_net_t    *net;
    bridge_auth_known_t  *known;

    if (!login->client.known || bridge_config->auth.known_time == 0) {
        return;
    }

    known = bridge_auth_limit_known(login);

    if (known == NULL) {

        if (HASH_COUNT(bridge_auth_knowns)
            >= (unsigned) bridge_config->auth.max_cached)
        {
            bridge_auth_limit_forget(TAILQ_FIRST(&bridge_auth_known_list));
        }

        known = bridge_alloc(sizeof(bridge_auth_known_t));
        bridge_auth_limit_account(known->key, login);

        HASH_ADD(hh, bridge_auth_knowns, key, BRIDGE_AUTH_LIMIT_KEY, known);

    } else {
        TAILQ_REMOVE(&bridge_auth_known_list, known, link);
    }

    TAILQ_INSERT_TAIL(&bridge_auth_known_list, known, link);
    known->at = bridge_now();

    net = bridge_auth_limit_net(known, login);
    net = net ? net : bridge_auth_limit_oldest(known);

    bridge_address_net(net->net, &login->client);
    net->at = known->at;
    net->refused = 0;
}


static void
bridge_auth_limit_key(unsigned char *key, int kind, const void *data,
    size_t len)
{
    unsigned char  digest[EVP_MAX_MD_SIZE], text[1 + BRIDGE_ACCOUNT_MAX];

    len = len < BRIDGE_ACCOUNT_MAX ? len : BRIDGE_ACCOUNT_MAX;

    text[0] = kind;
    memcpy(text + 1, data, len);

    if (HMAC(EVP_sha256(), bridge_auth_limit_salt,
             sizeof(bridge_auth_limit_salt), text, 1 + len, digest, NULL)
        == NULL)
    {
        bridge_memory_none("OpenSSL");
    }

    memcpy(key, digest, BRIDGE_AUTH_LIMIT_KEY);
}


static void
bridge_auth_limit_account(unsigned char *key, const bridge_login_t *login)
{
    bridge_auth_limit_key(key, 'u', login->user, strlen(login->user));
}


static void
bridge_auth_limit_address(unsigned char *key, const bridge_login_t *login)
{
    unsigned char  net[16];

    bridge_address_net(net, &login->client);
    bridge_auth_limit_key(key, 'a', net, sizeof(net));
}


static bridge_auth_count_t *
bridge_auth_limit_find(const unsigned char *key)
{
    bridge_auth_count_t  *count;

    HASH_FIND(hh, bridge_auth_counts, key, BRIDGE_AUTH_LIMIT_KEY, count);

    return count;
}


static double
bridge_auth_limit_level(bridge_auth_count_t *count, int max)
{
    double         level;
    bridge_msec_t  now;

    now = bridge_now();
    level = count->level - (double) (now - count->at) * max
                           / bridge_config->auth.failures_time;

    return level > 0 ? level : 0;
}


/*
 * The seconds until there is room for another one; 0: there is.  Logins that
 * are being tried end soon, and those of honest users leave room.
 */

static unsigned
bridge_auth_limit_wait(bridge_auth_count_t *count, int max, int most)
{
    double  over;

    if (count == NULL || max == 0) {
        return 0;
    }

    over = bridge_auth_limit_level(count, max) + 1 - most;

    if (over <= 0) {
        return over + count->trying <= 0 ? 0 : BRIDGE_AUTH_LIMIT_SOON;
    }

    return 1 + (unsigned) (over * bridge_config->auth.failures_time
                           / max / 1000);
}


static void
bridge_auth_limit_try(const unsigned char *key, int n)
{
    bridge_auth_count_t  *count;

    count = n > 0 ? bridge_auth_limit_place(key) : bridge_auth_limit_find(key);

    if (count == NULL) {
        return;
    }

    if (n > 0) {
        count->trying++;
        return;
    }

    count->trying -= count->trying > 0;

    if (count->trying == 0 && count->level == 0) {
        bridge_auth_limit_drop(count);
    }
}


/* 1: it is the login that was refused last. */

static int
bridge_auth_limit_refused(const unsigned char *key, int max, int most,
    uint64_t hash)
{
    double                level;
    bridge_auth_count_t  *count;

    if (max == 0) {
        return 0;
    }

    count = bridge_auth_limit_place(key);
    level = bridge_auth_limit_level(count, max);

    TAILQ_REMOVE(&bridge_auth_count_list, count, link);
    TAILQ_INSERT_TAIL(&bridge_auth_count_list, count, link);

    count->at = bridge_now();

    if (count->last == hash) {
        count->level = level;
        return 1;
    }

    count->last = hash;
    count->level = level + 1 < most ? level + 1 : most;

    return 0;
}


static bridge_auth_count_t *
bridge_auth_limit_place(const unsigned char *key)
{
    bridge_auth_count_t  *count;

    count = bridge_auth_limit_find(key);

    if (count) {
        return count;
    }

    if (HASH_COUNT(bridge_auth_counts)
        >= (unsigned) bridge_config->auth.max_cached)
    {
        bridge_auth_limit_drop(TAILQ_FIRST(&bridge_auth_count_list));
    }

    count = bridge_alloc(sizeof(bridge_auth_count_t));

    count->at = bridge_now();
    memcpy(count->key, key, BRIDGE_AUTH_LIMIT_KEY);

    HASH_ADD(hh, bridge_auth_counts, key, BRIDGE_AUTH_LIMIT_KEY, count);
    TAILQ_INSERT_TAIL(&bridge_auth_count_list, count, link);

    return count;
}


static void
bridge_auth_limit_drop(bridge_auth_count_t *count)
{
    HASH_DEL(bridge_auth_counts, count);
    TAILQ_REMOVE(&bridge_auth_count_list, count, link);

    free(count);
}


static bridge_auth_known_t *
bridge_auth_limit_known(const bridge_login_t *login)
{
    unsigned char         key[BRIDGE_AUTH_LIMIT_KEY];
    bridge_auth_known_t  *known;

    if (!login->client.known) {
        return NULL;
    }

    bridge_auth_limit_account(key, login);
    HASH_FIND(hh, bridge_auth_knowns, key, BRIDGE_AUTH_LIMIT_KEY, known);

    return known;
}


static bridge_auth_net_t *
bridge_auth_limit_net(bridge_auth_known_t *known, const bridge_login_t *login)
{
    int                 i;
    unsigned char       net[16];
    bridge_auth_net_t  *n;

    bridge_address_net(net, &login->client);

    for (i = 0; i < BRIDGE_AUTH_LIMIT_NETS; i++) {
        n = &known->nets[i];

        if (n->at && memcmp(n->net, net, sizeof(net)) == 0
            && bridge_now() - n->at < bridge_config->auth.known_time)
        {
            return n;
        }
    }

    return NULL;
}


static bridge_auth_net_t *
bridge_auth_limit_oldest(bridge_auth_known_t *known)
{
    int                 i;
    bridge_auth_net_t  *oldest;

    oldest = known->nets;

    for (i = 1; i < BRIDGE_AUTH_LIMIT_NETS; i++) {
        if (known->nets[i].at < oldest->at) {
            oldest = &known->nets[i];
        }
    }

    return oldest;
}


static void
bridge_auth_limit_forget(bridge_auth_known_t *known)
{
    HASH_DEL(bridge_auth_knowns, known);
    TAILQ_REMOVE(&bridge_auth_known_list, known, link);

    free(known);
}
