
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
static void imap_response_fetch_string(imap_cursor_t *c, bridge_str_t *s);
static void imap_response_fetch_find_uid(imap_response_t *r,
    imap_cursor_t *c, char *p);
static void imap_response_fetch_body(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item);
static void imap_response_fetch_envelope(imap_response_t *r,
    imap_cursor_t *c);
static void imap_response_fetch_addresses(mime_addresses_t *list,
    imap_cursor_t *c);
static void imap_response_fetch_address(mime_addresses_t *list,
    imap_cursor_t *c);


void
imap_response_fetch_parse(imap_response_t *r, imap_cursor_t *c)
{
    char          *begin;
    bridge_str_t   item;

    memset(&r->u.fetch, 0, offsetof(imap_response_fetch_t, flags));

    begin = c->p;
    imap_cursor_expect(c, '(');

    while (c->error == NULL) {
        while (imap_cursor_at(c, ' ')) { /* void */ }

        if (imap_cursor_at(c, ')')) {
            return;
        }

        begin = c->p;
        imap_cursor_atom(c, &item);

        if (imap_cursor_expect(c, ' ') == 0) {
            imap_response_fetch_item(r, c, &item);
        }
    }

    r->damage = c->error;
    c->error = NULL;

    if (!(r->has & IMAP_HAS_UID)) {
        imap_response_fetch_find_uid(r, c, begin);
    }
}


/* An item that is not valid is not there. */

static void
imap_response_fetch_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item)
{
    uint32_t                has;
    uint64_t                n;
    imap_response_fetch_t  *f = &r->u.fetch;

    has = 0;

    if (bridge_str_is(item, "UID")) {
        has = IMAP_HAS_UID;

        if (imap_cursor_number(c, UINT32_MAX, &n) == -1 || n == 0) {
            imap_cursor_error(c, "bad UID");
        }

        f->uid = n;

    } else if (bridge_str_is(item, "FLAGS")) {
        has = IMAP_HAS_FLAGS;
        imap_cursor_atoms(c, f->flags, IMAP_MAX_FLAGS, &f->nflags);

    } else if (bridge_str_is(item, "MODSEQ")) {
        has = IMAP_HAS_MODSEQ;
        imap_cursor_expect(c, '(');
        imap_cursor_number(c, INT64_MAX, &f->modseq);
        imap_cursor_expect(c, ')');

    } else if (bridge_str_is(item, "RFC822.SIZE")) {
        has = IMAP_HAS_SIZE;
        imap_cursor_number(c, INT64_MAX, &n);
        f->size = n < UINT32_MAX ? n : UINT32_MAX;

    } else if (bridge_str_is(item, "INTERNALDATE")) {
        imap_response_fetch_string(c, &f->date);

    } else if (bridge_str_is(item, "PREVIEW")) {
        imap_response_fetch_string(c, &f->preview);

    } else if (bridge_str_is(item, "ENVELOPE")) {
        has = IMAP_HAS_ENVELOPE;
        imap_response_fetch_envelope(r, c);

    } else if (item->len > 5 && strncasecmp(item->data, "BODY[", 5) == 0) {
        imap_response_fetch_body(r, c, item);

    } else {
        imap_cursor_skip(c);
    }

    if (c->error == NULL) {
        r->has |= has;
    }
}


static void
imap_response_fetch_string(imap_cursor_t *c, bridge_str_t *s)
{
    if (imap_cursor_string(c, s, 1) == -1) {
        s->data = NULL;
    }
}


/*
 * Looks for "UID n" behind an item that is not understood, outside of
 * literals.  Text of the message may have it, too: two numbers are none.
 */

