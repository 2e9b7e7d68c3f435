
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of an account: it alone decides what the account needs next.
 */


#include "bridge_supervisor.h"


#define BRIDGE_SUPERVISOR_GOOD  30000   /* msec of a session that was good */
#define BRIDGE_SUPERVISOR_ASK   2000    /* msec for a login to come unasked */


static void bridge_supervisor_created(bridge_account_t *account);
static void bridge_supervisor_changed(bridge_account_t *account);
static void bridge_supervisor_has_login(bridge_account_t *account);
static int bridge_supervisor_early(bridge_account_t *account);
static int bridge_supervisor_wanted(bridge_account_t *account);
static void bridge_supervisor_rest(bridge_account_t *account);
static void bridge_supervisor_turn(bridge_account_t *account, int full);
static void bridge_supervisor_granted(bridge_account_t *account,
    redisReply **states, size_t n);
static void bridge_supervisor_ask(bridge_account_t *account);
static void bridge_supervisor_other(bridge_account_t *account,
    bridge_msec_t wait);
static void bridge_supervisor_untaken(bridge_account_t *account);
static void bridge_supervisor_available(bridge_account_t *account);
static void bridge_supervisor_unpublished(bridge_account_t *account, int lost);
static void bridge_supervisor_ready(bridge_account_t *account);
static void bridge_supervisor_failed(bridge_account_t *account,
    imap_fail_t reason);
static void bridge_supervisor_refused_user(bridge_account_t *account,
    bridge_login_t *used);
static void bridge_supervisor_timer(evutil_socket_t fd, short what,
    void *data);
static void bridge_supervisor_close(bridge_account_t *account, int logout);
static void bridge_supervisor_retry(bridge_account_t *account,
    bridge_msec_t min);
static void bridge_supervisor_later(bridge_account_t *account,
    bridge_msec_t wait);
static void bridge_supervisor_state(bridge_account_t *account,
    bridge_account_state_t state);


static const bridge_account_ops_t  bridge_supervisor_account_ops = {
    .created = bridge_supervisor_created,
    .changed = bridge_supervisor_changed,
    .timer = bridge_supervisor_timer,
    .turn = bridge_supervisor_turn,
    .granted = bridge_supervisor_granted,
    .other = bridge_supervisor_other,
    .untaken = bridge_supervisor_untaken,
    .available = bridge_supervisor_available,
    .unpublished = bridge_supervisor_unpublished,
    .ready = bridge_supervisor_ready,
    .failed = bridge_supervisor_failed
};


static const bridge_supervisor_ops_t  *bridge_supervisor_ops;
static bridge_msec_t                   bridge_supervisor_ask_at;


void
bridge_supervisor_init(const bridge_supervisor_ops_t *ops)
{
    bridge_supervisor_ops = ops;

    bridge_account_ops = &bridge_supervisor_account_ops;

    bridge_connect_rate_init();
}


void
bridge_supervisor_done(void)
{
    bridge_account_t  *account, *next;

    bridge_account_leaving = 1;

    bridge_account_each(account, next) {
        account->present = 0;
        account->until = 0;

        bridge_supervisor_changed(account);
    }
}


void
bridge_supervisor_login(bridge_login_t *login, int checked)
{
    bridge_server_t   *server;
    bridge_account_t  *account;

    account = bridge_account_get(login->user);

    if (account == NULL) {
        return;
    }

    account->keep = bridge_now() + BRIDGE_ACCOUNT_KEEP;

    server = bridge_config_server(bridge_config, login->user);

    if (server && server->master_user) {
        bridge_login_release(&account->login);

    } else if (!bridge_login_equal(account->login, login)) {
        bridge_login_release(&account->login);
        account->login = bridge_login_hold(login);
        account->refused = 0;
        account->checked = 0;
    }

    if (checked) {
        account->refused = 0;
        account->checked = bridge_now();
        bridge_session_dav_soon(account);
    }

    bridge_supervisor_has_login(account);

    if (!account->present) {
        bridge_presence_soon(account);
    }

    bridge_supervisor_changed(account);
}


/* Its devices need not log in again, and the account leaves the queue. */

static void
bridge_supervisor_has_login(bridge_account_t *account)
{
    if (!bridge_account_can(account)) {
        return;
    }

    account->asked = 0;
    account->elsewhere = 0;
    bridge_connect_rate_fresh(account);

    if (account->relogin) {
        account->relogin = 0;

        if (account->state == BRIDGE_ACCOUNT_WAITING) {
            evtimer_del(&account->timer);
            bridge_supervisor_state(account, BRIDGE_ACCOUNT_IDLE);
        }
    }
}


void
bridge_supervisor_unproven(bridge_login_t *login)
{
    bridge_account_t  *account;

    account = bridge_account_find(login->user);

    if (account && bridge_login_equal(account->login, login)) {
        account->checked = 0;

        if (account->session == BRIDGE_SESSION_READY
            && bridge_login_equal(account->used, login))
        {
            bridge_session_end(account, BRIDGE_SESSION_RENEWING);
        }
    }
}


