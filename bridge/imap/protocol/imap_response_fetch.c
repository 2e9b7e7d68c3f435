
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * FETCH responses: "(" item SP value *(SP item SP value) ")".
 */


#include "imap_response.h"

#include <string.h>
#include <strings.h>


static void imap_response_fetch_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item);
static void imap_response_fetch_body(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item);
static void imap_response_fetch_envelope(imap_response_t *r,
    imap_cursor_t *c);
static void imap_response_fetch_addresses(mime_addresses_t *list,
    imap_cursor_t *c);


void
imap_response_fetch_parse(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t  item;

    memset(&r->u.fetch, 0, offsetof(imap_response_fetch_t, flags));

    imap_cursor_expect(c, '(');

    while (c->error == NULL && !imap_cursor_at(c, ')')) {
        imap_cursor_atom(c, &item);

        if (imap_cursor_expect(c, ' ') == 0) {
            imap_response_fetch_item(r, c, &item);
        }

        imap_cursor_at(c, ' ');
    }
}


static void
imap_response_fetch_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item)
{
    uint64_t                n;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (bridge_str_is(item, "UID")) {
        r->has |= IMAP_HAS_UID;

        if (imap_cursor_number(c, UINT32_MAX, &n) == -1 || n == 0) {
            imap_cursor_error(c, "bad UID");
        }

        f->uid = n;

    } else if (bridge_str_is(item, "FLAGS")) {
        r->has |= IMAP_HAS_FLAGS;
        imap_cursor_atoms(c, f->flags, IMAP_MAX_FLAGS, &f->nflags);

    } else if (bridge_str_is(item, "MODSEQ")) {
        r->has |= IMAP_HAS_MODSEQ;
        imap_cursor_expect(c, '(');
        imap_cursor_number(c, INT64_MAX, &f->modseq);
        imap_cursor_expect(c, ')');

    } else if (bridge_str_is(item, "RFC822.SIZE")) {
        r->has |= IMAP_HAS_SIZE;
        imap_cursor_number(c, INT64_MAX, &n);
        f->size = n < UINT32_MAX ? n : UINT32_MAX;

    } else if (bridge_str_is(item, "INTERNALDATE")) {
        imap_cursor_string(c, &f->date, 1);

    } else if (bridge_str_is(item, "PREVIEW")) {
        imap_cursor_string(c, &f->preview, 1);

    } else if (bridge_str_is(item, "ENVELOPE")) {
        r->has |= IMAP_HAS_ENVELOPE;
        imap_response_fetch_envelope(r, c);

    } else if (item->len > 5 && strncasecmp(item->data, "BODY[", 5) == 0) {
        imap_response_fetch_body(r, c, item);

    } else {
        imap_cursor_skip(c);
    }
}


/* BODY[section]<0>; the item's atom has all of that */

static void
imap_response_fetch_body(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item)
{
    char                   *end;
    bridge_str_t            data;
    imap_section_t         *s;
    imap_response_fetch_t  *f = &r->u.fetch;

    end = memchr(item->data, ']', item->len);

    if (imap_cursor_string(c, &data, 1) == 0 && end
        && f->nsections < IMAP_MAX_SECTIONS)
    {
        s = &f->sections[f->nsections++];
        s->name.data = item->data + 5;
        s->name.len = end - s->name.data;
        s->data = data;
    }
}


const bridge_str_t *
imap_response_fetch_section(const imap_response_fetch_t *f, const char *name)
{
    size_t                 i, len;
    const imap_section_t  *s;

    len = strlen(name);

    for (i = 0; i < f->nsections; i++) {
        s = &f->sections[i];

        if (s->name.len >= len && strncasecmp(s->name.data, name, len) == 0
            && (s->name.len == len || s->name.data[len] == ' '))
        {
            return &s->data;
        }
    }

    return NULL;
}


/* date subject from sender reply-to to cc bcc in-reply-to message-id */

static void
imap_response_fetch_envelope(imap_response_t *r, imap_cursor_t *c)
{
    imap_envelope_t  *e = &r->u.fetch.envelope;

    imap_cursor_expect(c, '(');
    imap_cursor_string(c, &e->date, 1);
    imap_cursor_expect(c, ' ');
    imap_cursor_string(c, &e->subject, 1);
    imap_cursor_expect(c, ' ');
    imap_response_fetch_addresses(&e->from, c);
    imap_cursor_expect(c, ' ');
    imap_cursor_skip(c);
    imap_cursor_expect(c, ' ');
    imap_cursor_skip(c);
    imap_cursor_expect(c, ' ');
    imap_response_fetch_addresses(&e->to, c);
    imap_cursor_expect(c, ' ');
    imap_response_fetch_addresses(&e->cc, c);
    imap_cursor_expect(c, ' ');
    imap_cursor_skip(c);
    imap_cursor_expect(c, ' ');
    imap_cursor_skip(c);
    imap_cursor_expect(c, ' ');
    imap_cursor_string(c, &e->message_id, 1);
    imap_cursor_expect(c, ')');
}


/* NIL, or a list of "(" name route mailbox host ")" */

static void
imap_response_fetch_addresses(mime_addresses_t *list, imap_cursor_t *c)
{
    bridge_str_t    nil, route;
    mime_address_t  a;

    list->n = 0;

    if (!imap_cursor_at(c, '(')) {

        if (imap_cursor_atom(c, &nil) == 0 && !bridge_str_is(&nil, "NIL")) {
            imap_cursor_error(c, "addresses expected");
        }

        return;
    }

    while (c->error == NULL && !imap_cursor_at(c, ')')) {
        imap_cursor_expect(c, '(');
        imap_cursor_string(c, &a.name, 1);
        imap_cursor_expect(c, ' ');
        imap_cursor_string(c, &route, 1);
        imap_cursor_expect(c, ' ');
        imap_cursor_string(c, &a.mailbox, 1);
        imap_cursor_expect(c, ' ');
        imap_cursor_string(c, &a.host, 1);

        if (imap_cursor_expect(c, ')') == -1) {
            return;
        }

        imap_cursor_at(c, ' ');

        /* without a host: the beginning or the end of a group */

        if (list->n < MIME_MAX_ADDRESSES && a.mailbox.data && a.host.data) {
            list->list[list->n++] = a;
        }
    }
}
