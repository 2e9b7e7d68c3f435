
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the search for accounts that had a session before: a bridge that starts
 * has missed the announcements of their devices.
 */


#ifndef _BRIDGE_ACCOUNT_SCAN_H_INCLUDED_
#define _BRIDGE_ACCOUNT_SCAN_H_INCLUDED_


#include "bridge.h"


/* The functions are in Redis: scans once, and again after a reload. */
void bridge_account_scan_start(void);
void bridge_account_scan_again(void);

void bridge_account_scan_done(void);


#endif /* _BRIDGE_ACCOUNT_SCAN_H_INCLUDED_ */
