
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Addresses of clients, and networks.
 */


#ifndef _BRIDGE_ADDRESS_H_INCLUDED_
#define _BRIDGE_ADDRESS_H_INCLUDED_


#include "bridge.h"

#include <arpa/inet.h>
#include <sys/socket.h>


#define BRIDGE_ADDRESS_TEXT  INET6_ADDRSTRLEN


/* An address of IPv4 is mapped into IPv6. */

typedef struct {
    unsigned char     bytes[16];
    unsigned          known:1;
} bridge_address_t;

typedef struct {
    bridge_address_t  address;
    unsigned          bits;             /* that are compared */
} bridge_network_t;


/* Returns -1, and an address that is not known, if the text is none. */
int bridge_address_read(bridge_address_t *address, const char *text);

/* The same, from the other end of a connection. */
int bridge_address_peer(bridge_address_t *address, const struct sockaddr *sa);

/* "unknown" if it is not known; returns "text", of BRIDGE_ADDRESS_TEXT. */
const char *bridge_address_text(const bridge_address_t *address, char *text);

/* The network in which one client may choose its address: /64 of IPv6. */
void bridge_address_net(unsigned char *net, const bridge_address_t *address);

/* Networks, or addresses, with spaces or commas between them.  Returns their
   number; -1: one is wrong, or there are more than "max". */
int bridge_networks_read(bridge_network_t *networks, int max,
    const char *text);

int bridge_networks_have(const bridge_network_t *networks, int n,
    const bridge_address_t *address);


#endif /* _BRIDGE_ADDRESS_H_INCLUDED_ */
