
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include <string.h>

#include "pimap_redis_host.h"


int
pimap_redis_host_copy(char *host, const char *data, size_t len)
{
    char    c;
    size_t  i;

    host[0] = '\0';

    if (len == 0 || len >= PIMAP_REDIS_HOST) {
        return -1;
    }

    for (i = 0; i < len; i++) {
        c = data[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z')
            && (c < 'A' || c > 'Z') && (c == '\0' || !strchr(".:_-%", c)))
        {
            return -1;
        }
    }

    memcpy(host, data, len);
    host[len] = '\0';

    return 0;
}


unsigned
pimap_redis_host_port(const char *data, size_t len)
{
    size_t    i;
    unsigned  port;

    if (len == 0 || len > 5) {
        return 0;
    }

    port = 0;

    for (i = 0; i < len; i++) {

        if (data[i] < '0' || data[i] > '9') {
            return 0;
        }

        port = port * 10 + (data[i] - '0');
    }

    return port <= 65535 ? port : 0;
}


const char *
pimap_redis_host_last(const char *p, const char *last, char c)
{
    while (last > p) {
        if (*--last == c) {
            return last;
        }
    }

    return NULL;
}
