
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Several events of one kind for one account within a while become one
 * delivery: the last of them.  ("pimap_coalesce".)
 *
 * What is held has moved the account's position, but no device has it.  So
 * whoever changes who is live, or tells devices a position, flushes first.
 */


#ifndef _NGX_PIMAP_COALESCE_H_INCLUDED_
#define _NGX_PIMAP_COALESCE_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


/* The window is in msec, 0: each event goes out at once. */
ngx_int_t ngx_pimap_coalesce_init_process(ngx_cycle_t *cycle,
    ngx_msec_t window);

/*
 * An event that is in its turn: goes out to the account's devices, now or
 * when its window ends, or one that stands for it does.  It stays the
 * caller's.
 */
void ngx_pimap_coalesce(ngx_pimap_account_t *account, pimap_event_t *ev);

/*
 * What is held goes out now.  Devices may be doomed afterwards, but are
 * there; one that was "joining" may have lost its reader.
 */
void ngx_pimap_coalesce_flush(ngx_pimap_account_t *account);

/* The account goes, without devices: nobody is there for what is held. */
void ngx_pimap_coalesce_forget(ngx_pimap_account_t *account);


#endif /* _NGX_PIMAP_COALESCE_H_INCLUDED_ */
