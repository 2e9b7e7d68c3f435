
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the resolver: libevent's, with the system's resolv.conf and hosts file.
 */


#ifndef _BRIDGE_DNS_H_INCLUDED_
#define _BRIDGE_DNS_H_INCLUDED_


#include "bridge.h"

#include <event2/dns.h>


extern struct evdns_base  *bridge_dns;


void bridge_dns_init(void);
void bridge_dns_done(void);

/* Reads the system's files again. */
void bridge_dns_reload(void);


#endif /* _BRIDGE_DNS_H_INCLUDED_ */
