
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns texts of a limited size.  Called by all rooms.  Invariant: such a text
 * is UTF-8, whatever a server has said, because JSON has no other text.
 */


#include "bridge.h"

#include <stdio.h>


void
bridge_text_vprint(char *text, size_t size, const char *format, va_list args)
{
    vsnprintf(text, size, format, args);
    bridge_text_valid(text);
}


void
bridge_text_print(char *text, size_t size, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    bridge_text_vprint(text, size, format, args);
    va_end(args);
}


void
bridge_text_valid(char *text)
{
    const char  *end;

    while (!g_utf8_validate(text, -1, &end)) {
        text += end - text;

        if (bridge_text_next(text) == 0) {
            *text = '\0';
            return;
        }

        *text++ = '?';
    }
}


int
bridge_text_next(const char *text)
{
    gunichar  c;

    c = g_utf8_get_char_validated(text, -1);

    return c == (gunichar) -2 ? 0
           : c == (gunichar) -1 ? -1 : g_utf8_skip[(unsigned char) *text];
}
