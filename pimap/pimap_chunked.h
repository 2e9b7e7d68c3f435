
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the chunked transfer coding (RFC 9112, 7.1), as a server reads it, and
 * bodies that have a length instead.
 * Called by transport/.  Invariant: it allocates and copies nothing.
 */


#ifndef _PIMAP_CHUNKED_H_INCLUDED_
#define _PIMAP_CHUNKED_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PIMAP_CHUNKED_LINE_MAX      256     /* bytes of a size's line */
#define PIMAP_CHUNKED_TRAILERS_MAX  4096    /* of all after the last chunk */


/*
 * A reader.  Zeroed: between two chunks.  It has no pointers, so that it can
 * go on elsewhere.
 */
typedef struct {
    uint64_t         left;              /* bytes of the chunk to come */
    uint16_t         line;              /* read of the line, the trailers */
    uint8_t          state;
} pimap_chunked_t;


typedef enum {
    PIMAP_CHUNKED_AGAIN = 0,            /* all has been read */
    PIMAP_CHUNKED_DATA,                 /* a piece of the body */
    PIMAP_CHUNKED_END,                  /* of the body, and its trailers */
    PIMAP_CHUNKED_FAIL
} pimap_chunked_result_t;


typedef struct {
    size_t           used;              /* bytes that have been read */
    uint8_t         *data;              /* within them */
    size_t           len;
    const char      *why;               /* of a failure */
} pimap_chunked_in_t;


/*
 * Reads until there is something to say; to be called again with the rest of
 * the bytes until AGAIN.  Extensions and trailers are skipped.  Nothing may be
 * read after END and FAIL.
 */
pimap_chunked_result_t pimap_chunked_read(pimap_chunked_t *chunked,
    uint8_t *data, size_t len, pimap_chunked_in_t *in);

/* The body has this length, and no chunks. */
void pimap_chunked_length(pimap_chunked_t *chunked, uint64_t len);

/* Gives back the last bytes of the piece that has just been read. */
void pimap_chunked_unread(pimap_chunked_t *chunked, size_t len);

/* True between two chunks: the reader remembers nothing. */
int pimap_chunked_idle(const pimap_chunked_t *chunked);

/* True if it may be one that has been read with up to now. */
int pimap_chunked_valid(const pimap_chunked_t *chunked);


#endif /* _PIMAP_CHUNKED_H_INCLUDED_ */
