
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the messages to systemd, by the protocol of sd_notify(3).
 */


#ifndef _BRIDGE_SYSTEMD_H_INCLUDED_
#define _BRIDGE_SYSTEMD_H_INCLUDED_


#include "bridge.h"


/* "READY=1", and from then on the messages for the watchdog. */
void bridge_systemd_ready(void);

/* Settings are being read, and were. */
void bridge_systemd_reloading(void);
void bridge_systemd_reloaded(void);

void bridge_systemd_stopping(void);


#endif /* _BRIDGE_SYSTEMD_H_INCLUDED_ */
