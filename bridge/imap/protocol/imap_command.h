
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A command for the server.  Text from outside is always an argument: it is
 * quoted or a literal, and characters that both forbid are refused.  Pure.
 */


#ifndef _IMAP_COMMAND_H_INCLUDED_
#define _IMAP_COMMAND_H_INCLUDED_


#include <stdarg.h>

#include <jansson.h>

#include "bridge_buffer.h"
#include "imap_token.h"


#define IMAP_MAX_STOPS          64      /* synchronising literals */
#define IMAP_MAX_LITERAL_MINUS  4096    /* RFC 7888 */


typedef enum {
    IMAP_LITERAL_SYNC,
    IMAP_LITERAL_MINUS,
    IMAP_LITERAL_PLUS
} imap_literal_t;


/*
 * "buf" is sent up to each stop, where the server has to send "+" first.  If
 * "error" is set, nothing may be sent.
 */

typedef struct {
    bridge_buffer_t  buf;
    size_t           stops[IMAP_MAX_STOPS];
    size_t           nstops;
    const char      *error;
    imap_literal_t   literal;
    unsigned         utf8:1;            /* UTF8=ACCEPT is enabled */
} imap_command_t;


void imap_command_init(imap_command_t *c, imap_literal_t literal, int utf8);
void imap_command_free(imap_command_t *c);

/* Text and numbers of the program, never from outside. */
void imap_command_add(imap_command_t *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void imap_command_vadd(imap_command_t *c, const char *format, va_list args);
void imap_command_set(imap_command_t *c, const imap_sequence_set_t *set);

/* From outside: a string without CR, LF and NUL. */
void imap_command_string(imap_command_t *c, const char *data, size_t len);

/* The same, but many lines of it: CRLF is made of bare CR and LF. */
void imap_command_message(imap_command_t *c, const char *data, size_t len);

/* UTF-8, not empty, without control characters. */
void imap_command_mailbox(imap_command_t *c, const char *name);

/* An array of flags and keywords, in parentheses; not \Recent. */
void imap_command_flags(imap_command_t *c, json_t *flags);

/* One flag, without parentheses. */
void imap_command_keyword(imap_command_t *c, const char *flag, size_t len);


#endif /* _IMAP_COMMAND_H_INCLUDED_ */
