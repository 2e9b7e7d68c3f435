
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what an operator reads about a connection to Redis.  Called when it is
 * lost or up.  Invariant: an outage is one line at "error" for all workers,
 * and a second one if Redis is there and refuses them.  Others are at "info".
 */


#include "ngx_pimap_redis.h"
#include "ngx_pimap_zone.h"


typedef struct {
    ngx_str_t                why;       /* begins with this */
    ngx_uint_t               tls;       /* with TLS only */
    ngx_pimap_redis_state_t  state;     /* in this one only; DOWN: in any */
    ngx_pimap_trouble_t      trouble;
    const char              *remedy;
} ngx_pimap_redis_remedy_t;


static const ngx_pimap_redis_remedy_t *ngx_pimap_redis_remedy(
    ngx_pimap_redis_t *redis, const char *why);
static void ngx_pimap_redis_reason(const char *why, const char *remedy,
    ngx_err_t err);


static ngx_uint_t  ngx_pimap_redis_outages;


#define ngx_pimap_refused(why, remedy)                                        \
    { ngx_string(why), 0, NGX_PIMAP_REDIS_DOWN, NGX_PIMAP_TROUBLE_REFUSED,    \
      remedy }

#define ngx_pimap_away(why, tls, state, remedy)                               \
    { ngx_string(why), tls, NGX_PIMAP_REDIS_ ## state,                        \
      NGX_PIMAP_TROUBLE_AWAY, remedy }

/* The last row is that of any other reason. */

static const ngx_pimap_redis_remedy_t  ngx_pimap_redis_remedies[] = {

    ngx_pimap_refused("WRONGPASS", "check \"user=\" and \"password=\""),
    ngx_pimap_refused("ERR AUTH", "check \"user=\" and \"password=\""),
    ngx_pimap_refused("NOAUTH", "it wants a login, set \"password=\""),
    ngx_pimap_refused("NOPERM", "give the user the rights that "
                                "docs/install.md lists"),
    ngx_pimap_refused("DENIED", "give it a password, or \"bind\""),
    ngx_pimap_refused("ERR DB index", "check \"db=\""),
    ngx_pimap_refused("ERR invalid DB", "check \"db=\""),
    ngx_pimap_refused("TLS handshake failed",
                      "check \"ca=\" and the name in its certificate"),

    { ngx_string("the worker has no free"), 0, NGX_PIMAP_REDIS_DOWN,
      NGX_PIMAP_TROUBLE_STARVED,
      "see \"worker_connections\" and \"worker_rlimit_nofile\"" },

    ngx_pimap_away("host not found", 0, DOWN,
                   "check the name, and \"resolver\""),
    ngx_pimap_away("connect timed out", 1, CONNECTING,
                   "does that port speak TLS?"),
    ngx_pimap_away("connection closed", 0, GREETING,
                   "does that port want TLS, \"rediss://\"?"),
    ngx_pimap_away("", 0, DOWN, NULL)
};


void
ngx_pimap_redis_trouble(ngx_pimap_redis_t *redis, const char *why,
    ngx_err_t err)
{
    ngx_uint_t                       level;
    const char                      *verb;
    const ngx_pimap_redis_remedy_t  *r;

    r = ngx_pimap_redis_remedy(redis, why);

    verb = redis->state != NGX_PIMAP_REDIS_UP ? "cannot connect to"
           : r->trouble == NGX_PIMAP_TROUBLE_REFUSED ? "is refused by"
           : "lost";

    ngx_pimap_redis_reason(why, r->remedy, err);

    level = ngx_pimap_zone_trouble(r->trouble, NGX_LOG_ERR);

    ngx_log_error(level, ngx_cycle->log, err,
                  "pimap %s redis: %s%s%s, %s of %V", verb,
                  why, r->remedy ? ", " : "", r->remedy ? r->remedy : "",
                  redis->role, &redis->server->name);
}


static const ngx_pimap_redis_remedy_t *
ngx_pimap_redis_remedy(ngx_pimap_redis_t *redis, const char *why)
{
    const ngx_pimap_redis_remedy_t  *r;

    for (r = ngx_pimap_redis_remedies; r->why.len; r++) {

        if (ngx_strncmp(why, r->why.data, r->why.len) == 0
            && (!r->tls || redis->conf->ssl)
            && (r->state == NGX_PIMAP_REDIS_DOWN || r->state == redis->state))
        {
            break;
        }
    }

    return r;
}


/* For the status location.  The text of an error is Redis' own. */

static void
ngx_pimap_redis_reason(const char *why, const char *remedy, ngx_err_t err)
{
    u_char   text[NGX_PIMAP_ZONE_REASON], *p, *last, *q;

    last = text + sizeof(text);

    p = ngx_slprintf(text, last, "%s", why);

    if (err) {
        p = ngx_slprintf(p, last, " (%d: ", err);
        p = ngx_strerror(err, p, last - p);
        p = ngx_slprintf(p, last, ")");
    }

    if (remedy) {
        p = ngx_slprintf(p, last, ", %s", remedy);
    }

    for (q = text; q < p; q++) {
        *q = *q < 0x20 || *q >= 0x7f ? '?' : *q;
    }

    if (ngx_pimap_zone_away(text, p - text)) {
        ngx_pimap_redis_outages++;
    }
}


/* Once an outage: that a login worked does not end it. */

void
ngx_pimap_redis_connected_line(ngx_pimap_redis_t *redis)
{
    ngx_uint_t  level;

    level = redis->outage > ngx_pimap_redis_outages ? NGX_LOG_INFO
                                                    : NGX_LOG_NOTICE;

    redis->outage = ngx_pimap_redis_outages + 1;

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap connected to redis, %s of %V, at %V",
                  redis->role, &redis->server->name, &redis->host);
}
