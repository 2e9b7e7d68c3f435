
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns addresses of clients.  Called by all rooms above.
 */


#include "bridge_address.h"

#include <netinet/in.h>
#include <stdlib.h>


static const unsigned char  bridge_address_mapped[12] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
};


int
bridge_address_read(bridge_address_t *address, const char *text)
{
    memset(address, 0, sizeof(bridge_address_t));

    if (inet_pton(AF_INET, text, address->bytes + 12) == 1) {
        memcpy(address->bytes, bridge_address_mapped, 12);
        address->known = 1;

    } else if (inet_pton(AF_INET6, text, address->bytes) == 1) {
        address->known = 1;
    }

    return address->known ? 0 : -1;
}


int
bridge_address_peer(bridge_address_t *address, const struct sockaddr *sa)
{
    const struct sockaddr_in   *sin;
    const struct sockaddr_in6  *sin6;

    memset(address, 0, sizeof(bridge_address_t));

    if (sa->sa_family == AF_INET) {
        sin = (const struct sockaddr_in *) sa;
        memcpy(address->bytes, bridge_address_mapped, 12);
        memcpy(address->bytes + 12, &sin->sin_addr, 4);
        address->known = 1;

    } else if (sa->sa_family == AF_INET6) {
        sin6 = (const struct sockaddr_in6 *) sa;
        memcpy(address->bytes, &sin6->sin6_addr, 16);
        address->known = 1;
    }

    return address->known ? 0 : -1;
}


const char *
bridge_address_text(const bridge_address_t *address, char *text)
{
    int  v4;

    v4 = memcmp(address->bytes, bridge_address_mapped, 12) == 0;

    if (!address->known
        || inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? 12 : 0),
                     text, BRIDGE_ADDRESS_TEXT)
           == NULL)
    {
        strcpy(text, "unknown");
    }

    return text;
}


void
bridge_address_net(unsigned char *net, const bridge_address_t *address)
{
    memcpy(net, address->bytes, 16);

    if (memcmp(net, bridge_address_mapped, 12) != 0) {
        memset(net + 8, 0, 8);
    }
}


int
bridge_networks_read(bridge_network_t *networks, int max, const char *text)
{
    int                 n, v4;
    char               *copy, *next, *word, *slash, *end;
    long                bits;
    bridge_network_t    network;

    copy = bridge_string(text);
    next = copy;
    n = 0;

    while (n != -1 && (word = strsep(&next, ", \t")) != NULL) {

        if (*word == '\0') {
            continue;
        }

        slash = strchr(word, '/');

        if (slash) {
            *slash++ = '\0';
        }

        v4 = strchr(word, ':') == NULL;
        end = NULL;
        bits = slash ? strtol(slash, &end, 10) : v4 ? 32 : 128;

        if (n == max || bridge_address_read(&network.address, word) != 0
            || (slash && (end == slash || *end)) || bits < 0
            || bits > (v4 ? 32 : 128))
        {
            n = -1;

        } else {
            network.bits = bits + (v4 ? 96 : 0);
            networks[n++] = network;
        }
    }

    free(copy);

    return n;
}


int
bridge_networks_have(const bridge_network_t *networks, int n,
    const bridge_address_t *address)
{
    int                   i;
    unsigned              bytes, rest;
    const unsigned char  *a, *b;

    for (i = 0; address->known && i < n; i++) {
        a = networks[i].address.bytes;
        b = address->bytes;
        bytes = networks[i].bits / 8;
        rest = networks[i].bits % 8;

        if (memcmp(a, b, bytes) == 0
            && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0))
        {
            return 1;
        }
    }

    return 0;
}
