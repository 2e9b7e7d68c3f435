
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns texts of a limited size.  Used by all rooms.
 */


#ifndef _BRIDGE_TEXT_H_INCLUDED_
#define _BRIDGE_TEXT_H_INCLUDED_


#include <stdarg.h>
#include <stddef.h>


/*
 * print() is a printf() that cuts its text between two characters.  In it, and
 * in the text of valid(), a byte that is no UTF-8 becomes a question mark.
 */

void bridge_text_print(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void bridge_text_vprint(char *text, size_t size, const char *format,
    va_list args) __attribute__((format(printf, 3, 0)));
void bridge_text_valid(char *text);

/* The bytes of the next character; 0: the text ends before it does, -1: it is
   no UTF-8. */

int bridge_text_next(const char *text);


#endif /* _BRIDGE_TEXT_H_INCLUDED_ */
