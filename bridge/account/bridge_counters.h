
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Counters of accounts, their logins and their updates.  Written by account/
 * and updates/, read by bridge_metrics.c.
 */


#ifndef _BRIDGE_COUNTERS_H_INCLUDED_
#define _BRIDGE_COUNTERS_H_INCLUDED_


#include "bridge_auth.h"


typedef struct {
    uint64_t  published;
    uint64_t  dropped;                  /* not an event, as Redis says */
    uint64_t  unpublished;              /* calls; the session began anew */
    uint64_t  logins;
    uint64_t  relogins;                 /* devices were told to log in */
    uint64_t  failures[IMAP_FAIL_PROTOCOL + 1];
    uint64_t  auth[BRIDGE_AUTH_LIMITED + 1];
    uint64_t  auth_cached;
    uint64_t  updates;
    uint64_t  updates_unknown;
} bridge_counters_t;

extern bridge_counters_t  bridge_counters;


#endif /* _BRIDGE_COUNTERS_H_INCLUDED_ */
