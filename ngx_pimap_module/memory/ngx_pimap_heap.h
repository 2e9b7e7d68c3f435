
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The memory of records, and of what is freed beside them.
 */


#ifndef _NGX_PIMAP_HEAP_H_INCLUDED_
#define _NGX_PIMAP_HEAP_H_INCLUDED_


#include "ngx_pimap.h"


void ngx_pimap_heap_init_process(ngx_cycle_t *cycle);

/*
 * The record of a device, an account, a connection or a filter: zeroed, and
 * apart from the heap.  NULL: memory is out, which is logged.
 */
void *ngx_pimap_heap_record(size_t size, ngx_log_t *log);
void ngx_pimap_heap_record_free(void *record);

/* Many kB of heap have been freed, or are about to be. */
void ngx_pimap_heap_trim_later(void);


#endif /* _NGX_PIMAP_HEAP_H_INCLUDED_ */
