
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A receiver has a device's socket.  If it acknowledges, it continues the
 * connection; if it dies or hangs before, the client sees the end.
 */


#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "ngx_pimap_handover_unacknowledged.h"


static int    client;
static pid_t  receiver;


/* A connection, and another process with a copy of its socket. */

static void
begin(ngx_pimap_unacknowledged_t *u)
{
    int  s[2];

    memset(u, 0, sizeof(ngx_pimap_unacknowledged_t));

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK, 0, s) == -1) {
        return;
    }

    client = s[0];
    receiver = fork();

    if (receiver == 0) {
        (void) close(s[0]);
        (void) pause();
        _exit(0);
    }

    tap_ok(ngx_pimap_unacknowledged_reserve(u) == 0, "memory is reserved");
    ngx_pimap_unacknowledged_add(u, s[1]);
}


static void
end(int signal)
{
    (void) kill(receiver, signal);
    (void) waitpid(receiver, NULL, WUNTRACED);
}


/* 0: the connection has ended; EAGAIN: it has not. */

static int
client_reads(void)
{
    char  byte;

    return read(client, &byte, 1) == 0 ? 0 : errno;
}


int
main(void)
{
    int                         i, ok, s[2];
    ngx_pimap_unacknowledged_t  u;

    begin(&u);
    ngx_pimap_unacknowledged_close(&u);
    tap_is_int(client_reads(), EAGAIN,
               "acknowledged: the connection stays open");
    end(SIGKILL);
    tap_is_int(client_reads(), 0, "acknowledged: it ends with the receiver");
    (void) close(client);

    begin(&u);
    end(SIGKILL);
    tap_is_int(client_reads(), EAGAIN,
               "the receiver dies: the connection stays open");
    ngx_pimap_unacknowledged_shutdown(&u);
    tap_is_int(client_reads(), 0, "not acknowledged: the connection ends");
    tap_is_int(u.n, 0, "not acknowledged: no entry is left");
    (void) close(client);

    begin(&u);
    end(SIGSTOP);
    ngx_pimap_unacknowledged_shutdown(&u);
    tap_is_int(client_reads(), 0, "the receiver hangs: the connection ends");
    (void) kill(receiver, SIGKILL);
    (void) waitpid(receiver, NULL, 0);
    (void) close(client);

    ok = 1;

    for (i = 0; i < 100; i++) {
        ok &= socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0
              && ngx_pimap_unacknowledged_reserve(&u) == 0;
        ngx_pimap_unacknowledged_add(&u, s[0]);
        (void) close(s[1]);
    }

    tap_ok(ok && u.n == 100, "many devices are kept");
    ngx_pimap_unacknowledged_shutdown(&u);
    tap_ok(u.n == 0 && u.sockets == NULL, "many devices: all connections end");

    return tap_done();
}