int
bridge_supervisor_parked(bridge_account_t *account)
{
    if (account->state != BRIDGE_ACCOUNT_IDLE || account->asked
        || account->relogin || bridge_account_can(account)
        || !bridge_config->sessions.on)
    {
        return 0;
    }

    account->relogin = 1;
    bridge_supervisor_later(account, BRIDGE_SUPERVISOR_ASK);

    return 1;
}


/* They take as many accounts in a second as this bridge. */

void
bridge_supervisor_others_first(void)
{
    bridge_supervisor_ask_at = bridge_now() + bridge_config->lease.time
                               + HASH_COUNT(bridge_accounts) * 1000
                                 / bridge_config->sessions.connect_rate;
}


/* A master user's password may have been corrected. */

void
bridge_supervisor_reload(void)
{
    bridge_account_t  *account, *next;

    bridge_account_each(account, next) {
        if (account->login == NULL) {
            account->refused = 0;
        }

        bridge_supervisor_changed(account);
    }
}


static void
bridge_supervisor_created(bridge_account_t *account)
{
    bridge_lease_init(account);
    bridge_publish_init(account);
    bridge_presence_init(account);
}


static void
bridge_supervisor_changed(bridge_account_t *account)
{
    if (bridge_supervisor_wanted(account)) {

        if (account->state == BRIDGE_ACCOUNT_IDLE) {
            account->since = account->since ? account->since : bridge_now();

            if (bridge_supervisor_early(account)) {
                return;
            }

            bridge_supervisor_state(account, BRIDGE_ACCOUNT_QUEUED);
            bridge_connect_rate_add(account);
        }

        return;
    }

    if (account->state == BRIDGE_ACCOUNT_TAKING) {
        return;                         /* until Redis has answered */
    }

    bridge_supervisor_rest(account);

    if (!account->present && !account->updates && !account->pending
        && account->until <= bridge_now()
        && (account->keep <= bridge_now() || bridge_account_leaving))
    {
        bridge_account_free(account);
    }
}


/* Waits as long as another bridge may have the login. */

static int
bridge_supervisor_early(bridge_account_t *account)
{
    bridge_msec_t  now;

    now = bridge_now();

    if (bridge_account_can(account) || bridge_supervisor_ask_at <= now) {
        return 0;
    }

    bridge_supervisor_later(account, bridge_supervisor_ask_at - now);

    return 1;
}


static int
bridge_supervisor_wanted(bridge_account_t *account)
{
    if (bridge_account_leaving) {
        return 0;
    }

    if (!bridge_account_can(account)) {
        return account->relogin && account->present
               && bridge_config->sessions.on;
    }

    return account->updates
           || (bridge_config->sessions.on
               && (account->present || account->until > bridge_now()));
}


static void
bridge_supervisor_rest(bridge_account_t *account)
{
    if (account->state == BRIDGE_ACCOUNT_QUEUED) {
        bridge_connect_rate_remove(account);
    }

    if (account->session != BRIDGE_SESSION_NONE) {
        bridge_supervisor_close(account, 1);
    }

    evtimer_del(&account->timer);
    bridge_lease_release(account);

    account->since = 0;
    bridge_supervisor_state(account, BRIDGE_ACCOUNT_IDLE);
}


static void
bridge_supervisor_turn(bridge_account_t *account, int full)
{
    if (full && bridge_account_can(account)) {
        bridge_account_set_why(account, "the server has as many connections "
                               "as \"max_connections\" allows");
        bridge_supervisor_later(account, bridge_config->sessions.backoff_max);
        return;
    }

    bridge_supervisor_state(account, BRIDGE_ACCOUNT_TAKING);
    bridge_lease_take(account);
}


static void
bridge_supervisor_granted(bridge_account_t *account, redisReply **states,
    size_t n)
{
    if (!bridge_account_can(account)) {
        bridge_supervisor_ask(account);
        return;
    }

    if (bridge_session_open(account, states, n) != 0) {
        bridge_connect_rate_refund();
        bridge_supervisor_later(account, bridge_config->sessions.backoff_max);
        return;
    }

    bridge_supervisor_state(account, BRIDGE_ACCOUNT_OPEN);
}


/* With the lease no other bridge can have a session for these devices. */

static void
bridge_supervisor_ask(bridge_account_t *account)
{
    if (bridge_supervisor_early(account)) {
        bridge_connect_rate_refund();
        bridge_lease_release(account);
        return;
    }

    if (bridge_redis_publish_account(account->name, "!login") != 0)
    {
        bridge_supervisor_untaken(account);
        return;
    }

    account->relogin = 0;
    account->asked = 1;
    bridge_counters.relogins++;

    bridge_log(BRIDGE_LOG_INFO, "account \"%s\": the bridge has no login, its "
               "devices are told to log in again", account->name);

    bridge_supervisor_rest(account);
}


