
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Accounts that bridges have watched before: a bridge that begins has heard
 * nothing of their devices.
 */


#ifndef _BRIDGE_DISCOVER_H_INCLUDED_
#define _BRIDGE_DISCOVER_H_INCLUDED_


#include "bridge.h"


/* The functions are there: looks once, and again after a reload. */
void bridge_account_scan_start(void);
void bridge_account_scan_again(void);

void bridge_account_scan_done(void);


#endif /* _BRIDGE_DISCOVER_H_INCLUDED_ */
