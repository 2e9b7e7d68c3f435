
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of an account (bridge_account.h): decides when it waits for a
 * connection, asks for the lease, has a session, and is forgotten.  The other
 * files of this room report to it.
 */


#ifndef _BRIDGE_SUPERVISOR_H_INCLUDED_
#define _BRIDGE_SUPERVISOR_H_INCLUDED_


#include "bridge_account.h"


/* bridge_main.c gives these. */

typedef struct {

    /* the session is ready, or another bridge has the lease */
    void  (*moved)(bridge_account_t *account);

    /* the server has refused the login */
    void  (*refused)(bridge_login_t *login);
} bridge_supervisor_ops_t;


void bridge_supervisor_init(const bridge_supervisor_ops_t *ops);

/* Closes all sessions and hands all leases back. */
void bridge_supervisor_done(void);

/* The server has accepted this login; "checked": just now. */
void bridge_supervisor_login(const char *name, bridge_login_t *login,
    int checked);

/* New settings are in force. */
void bridge_supervisor_reload(void);


#endif /* _BRIDGE_SUPERVISOR_H_INCLUDED_ */