static void
imap_response_fetch_find_uid(imap_response_t *r, imap_cursor_t *c, char *p)
{
    uint64_t      n, found;
    bridge_str_t  literal;

    found = 0;

    for ( /* void */ ; c->end - p > 4; p++) {
        c->p = p;

        if (*p == '{' && imap_cursor_string(c, &literal, 0) == 0) {
            p = c->p - 1;
            continue;
        }

        c->error = NULL;

        if ((p[-1] != ' ' && p[-1] != '(')
            || strncasecmp(p, "UID ", 4) != 0)
        {
            continue;
        }

        c->p = p + 4;

        if (imap_cursor_number(c, UINT32_MAX, &n) == -1 || n == 0
            || c->p == c->end || (*c->p != ' ' && *c->p != ')'))
        {
            c->error = NULL;
            continue;
        }

        if (found && found != n) {
            return;
        }

        found = n;
    }

    if (found) {
        r->has |= IMAP_HAS_UID;
        r->u.fetch.uid = found;
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


/*
 * date subject from sender reply-to to cc bcc in-reply-to message-id.  Real
 * servers leave out the last ones, or all.
 */

static void
imap_response_fetch_envelope(imap_response_t *r, imap_cursor_t *c)
{
    size_t            i;
    bridge_str_t      unused;
    imap_envelope_t  *e = &r->u.fetch.envelope;

    const struct {
        bridge_str_t      *string;
        mime_addresses_t  *addresses;
    } fields[] = {
        { &e->date, NULL }, { &e->subject, NULL }, { NULL, &e->from },
        { NULL, NULL }, { NULL, NULL }, { NULL, &e->to }, { NULL, &e->cc },
        { NULL, NULL }, { &unused, NULL }, { &e->message_id, NULL }
    };

    memset(e, 0, sizeof(imap_envelope_t));

    if (c->p < c->end && *c->p != '(') {

        if (imap_cursor_atom(c, &unused) == -1
            || !bridge_str_is(&unused, "NIL"))
        {
            imap_cursor_error(c, "envelope expected");
        }

        return;
    }

    imap_cursor_expect(c, '(');

    for (i = 0; c->error == NULL; i++) {
        while (imap_cursor_at(c, ' ')) { /* void */ }

        if (imap_cursor_at(c, ')')) {
            return;
        }

        if (i == sizeof(fields) / sizeof(fields[0])) {
            imap_cursor_error(c, "an envelope with more than 10 fields");

        } else if (fields[i].string) {
            imap_cursor_string(c, fields[i].string, 1);

        } else if (fields[i].addresses) {
            imap_response_fetch_addresses(fields[i].addresses, c);

        } else {
            imap_cursor_skip(c);
        }
    }
}


/* NIL, "", or a list of "(" name route mailbox host ")" */

static void
imap_response_fetch_addresses(mime_addresses_t *list, imap_cursor_t *c)
{
    bridge_str_t  none;

    list->n = 0;

    if (!imap_cursor_at(c, '(')) {

        if (imap_cursor_string(c, &none, 1) == 0 && none.len) {
            imap_cursor_error(c, "addresses expected");
        }

        return;
    }

    for ( ;; ) {
        while (imap_cursor_at(c, ' ')) { /* void */ }

        if (c->error || imap_cursor_at(c, ')')) {
            return;
        }

        imap_response_fetch_address(list, c);
    }
}


/* Some servers leave members out, or send one more. */

static void
imap_response_fetch_address(mime_addresses_t *list, imap_cursor_t *c)
{
    size_t           i;
    bridge_str_t     members[4], more;
    mime_address_t  *a;

    memset(members, 0, sizeof(members));
    imap_cursor_expect(c, '(');

    for (i = 0; c->error == NULL; i++) {
        while (imap_cursor_at(c, ' ')) { /* void */ }

        if (imap_cursor_at(c, ')')) {
            break;
        }

        imap_cursor_string(c, i < 4 ? &members[i] : &more, 1);
    }

    if (c->error == NULL && list->n < MIME_MAX_ADDRESSES) {
        a = &list->list[list->n++];
        a->name = members[0];
        a->mailbox = members[2];
        a->host = members[3];
    }
}
