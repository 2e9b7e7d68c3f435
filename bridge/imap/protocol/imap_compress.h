
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * COMPRESS=DEFLATE (RFC 4978): raw deflate in both directions, with small
 * windows where we choose them.
 */


#ifndef _IMAP_DEFLATE_H_INCLUDED_
#define _IMAP_DEFLATE_H_INCLUDED_


#include "bridge_buffer.h"


typedef struct imap_compress_s  imap_compress_t;


/* NULL if memory is out. */
imap_compress_t *imap_compress_create(void);

/* Appends; the peer can read all of it. */
void imap_compress_pack(imap_compress_t *d, bridge_buffer_t *b,
    const char *data, size_t len);

/*
 * Appends some of what the bytes are, and takes these off the front.  1: there
 * is more, call again; -1: they are no deflate, or the end of it.
 */
int imap_compress_unpack(imap_compress_t *d, bridge_buffer_t *b,
    imap_str_t *bytes);

void imap_compress_free(imap_compress_t *d);


#endif /* _IMAP_DEFLATE_H_INCLUDED_ */
