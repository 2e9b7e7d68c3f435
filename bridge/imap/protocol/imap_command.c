
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Writes commands, with literals where they are needed.
 */


#include "imap_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "imap_token.h"


#define IMAP_MAX_QUOTED   1000          /* longer ones are literals */
#define IMAP_MAX_FLAG     128


static void imap_command_literal(imap_command_t *c, const char *data,
    size_t len);
static int imap_command_flag(const char *flag, size_t len);


void
imap_command_init(imap_command_t *c, imap_literal_t literal, int utf8)
{
    memset(c, 0, sizeof(imap_command_t));

    c->literal = literal;
    c->utf8 = utf8 != 0;
}


void
imap_command_free(imap_command_t *c)
{
    bridge_buffer_free(&c->buf);
}


void
imap_command_add(imap_command_t *c, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    imap_command_vadd(c, format, args);
    va_end(args);
}


void
imap_command_vadd(imap_command_t *c, const char *format, va_list args)
{
    char  *text;

    text = bridge_vformat(format, args);

    bridge_buffer_text(&c->buf, text);
    free(text);
}


void
imap_command_set(imap_command_t *c, const imap_sequence_set_t *set)
{
    if (set->n == 0) {
        c->error = "empty set";
        return;
    }

    imap_sequence_set_format(set, &c->buf);
}


void
imap_command_string(imap_command_t *c, const char *data, size_t len)
{
    int     quoted;
    size_t  i;

    quoted = len <= IMAP_MAX_QUOTED;

    for (i = 0; i < len; i++) {

        if (data[i] == '\r' || data[i] == '\n' || data[i] == '\0') {
            c->error = "line break or zero byte in an argument";
            return;
        }

        if ((unsigned char) data[i] >= 0x7f
            || (unsigned char) data[i] < 0x20)
        {
            quoted = 0;
        }
    }

    if (!quoted) {
        imap_command_literal(c, data, len);
        return;
    }

    bridge_buffer_char(&c->buf, '"');

    for (i = 0; i < len; i++) {

        if (data[i] == '"' || data[i] == '\\') {
            bridge_buffer_char(&c->buf, '\\');
        }

        bridge_buffer_char(&c->buf, data[i]);
    }

    bridge_buffer_char(&c->buf, '"');
}


static void
imap_command_literal(imap_command_t *c, const char *data, size_t len)
{
    int  sync;

    sync = c->literal == IMAP_LITERAL_SYNC
           || (c->literal == IMAP_LITERAL_MINUS
               && len > IMAP_MAX_LITERAL_MINUS);

    if (sync && c->nstops == IMAP_MAX_STOPS) {
        c->error = "too many arguments";
        return;
    }

    bridge_buffer_char(&c->buf, '{');
    bridge_buffer_number(&c->buf, len);
    bridge_buffer_text(&c->buf, sync ? "}\r\n" : "+}\r\n");

    if (sync) {
        c->stops[c->nstops++] = c->buf.len;
    }

    bridge_buffer_add(&c->buf, data, len);
}


void
imap_command_message(imap_command_t *c, const char *data, size_t len)
{
    size_t           i;
    bridge_buffer_t  b;

    memset(&b, 0, sizeof(b));

    for (i = 0; i < len; i++) {

        if (data[i] == '\0') {
            c->error = "zero byte in a message";
            break;
        }

        if (data[i] == '\r' || data[i] == '\n') {
            bridge_buffer_add(&b, "\r\n", 2);
            i += data[i] == '\r' && i + 1 < len && data[i + 1] == '\n';
            continue;
        }

        bridge_buffer_char(&b, data[i]);
    }

    imap_command_literal(c, b.data, b.len);
    bridge_buffer_free(&b);
}


void
imap_command_mailbox(imap_command_t *c, const char *name)
{
    bridge_buffer_t  b;

    if (*name == '\0' || strlen(name) > IMAP_MAX_NAME) {
        c->error = "mailbox name empty or too long";
        return;
    }

    if (!imap_name_valid(name, strlen(name))) {
        c->error = "bad character in a mailbox name";
        return;
    }

    if (c->utf8) {
        imap_command_string(c, name, strlen(name));
        return;
    }

    memset(&b, 0, sizeof(b));

    if (imap_utf7_encode(&b, name, strlen(name)) == -1) {
        c->error = "bad character in a mailbox name";
    }

    imap_command_string(c, b.data, b.len);
    bridge_buffer_free(&b);
}


void
imap_command_flags(imap_command_t *c, json_t *flags)
{
    size_t   i;
    json_t  *flag;

    bridge_buffer_char(&c->buf, '(');

    json_array_foreach(flags, i, flag) {

        if (i) {
            bridge_buffer_char(&c->buf, ' ');
        }

        imap_command_keyword(c, json_string_value(flag),
                             json_string_length(flag));
    }

    bridge_buffer_char(&c->buf, ')');
}


void
imap_command_keyword(imap_command_t *c, const char *flag, size_t len)
{
    if (flag == NULL || !imap_command_flag(flag, len)) {
        c->error = "bad flag";
        return;
    }

    bridge_buffer_add(&c->buf, flag, len);
}


/* flag = "\" atom / atom; an atom has no specials of RFC 3501 */

static int
imap_command_flag(const char *flag, size_t len)
{
    size_t        i;
    bridge_str_t  s;

    s.data = (char *) flag;
    s.len = len;

    if (bridge_str_is(&s, "\\Recent")) {
        return 0;
    }

    i = len && flag[0] == '\\';

    if (i == len || len > IMAP_MAX_FLAG) {
        return 0;
    }

    for ( /* void */ ; i < len; i++) {

        if (flag[i] <= ' ' || flag[i] >= 0x7f || strchr("(){%*\"\\]", flag[i]))
        {
            return 0;
        }
    }

    return 1;
}
