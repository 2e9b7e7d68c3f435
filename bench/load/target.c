/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Parses and expands the templates of URLs and channels.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"


#define TARGET_SOURCE  0x7f010001  /* 127.1.0.1, and on */


const char *
target_parse(target_t *target, const char *url)
{
    char        *end, host[64];
    long         port;
    size_t       len;
    const char  *colon, *path;

    memset(target, 0, sizeof(target_t));

    if (strncmp(url, "https://", 8) == 0) {
        target->tls = 1;
        url += 8;

    } else if (strncmp(url, "http://", 7) == 0) {
        url += 7;

    } else {
        return "the URL must start with http:// or https://";
    }

    path = strchr(url, '/');
    if (path == NULL || strlen(path) >= sizeof(target->path)) {
        return "the URL has no path, or too long a one";
    }

    len = (size_t) (path - url);
    if (len >= sizeof(target->authority)) {
        return "the URL's host is too long";
    }

    memcpy(target->authority, url, len);
    strcpy(target->path, path);

    colon = strchr(target->authority, ':');
    if (colon == NULL) {
        return "the URL must have a port";
    }

    len = (size_t) (colon - target->authority);
    memcpy(host, target->authority, len);
    host[len] = '\0';

    port = strtol(colon + 1, &end, 10);
    if (*end != '\0' || port < 1 || port > 65535) {
        return "the URL's port is invalid";
    }

    target->addr.sin_family = AF_INET;
    target->addr.sin_port = htons((uint16_t) port);

    if (inet_pton(AF_INET, host, &target->addr.sin_addr) != 1) {
        return "the URL's host must be an IPv4 address";
    }

    return NULL;
}


size_t
target_expand(char *buf, size_t size, const char *text, uint32_t account,
    uint32_t device)
{
    char   *p, *last;
    int     n;

    p = buf;
    last = buf + size;

    for ( /* void */ ; *text; text++) {

        if (last - p < 12) {
            return 0;
        }

        if (text[0] != '%' || (text[1] != 'a' && text[1] != 'd')) {
            *p++ = *text;
            continue;
        }

        text++;
        n = sprintf(p, "%u", *text == 'a' ? account : device);
        p += n;
    }

    *p = '\0';

    return (size_t) (p - buf);
}


/* the devices go round the source addresses, then round the ports */

int
target_connect(const target_t *target, int fd, uint32_t n, uint32_t sources,
    uint32_t ports)
{
    int                 on;
    struct linger       linger;
    struct sockaddr_in  sin;

    on = 1;

    /* a reset at the end leaves no TIME-WAIT behind */

    linger.l_onoff = 1;
    linger.l_linger = 0;

    memset(&sin, 0, sizeof(struct sockaddr_in));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(TARGET_SOURCE + n % sources);

    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on))
        == -1
        || setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == -1
        || bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1)
    {
        return -1;
    }

    sin = target->addr;
    sin.sin_port = htons((uint16_t) (ntohs(sin.sin_port)
                                     + n / sources % ports));

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        return -1;
    }

    return 0;
}
