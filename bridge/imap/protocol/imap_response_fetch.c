
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * FETCH responses: "(" item SP value *(SP item SP value) ")".
 */


#include "imap_response.h"

#include <string.h>
#include <strings.h>


static int imap_response_fetch_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item);
static int imap_response_fetch_modseq(imap_response_t *r, imap_cursor_t *c);
static int imap_response_fetch_body(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item);
static int imap_response_fetch_envelope(imap_response_t *r, imap_cursor_t *c);
static int imap_response_fetch_addresses(mime_addresses_t *list,
    imap_cursor_t *c);
static int imap_response_fetch_address(mime_address_t *a, imap_cursor_t *c);


int
imap_response_fetch_parse(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t            item;
    imap_response_fetch_t  *f = &r->u.fetch;

    f->uid = 0;
    f->size = 0;
    f->modseq = 0;
    f->nflags = 0;
    f->nsections = 0;
    f->date.data = NULL;
    f->date.len = 0;
    f->preview.data = NULL;

    if (imap_cursor_expect(c, '(') == -1) {
        return -1;
    }

    while (!imap_cursor_at(c, ')')) {

        if (imap_cursor_atom(c, &item) == -1
            || imap_cursor_expect(c, ' ') == -1
            || imap_response_fetch_item(r, c, &item) == -1)
        {
            return -1;
        }

        imap_cursor_at(c, ' ');
    }

    return 0;
}


static int
imap_response_fetch_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item)
{
    uint64_t                n;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (bridge_str_is(item, "UID")) {

        if (imap_cursor_number(c, UINT32_MAX, &n) == -1 || n == 0) {
            return imap_cursor_error(c, "bad UID");
        }

        f->uid = n;
        r->has |= IMAP_HAS_UID;

        return 0;
    }

    if (bridge_str_is(item, "FLAGS")) {
        r->has |= IMAP_HAS_FLAGS;
        return imap_cursor_atoms(c, f->flags, IMAP_MAX_FLAGS, &f->nflags);
    }

    if (bridge_str_is(item, "MODSEQ")) {
        return imap_response_fetch_modseq(r, c);
    }

    if (bridge_str_is(item, "RFC822.SIZE")) {

        if (imap_cursor_number(c, INT64_MAX, &n) == -1) {
            return -1;
        }

        f->size = n < UINT32_MAX ? n : UINT32_MAX;
        r->has |= IMAP_HAS_SIZE;

        return 0;
    }

    if (bridge_str_is(item, "INTERNALDATE")) {
        return imap_cursor_string(c, &f->date, 1);
    }

    if (bridge_str_is(item, "PREVIEW")) {
        return imap_cursor_string(c, &f->preview, 1);
    }

    if (bridge_str_is(item, "ENVELOPE")) {
        return imap_response_fetch_envelope(r, c);
    }

    if (item->len > 5 && strncasecmp(item->data, "BODY[", 5) == 0) {
        return imap_response_fetch_body(r, c, item);
    }

    return imap_cursor_skip(c);
}


static int
imap_response_fetch_modseq(imap_response_t *r, imap_cursor_t *c)
{
    if (imap_cursor_expect(c, '(') == -1
        || imap_cursor_number(c, INT64_MAX, &r->u.fetch.modseq) == -1
        || imap_cursor_expect(c, ')') == -1)
    {
        return -1;
    }

    r->has |= IMAP_HAS_MODSEQ;

    return 0;
}


/* BODY[section]<0>; the item's atom has all of that */

static int
imap_response_fetch_body(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item)
{
    char                   *end;
    bridge_str_t            data;
    imap_response_fetch_t  *f = &r->u.fetch;
    imap_section_t         *s;

    if (imap_cursor_string(c, &data, 1) == -1) {
        return -1;
    }

    end = memchr(item->data, ']', item->len);

    if (f->nsections < IMAP_MAX_SECTIONS && end) {
        s = &f->sections[f->nsections++];
        s->name.data = item->data + 5;
        s->name.len = end - s->name.data;
        s->data = data;
    }

    return 0;
}


const bridge_str_t *
imap_response_fetch_section(const imap_response_fetch_t *f, const char *name)
{
    size_t  i, len;

    len = strlen(name);

    for (i = 0; i < f->nsections; i++) {

        if (f->sections[i].name.len >= len
            && strncasecmp(f->sections[i].name.data, name, len) == 0)
        {
            return &f->sections[i].data;
        }
    }

    return NULL;
}


const bridge_str_t *
imap_response_fetch_exactly(const imap_response_fetch_t *f, const char *name)
{
    size_t  i;

    for (i = 0; i < f->nsections; i++) {

        if (bridge_str_equal(&f->sections[i].name, name, strlen(name))) {
            return &f->sections[i].data;
        }
    }

    return NULL;
}


/* date subject from sender reply-to to cc bcc in-reply-to message-id */

static int
imap_response_fetch_envelope(imap_response_t *r, imap_cursor_t *c)
{
    imap_envelope_t  *e = &r->u.fetch.envelope;

    if (imap_cursor_expect(c, '(') == -1
        || imap_cursor_string(c, &e->date, 1) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &e->subject, 1) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_response_fetch_addresses(&e->from, c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_skip(c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_skip(c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_response_fetch_addresses(&e->to, c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_response_fetch_addresses(&e->cc, c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_skip(c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_skip(c) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &e->message_id, 1) == -1
        || imap_cursor_expect(c, ')') == -1)
    {
        return -1;
    }

    r->has |= IMAP_HAS_ENVELOPE;

    return 0;
}


static int
imap_response_fetch_addresses(mime_addresses_t *list, imap_cursor_t *c)
{
    bridge_str_t    nil;
    mime_address_t  address;

    list->n = 0;

    if (!imap_cursor_at(c, '(')) {

        if (imap_cursor_atom(c, &nil) == -1 || !bridge_str_is(&nil, "NIL")) {
            return imap_cursor_error(c, "addresses expected");
        }

        return 0;
    }

    while (!imap_cursor_at(c, ')')) {

        if (imap_response_fetch_address(&address, c) == -1) {
            return -1;
        }

        imap_cursor_at(c, ' ');

        /* without a host: the beginning or the end of a group */

        if (list->n < MIME_MAX_ADDRESSES && address.mailbox.data
            && address.host.data)
        {
            list->list[list->n++] = address;
        }
    }

    return 0;
}


/* "(" name route mailbox host ")" */

static int
imap_response_fetch_address(mime_address_t *a, imap_cursor_t *c)
{
    bridge_str_t  route;

    if (imap_cursor_expect(c, '(') == -1
        || imap_cursor_string(c, &a->name, 1) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &route, 1) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &a->mailbox, 1) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &a->host, 1) == -1
        || imap_cursor_expect(c, ')') == -1)
    {
        return -1;
    }

    return 0;
}
