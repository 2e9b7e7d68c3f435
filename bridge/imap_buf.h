
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes that grow, and strings that lie in somebody else's memory.
 */


#ifndef _IMAP_BUF_H_INCLUDED_
#define _IMAP_BUF_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* Not terminated; data == NULL: there is none (NIL), not even an empty one. */

typedef struct {
    char     *data;
    size_t    len;
} imap_str_t;


typedef struct {
    char     *data;
    size_t    len;
    size_t    size;
} imap_buf_t;


#define imap_str_is(s, text)                                                  \
    imap_str_equal((s), (text), sizeof(text) - 1)

/* Without regard to case, which only ASCII has. */
int imap_str_equal(const imap_str_t *s, const char *text, size_t len);

/* Room for "len" bytes more; the address of the first of them. */
char *imap_buf_need(imap_buf_t *b, size_t len);

void imap_buf_add(imap_buf_t *b, const void *data, size_t len);
void imap_buf_text(imap_buf_t *b, const char *text);
void imap_buf_char(imap_buf_t *b, char c);
void imap_buf_number(imap_buf_t *b, uint64_t n);

void imap_buf_base64(imap_buf_t *b, const char *data, size_t len);

/* Secrets may have been in it. */
void imap_buf_free(imap_buf_t *b);


#endif /* _IMAP_BUF_H_INCLUDED_ */
