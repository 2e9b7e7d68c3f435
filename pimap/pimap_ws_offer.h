
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the choice from "Sec-WebSocket-Extensions" (RFC 6455, 9.1): an offer of
 * permessage-deflate (RFC 7692), without context takeover in either direction.
 * Called by the handshake.  Invariant: no I/O.
 */


#ifndef _PIMAP_WS_OFFER_H_INCLUDED_
#define _PIMAP_WS_OFFER_H_INCLUDED_


#include <stddef.h>


/* RFC 7692, 7.1.2.1: our messages refer back no further than 2^12 bytes. */
#define PIMAP_WS_OFFER_BITS    12


/*
 * The answer to the first offer of a list that we can accept, or NULL.  What
 * comes after something that is no extension is not looked at.
 */
const char *pimap_ws_offer(const char *list, size_t len);


#endif /* _PIMAP_WS_OFFER_H_INCLUDED_ */
