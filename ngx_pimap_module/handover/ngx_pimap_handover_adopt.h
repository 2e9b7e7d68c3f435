
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device that has come from another worker.
 */


#ifndef _NGX_PIMAP_ARRIVAL_H_INCLUDED_
#define _NGX_PIMAP_ARRIVAL_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_handover_incoming.h"


/*
 * Parks it, with what its account has kept for it; or, if it can't go on here,
 * tells it to come back, or closes its connection.
 */
void ngx_pimap_handover_adopt(ngx_pimap_handover_incoming_t *guest,
    ngx_str_t *record, ngx_socket_t fd);


#endif /* _NGX_PIMAP_ARRIVAL_H_INCLUDED_ */
