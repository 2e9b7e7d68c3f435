
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns buffers that grow, and strings that point into other memory.
 */


#ifndef _BRIDGE_BUFFER_H_INCLUDED_
#define _BRIDGE_BUFFER_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* Not terminated; data == NULL is NIL, and not an empty string. */

typedef struct {
    char     *data;
    size_t    len;
} bridge_str_t;


typedef struct {
    char     *data;
    size_t    len;
    size_t    size;
} bridge_buffer_t;


#define bridge_str_is(s, text)                                                \
    bridge_str_equal((s), (text), sizeof(text) - 1)

/* Ignores the case of ASCII letters. */
int bridge_str_equal(const bridge_str_t *s, const char *text, size_t len);

/* Room for "len" bytes more; the address of the first of them. */
char *bridge_buffer_need(bridge_buffer_t *b, size_t len);

void bridge_buffer_add(bridge_buffer_t *b, const void *data, size_t len);
void bridge_buffer_text(bridge_buffer_t *b, const char *text);
void bridge_buffer_char(bridge_buffer_t *b, char c);
void bridge_buffer_number(bridge_buffer_t *b, uint64_t n);

void bridge_buffer_base64(bridge_buffer_t *b, const char *data, size_t len);

/* Wipes it, as it may have had a secret. */
void bridge_buffer_free(bridge_buffer_t *b);


#endif /* _BRIDGE_BUFFER_H_INCLUDED_ */
