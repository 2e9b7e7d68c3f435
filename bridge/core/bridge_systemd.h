
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What systemd is told, if it has started us: the protocol of sd_notify(3).
 */


#ifndef _BRIDGE_NOTIFY_H_INCLUDED_
#define _BRIDGE_NOTIFY_H_INCLUDED_


#include "bridge.h"


/* "READY=1", and what keeps its watchdog quiet from then on. */
void bridge_systemd_ready(void);

/* Settings are being read, and were. */
void bridge_systemd_reloading(void);
void bridge_systemd_reloaded(void);

void bridge_systemd_stopping(void);


#endif /* _BRIDGE_NOTIFY_H_INCLUDED_ */