static void
bridge_supervisor_other(bridge_account_t *account, bridge_msec_t wait)
{
    if (account->session != BRIDGE_SESSION_NONE) {
        bridge_supervisor_close(account, 1);

    } else if (account->state == BRIDGE_ACCOUNT_TAKING) {
        bridge_connect_rate_refund();

    } else if (account->state == BRIDGE_ACCOUNT_QUEUED) {
        bridge_connect_rate_remove(account);
    }

    account->since = 0;
    bridge_supervisor_state(account, BRIDGE_ACCOUNT_OTHER);
    bridge_timer_set(&account->timer, wait);

    bridge_supervisor_ops->moved(account);
}


static void
bridge_supervisor_untaken(bridge_account_t *account)
{
    bridge_connect_rate_refund();
    bridge_supervisor_later(account, bridge_config->sessions.backoff_min);
}


static void
bridge_supervisor_available(bridge_account_t *account)
{
    evtimer_del(&account->timer);
    bridge_supervisor_state(account, BRIDGE_ACCOUNT_IDLE);

    bridge_supervisor_changed(account);
}


static void
bridge_supervisor_unpublished(bridge_account_t *account, int lost)
{
    if (lost) {
        bridge_lease_lost(account);
        return;
    }

    bridge_session_end(account, BRIDGE_SESSION_ENDING);
}


static void
bridge_supervisor_ready(bridge_account_t *account)
{
    account->since = 0;

    bridge_supervisor_ops->moved(account);
}


/* A master user may be let in to other accounts, and to this one later. */

static void
bridge_supervisor_failed(bridge_account_t *account, imap_fail_t reason)
{
    bridge_msec_t    max;
    bridge_login_t  *used;

    max = bridge_config->sessions.backoff_max;
    used = account->used ? bridge_login_hold(account->used) : NULL;

    bridge_supervisor_close(account, 0);

    if (reason != IMAP_FAIL_CREDENTIALS) {
        bridge_supervisor_retry(account, reason == IMAP_FAIL_LIMIT
                                         || reason == IMAP_FAIL_TLS ? max : 0);

    } else if (used == NULL) {
        bridge_supervisor_retry(account, 6 * max);

    } else {
        bridge_supervisor_refused_user(account, used);
    }

    bridge_login_release(&used);
}


/*
 * A login that was good before is tried once more, as a refusal may pass.
 * Then a new login has to come.  Devices that still are parked are told so,
 * later each time, as they may come with the same one.
 */

static void
bridge_supervisor_refused_user(bridge_account_t *account, bridge_login_t *used)
{
    bridge_supervisor_ops->refused(used);

    if (used != account->login) {

        /* a newer login has come in the meantime */

        bridge_supervisor_changed(account);
        return;
    }

    account->refused = account->checked == 0;
    account->relogin = account->refused;
    account->checked = 0;

    bridge_supervisor_retry(account, 0);
}


static void
bridge_supervisor_timer(evutil_socket_t fd, short what, void *data)
{
    int                renew;
    bridge_msec_t      wait;
    bridge_account_t  *account = data;

    switch (account->state) {

    case BRIDGE_ACCOUNT_OPEN:
        renew = account->session == BRIDGE_SESSION_RENEWING;
        bridge_supervisor_close(account, renew);

        if (!renew) {
            bridge_supervisor_retry(account, 0);
            return;
        }

        break;

    case BRIDGE_ACCOUNT_OTHER:
        wait = bridge_lease_look(account);

        if (wait) {
            bridge_timer_set(&account->timer, wait);
            return;
        }

        break;

    default:
        break;
    }

    bridge_supervisor_state(account, BRIDGE_ACCOUNT_IDLE);
    bridge_supervisor_changed(account);
}


static void
bridge_supervisor_close(bridge_account_t *account, int logout)
{
    bridge_session_close(account, logout);

    evtimer_del(&account->timer);

    /* a session that never was ready begins no new time */

    account->since = account->since ? account->since : bridge_now();

    bridge_supervisor_state(account, BRIDGE_ACCOUNT_IDLE);
}


static void
bridge_supervisor_retry(bridge_account_t *account, bridge_msec_t min)
{
    bridge_msec_t           wait;
    bridge_session_conf_t  *conf;

    conf = &bridge_config->sessions;

    /* a session that was never ready was no success, however long it was */

    if (account->ready_at
        && bridge_now() - account->ready_at > BRIDGE_SUPERVISOR_GOOD)
    {
        bridge_backoff_reset(&account->backoff);
    }

    wait = bridge_backoff_next(&account->backoff, conf->backoff_min,
                               conf->backoff_max);

    bridge_supervisor_later(account, wait > min ? wait : min);
    bridge_supervisor_changed(account);
}


static void
bridge_supervisor_later(bridge_account_t *account, bridge_msec_t wait)
{
    wait += bridge_random(wait / 4 + 1);

    bridge_supervisor_state(account, BRIDGE_ACCOUNT_WAITING);

    account->due = bridge_now() + wait;
    bridge_timer_set(&account->timer, wait);
}


static void
bridge_supervisor_state(bridge_account_t *account,
    bridge_account_state_t state)
{
    if (account->state != state) {
        account->state = state;

        bridge_log(BRIDGE_LOG_DEBUG, "account \"%s\": %s", account->name,
                   bridge_account_states[state]);
    }
}
