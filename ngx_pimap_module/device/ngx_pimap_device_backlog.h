
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What not all devices of an account have got yet, as far as the registry of
 * devices has to know it.  Its owner is ngx_pimap_backlog.c.
 */


#ifndef _NGX_PIMAP_DEVICE_BACKLOG_H_INCLUDED_
#define _NGX_PIMAP_DEVICE_BACKLOG_H_INCLUDED_


#include "ngx_pimap_device_room.h"


struct ngx_pimap_backlog_s {
    ngx_queue_t               link;         /* of those that have a turn */
    ngx_pimap_account_t      *account;
    ngx_queue_t               items;
    ngx_uint_t                count;        /* of items */
    size_t                    bytes;        /* of their texts */
    ngx_queue_t              *next;         /* device of this pass */
    uint16_t                  pass;         /* last item when it began */
    pimap_event_id_t          before;       /* that all devices have */
    ngx_uint_t                unread;       /* the log has more */
};

/* The last event that it has; of a device that lacks some, one before. */
pimap_event_id_t *ngx_pimap_device_last_id(ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_DEVICE_BACKLOG_H_INCLUDED_ */
