
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the event base, the time and the memory.  Used by all rooms.
 * The process has one thread and one event base.  Each file keeps its own
 * state, and has an init function, and a done function if it has to free
 * something at the end.  Nothing blocks after the start.
 */


#ifndef _BRIDGE_H_INCLUDED_
#define _BRIDGE_H_INCLUDED_


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include <glib.h>

#include <openssl/ssl.h>

#include "bridge_text.h"
#include "pimap_version.h"


#define BRIDGE_NAME           "pimap-bridge"
#define BRIDGE_VERSION        PIMAP_VERSION

#define bridge_literal(s)     (s), sizeof(s) - 1


typedef uint64_t  bridge_msec_t;


/* Created by main() before the rooms begin. */
extern struct event_base  *bridge_base;


/* Milliseconds that never go back. */
bridge_msec_t bridge_now(void);

/* A number below "max"; "max" is not 0. */
uint32_t bridge_random(uint32_t max);

/* The timer fires after so many milliseconds, and not at a former time. */
void bridge_timer_set(struct event *timer, bridge_msec_t after);

/*
 * Memory, zeroed; free() frees it.  Without memory GLib says so and ends the
 * process.  systemd starts it again, and it goes on with the state in Redis.
 */
#define bridge_alloc(size)            g_malloc0(size)
#define bridge_string(text)           g_strdup(text)
#define bridge_format(...)            g_strdup_printf(__VA_ARGS__)
#define bridge_vformat(format, args)  g_strdup_vprintf(format, args)

char *bridge_copy(const char *text, size_t len);

/* Room for item "n" of an array, which may move; not zeroed. */
void *bridge_grow(void *items, size_t n, size_t *size, size_t item);

/* Wipes and frees. */
void bridge_wipe_free(void *data, size_t size);

/*
 * Libraries take memory as we do.  And libevent wipes what it frees, as logins
 * pass through it.
 */
void bridge_memory_init(void);

/* Ends the process: a library has said that it has no memory. */
void bridge_memory_none(const char *what) __attribute__((noreturn));


/*
 * The time until the next attempt: twice as long after
 * each failure, within bounds, and random, so that clients that failed
 * together spread.
 */

typedef struct {
    unsigned  failures;
} bridge_backoff_t;


static inline bridge_msec_t
bridge_backoff_next(bridge_backoff_t *backoff, bridge_msec_t min,
    bridge_msec_t max)
{
    bridge_msec_t  wait;

    wait = backoff->failures < 20 ? min << backoff->failures : max;
    wait = wait < max ? wait : max;

    backoff->failures++;

    return wait / 2 + bridge_random(wait / 2 + 1);
}


static inline void
bridge_backoff_reset(bridge_backoff_t *backoff)
{
    backoff->failures = 0;
}


/*
 * bridge_log.c owns the log, in the format of nginx.  Invariant: no line has
 * a password, a token or the content of a mail.  Control characters are
 * escaped here.
 */

typedef enum {
    BRIDGE_LOG_EMERG = 0,
    BRIDGE_LOG_ALERT,                   /* our own bug */
    BRIDGE_LOG_CRIT,
    BRIDGE_LOG_ERROR,                   /* a peer failed */
    BRIDGE_LOG_WARN,                    /* a limit is reached */
    BRIDGE_LOG_NOTICE,                  /* the process has changed state */
    BRIDGE_LOG_INFO,                    /* an account has, a login failed */
    BRIDGE_LOG_DEBUG
} bridge_log_level_t;

extern bridge_log_level_t  bridge_log_level;
extern const char         *bridge_log_names[];

#define bridge_log(level, ...)                                                \
    if ((level) <= bridge_log_level) bridge_log_write(level, __VA_ARGS__)

void bridge_log_write(bridge_log_level_t level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Opens the file, "stderr" or "syslog"; the same file again, too: it may have
 * been moved away.  Returns -1 and leaves the log as it is if it can't be.
 */
int bridge_log_open(const char *file, bridge_log_level_t level);

/*
 * The level of a line that may come for many accounts: "error" after five
 * minutes without it, else "info".
 */
bridge_log_level_t bridge_log_once(bridge_msec_t *last);

/* Messages of libevent. */
void bridge_log_libevent(int severity, const char *text);


/*
 * bridge_dns.c owns the resolver: libevent's, with the system's resolv.conf
 * and hosts file.
 */

extern struct evdns_base  *bridge_dns;

void bridge_dns_init(void);
void bridge_dns_done(void);

/* Reads the system's files again. */
void bridge_dns_reload(void);


/*
 * bridge_tls.c owns the TLS settings of connections to servers:
 * TLS 1.2 or later; if "verify", a certificate that the file's authorities
 * (NULL: the system's) have signed.  NULL if the file can't be read.
 */
SSL_CTX *bridge_tls_client(int verify, const char *ca_file);

/* A connection to this host, whose certificate has to be for it. */
SSL *bridge_tls_connect(SSL_CTX *ctx, const char *host);
/* OpenSSL's own error of the connection; 0: none, or one of the socket. */
unsigned long bridge_tls_error(struct bufferevent *bev);


/*
 * bridge_systemd.c owns the messages to systemd, by the protocol of
 * sd_notify(3).
 */

/* "READY=1", and from then on the messages for the watchdog. */
void bridge_systemd_ready(void);

/* Settings are being read; "READY=1" follows. */
void bridge_systemd_reloading(void);

void bridge_systemd_stopping(void);

void bridge_systemd(const char *state);


#endif /* _BRIDGE_H_INCLUDED_ */
