
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Memory for the records of devices: small, of few sizes, for a long time.
 * It lies apart from the heap, where OpenSSL's objects come and go.  Pure,
 * without nginx.
 */


#ifndef _NGX_PIMAP_ARENA_H_INCLUDED_
#define _NGX_PIMAP_ARENA_H_INCLUDED_


#include <stddef.h>


#define NGX_PIMAP_ARENA_MAX   4096          /* bytes of a record */
#define NGX_PIMAP_ARENA_PAGE  (32 * 1024)   /* bytes, a power of two */


/*
 * Checkers follow each allocation of malloc(), but not the records of a page.
 * So for them each record is malloc()'s.
 */

#ifndef NGX_PIMAP_ARENA_MALLOC

#if defined(__SANITIZE_ADDRESS__)
#define NGX_PIMAP_ARENA_MALLOC  1

#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NGX_PIMAP_ARENA_MALLOC  1
#endif
#endif

#endif


/* Zeroed, aligned to 8 bytes.  NULL: memory is out, or "size" is too large. */
void *ngx_pimap_arena_alloc(size_t size);

/* Not for NULL. */
void ngx_pimap_arena_free(void *record);

/* Bytes that are mapped now, for all records of this process. */
size_t ngx_pimap_arena_mapped(void);


#endif /* _NGX_PIMAP_ARENA_H_INCLUDED_ */
