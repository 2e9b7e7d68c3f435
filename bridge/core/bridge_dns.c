
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the resolver.
 */


#include "bridge.h"

#include <event2/dns.h>


struct evdns_base  *bridge_dns;


static void bridge_dns_log(int warning, const char *text);


void
bridge_dns_init(void)
{
    evdns_set_log_fn(bridge_dns_log);

    bridge_dns = evdns_base_new(bridge_base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);

    if (bridge_dns == NULL) {
        bridge_log(BRIDGE_LOG_ERROR, "cannot create a resolver, use addresses "
                   "in place of names of hosts");
        return;
    }

    bridge_dns_reload();
}


void
bridge_dns_done(void)
{
    if (bridge_dns) {
        evdns_base_free(bridge_dns, 1);
        bridge_dns = NULL;
    }
}


void
bridge_dns_reload(void)
{
    if (bridge_dns == NULL) {
        return;
    }

    /* without a server in the file it adds the local one, as libc does */

    evdns_base_clear_nameservers_and_suspend(bridge_dns);
    evdns_base_resolv_conf_parse(bridge_dns, DNS_OPTIONS_ALL,
                                 "/etc/resolv.conf");
    evdns_base_load_hosts(bridge_dns, "/etc/hosts");
    evdns_base_resume(bridge_dns);
}


static void
bridge_dns_log(int warning, const char *text)
{
    bridge_log(warning ? BRIDGE_LOG_INFO : BRIDGE_LOG_DEBUG, "dns: %s", text);
}
