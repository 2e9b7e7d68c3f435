
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns which names an account may have.  Called by the module and the bridge,
 * wherever a name comes in.  Invariant: redis/pimap.lua has the same rule, but
 * for UTF-8.
 */


#ifndef _PIMAP_ACCOUNT_H_INCLUDED_
#define _PIMAP_ACCOUNT_H_INCLUDED_


#include <stddef.h>


/*
 * NULL, or the reason why the bytes are no name.  A name is UTF-8 without
 * control characters, because it is written into logs and headers.  It does
 * not begin with "}": in Redis it stands in braces, and "{}" is no hash tag.
 */
const char *pimap_account_refusal(const char *name, size_t len);


#endif /* _PIMAP_ACCOUNT_H_INCLUDED_ */
