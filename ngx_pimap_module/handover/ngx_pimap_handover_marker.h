
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The moment in which an account's devices change hands: a message in its
 * channel.
 */


#ifndef _NGX_PIMAP_HANDOVER_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_H_INCLUDED_


#include "ngx_pimap.h"



/*
 * NGX_OK, also if it is said to others than us; NGX_DECLINED if it is another
 * message.  The account may be gone afterwards.
 */
ngx_int_t ngx_pimap_handover_marker_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);


#endif /* _NGX_PIMAP_HANDOVER_H_INCLUDED_ */
