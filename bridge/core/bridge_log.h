
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the log, in the format of nginx.  Invariant: no line has a password, a
 * token or the content of a mail.  Control characters are escaped here.
 */


#ifndef _BRIDGE_LOG_H_INCLUDED_
#define _BRIDGE_LOG_H_INCLUDED_


#include "bridge.h"


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

/* Messages of libevent. */
void bridge_log_libevent(int severity, const char *text);


#endif /* _BRIDGE_LOG_H_INCLUDED_ */
