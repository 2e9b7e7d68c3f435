
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A message is a datagram to the socket that the environment names.
 * libsystemd would do the same, but is one more library to load.
 */


#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>


static void bridge_systemd_watchdog(evutil_socket_t fd, short what,
    void *data);


static struct event   bridge_systemd_timer;
static bridge_msec_t  bridge_systemd_interval;


void
bridge_systemd_ready(void)
{
    const char  *usec, *pid;

    bridge_systemd("READY=1");

    usec = getenv("WATCHDOG_USEC");
    pid = getenv("WATCHDOG_PID");

    if (usec == NULL || (pid && atol(pid) != (long) getpid())) {
        return;
    }

    bridge_systemd_interval = strtoull(usec, NULL, 10) / 1000 / 3;

    if (bridge_systemd_interval == 0) {
        return;
    }

    evtimer_assign(&bridge_systemd_timer, bridge_base, bridge_systemd_watchdog,
                   NULL);
    bridge_systemd_watchdog(-1, 0, NULL);
}


void
bridge_systemd_reloading(void)
{
    char  text[64];

    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long) g_get_monotonic_time());

    bridge_systemd(text);
}


void
bridge_systemd_stopping(void)
{
    bridge_systemd("STOPPING=1");

    if (bridge_systemd_interval) {
        evtimer_del(&bridge_systemd_timer);
    }
}


void
bridge_systemd(const char *state)
{
    int                  fd;
    size_t               len;
    const char          *path;
    struct sockaddr_un   sun;

    path = getenv("NOTIFY_SOCKET");
    len = path ? strlen(path) : 0;

    if (len < 2 || len >= sizeof(sun.sun_path)) {
        return;
    }

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;
    memcpy(sun.sun_path, path, len);

    /* "@" stands for the zero of an abstract name */

    if (sun.sun_path[0] == '@') {
        sun.sun_path[0] = '\0';
    }

    fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);

    if (fd != -1) {
        (void) !sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                       (struct sockaddr *) &sun,
                       offsetof(struct sockaddr_un, sun_path) + len);
        close(fd);
    }
}


static void
bridge_systemd_watchdog(evutil_socket_t fd, short what, void *data)
{
    bridge_systemd("WATCHDOG=1");

    bridge_timer_set(&bridge_systemd_timer, bridge_systemd_interval);
}
