
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the log: a file, stderr or syslog.
 */


#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>


#define BRIDGE_LOG_LINE   2048
#define BRIDGE_LOG_QUIET  300000        /* msec */


static size_t bridge_log_escape(char *line, const char *text, size_t max);
static int bridge_log_is_control(const char *text);


const char  *bridge_log_names[] = {
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", NULL
};

bridge_log_level_t  bridge_log_level = BRIDGE_LOG_NOTICE;

static int          bridge_log_fd = STDERR_FILENO;
static int          bridge_log_syslog;


int
bridge_log_open(const char *file, bridge_log_level_t level)
{
    int  fd;

    if (strcmp(file, "stderr") == 0 || strcmp(file, "syslog") == 0) {
        fd = STDERR_FILENO;

    } else {
        fd = open(file, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC, 0640);

        if (fd == -1) {
            bridge_log(BRIDGE_LOG_EMERG, "cannot open log \"%s\": %s", file,
                       strerror(errno));
            return -1;
        }
    }

    if (bridge_log_fd != STDERR_FILENO) {
        close(bridge_log_fd);
    }

    bridge_log_fd = fd;
    bridge_log_level = level;
    bridge_log_syslog = strcmp(file, "syslog") == 0;

    if (bridge_log_syslog) {
        openlog(BRIDGE_NAME, LOG_PID, LOG_MAIL);
    }

    return 0;
}


void
bridge_log_write(bridge_log_level_t level, const char *format, ...)
{
    char        text[BRIDGE_LOG_LINE], line[BRIDGE_LOG_LINE];
    size_t      n;
    time_t      now;
    va_list     args;
    struct tm   tm;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (bridge_log_syslog) {
        n = bridge_log_escape(line, text, sizeof(line) - 1);
        syslog(level, "%.*s", (int) n, line);
        return;
    }

    now = time(NULL);
    localtime_r(&now, &tm);

    n = strftime(line, sizeof(line), "%Y/%m/%d %H:%M:%S ", &tm);
    n += snprintf(line + n, sizeof(line) - n, "[%s] %d#%d: ",
                  bridge_log_names[level], (int) getpid(), (int) getpid());
    n += bridge_log_escape(line + n, text, sizeof(line) - n - 1);

    line[n++] = '\n';

    /* a log that can't be written is nothing to log */

    if (write(bridge_log_fd, line, n) == -1) {
        return;
    }
}


static size_t
bridge_log_escape(char *line, const char *text, size_t max)
{
    int     len;
    size_t  n;

    for (n = 0; *text && n + 4 < max; text += len) {
        len = bridge_text_next(text);

        if (len == 0) {
            break;
        }

        if (len == -1 || bridge_log_is_control(text)) {
            n += sprintf(line + n, "\\x%02x", (unsigned char) *text);
            len = 1;

        } else {
            memcpy(line + n, text, len);
            n += len;
        }
    }

    return n;
}


/* Also those of two bytes, which some terminals obey. */

static int
bridge_log_is_control(const char *text)
{
    unsigned char  c = text[0];

    return c < 0x20 || c == 0x7f
           || (c == 0xc2 && (unsigned char) text[1] < 0xa0);
}


bridge_log_level_t
bridge_log_once(bridge_msec_t *last)
{
    int            again;
    bridge_msec_t  now;

    now = bridge_now();
    again = *last && now - *last < BRIDGE_LOG_QUIET;
    *last = now;

    return again ? BRIDGE_LOG_INFO : BRIDGE_LOG_ERROR;
}


void
bridge_log_libevent(int severity, const char *text)
{
    bridge_log(severity == EVENT_LOG_ERR ? BRIDGE_LOG_ERROR
               : severity == EVENT_LOG_WARN ? BRIDGE_LOG_WARN
               : severity == EVENT_LOG_MSG ? BRIDGE_LOG_INFO
               : BRIDGE_LOG_DEBUG, "libevent: %s", text);
}
