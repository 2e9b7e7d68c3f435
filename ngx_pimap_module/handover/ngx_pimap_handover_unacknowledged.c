
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An array of sockets that grows by doubling.
 */


#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ngx_pimap_handover_unacknowledged.h"


int
ngx_pimap_unacknowledged_reserve(ngx_pimap_unacknowledged_t *u)
{
    int     *sockets;
    size_t   size;

    if (u->n < u->size) {
        return 0;
    }

    size = u->size ? 2 * u->size : 4;

    sockets = realloc(u->sockets, size * sizeof(int));
    if (sockets == NULL) {
        return -1;
    }

    u->sockets = sockets;
    u->size = size;

    return 0;
}


void
ngx_pimap_unacknowledged_add(ngx_pimap_unacknowledged_t *u, int socket)
{
    u->sockets[u->n++] = socket;
}


void
ngx_pimap_unacknowledged_close(ngx_pimap_unacknowledged_t *u)
{
    while (u->n) {
        (void) close(u->sockets[--u->n]);
    }

    free(u->sockets);

    u->sockets = NULL;
    u->size = 0;
}


void
ngx_pimap_unacknowledged_shutdown(ngx_pimap_unacknowledged_t *u)
{
    size_t  i;

    for (i = 0; i < u->n; i++) {
        (void) shutdown(u->sockets[i], SHUT_RDWR);
    }

    ngx_pimap_unacknowledged_close(u);
}
