
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads the marker: a message in an account's channel, at which its devices
 * change from one worker to another.
 */


#ifndef _NGX_PIMAP_HANDOVER_MARKER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_MARKER_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * NGX_OK, also if it is a marker of other workers; NGX_DECLINED if it is
 * another message.  The account may be gone afterwards.
 */
ngx_int_t ngx_pimap_handover_marker_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);


#endif /* _NGX_PIMAP_HANDOVER_MARKER_H_INCLUDED_ */
