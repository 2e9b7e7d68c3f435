
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads responses (RFC 9051, 7).  Pure.
 */


#include "imap_response.h"

#include <string.h>


typedef void (*imap_parse_pt)(imap_response_t *r, imap_cursor_t *c);


typedef struct {
    const char      *name;
    imap_kind_t      kind;
    imap_parse_pt    parse;             /* from the space after the name */
} imap_untagged_t;


static void imap_parse_untagged(imap_response_t *r, imap_cursor_t *c);
static void imap_parse_numbered(imap_response_t *r, imap_cursor_t *c);
static void imap_parse_condition(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *word);
static void imap_parse_code(imap_response_t *r, imap_cursor_t *c);
static void imap_parse_rest(imap_response_t *r, imap_cursor_t *c);
static void imap_parse_list(imap_response_t *r, imap_cursor_t *c);
static void imap_parse_status(imap_response_t *r, imap_cursor_t *c);
static void imap_parse_status_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item);
static void imap_parse_name(imap_cursor_t *c, bridge_str_t *name);
static void imap_parse_vanished(imap_response_t *r, imap_cursor_t *c);


static const imap_untagged_t  imap_untagged[] = {
    { "CAPABILITY", IMAP_CAPABILITY, imap_parse_rest },
    { "ENABLED", IMAP_ENABLED, imap_parse_rest },
    { "SEARCH", IMAP_SEARCH, imap_parse_rest },
    { "LIST", IMAP_LIST, imap_parse_list },
    { "LSUB", IMAP_LSUB, imap_parse_list },
    { "STATUS", IMAP_STATUS, imap_parse_status },
    { "VANISHED", IMAP_VANISHED, imap_parse_vanished },
    { NULL, IMAP_OTHER, NULL }
};


const imap_word_t  imap_conditions[] = {
    { "OK", IMAP_COND_OK },
    { "NO", IMAP_COND_NO },
    { "BAD", IMAP_COND_BAD },
    { "BYE", IMAP_COND_BYE },
    { "PREAUTH", IMAP_COND_PREAUTH },
    { NULL, 0 }
};


int
imap_response_parse(imap_response_t *r, const bridge_str_t *bytes,
    const char **error)
{
    bridge_str_t   word;
    imap_cursor_t  c;

    /* the large members are set where they are counted */

    memset(r, 0, offsetof(imap_response_t, u));
    imap_cursor_init(&c, bytes->data, bytes->len);

    if (memchr(bytes->data, '\0', bytes->len)
        && memchr(bytes->data, '{', bytes->len) == NULL)
    {
        imap_cursor_error(&c, "zero byte");

    } else if (imap_cursor_at(&c, '+')) {
        r->kind = IMAP_CONTINUE;
        imap_cursor_at(&c, ' ');
        imap_parse_rest(r, &c);

    } else if (imap_cursor_at(&c, '*')) {
        imap_cursor_expect(&c, ' ');
        imap_parse_untagged(r, &c);

    } else {
        r->kind = IMAP_TAGGED;
        imap_cursor_atom(&c, &r->tag);
        imap_cursor_expect(&c, ' ');

        if (c.error == NULL && imap_cursor_at(&c, '+')) {

            /* "p1 + idling", of some servers */

            r->kind = IMAP_CONTINUE;
            imap_parse_rest(r, &c);
            *error = NULL;
            return 0;
        }

        imap_cursor_atom(&c, &word);
        imap_parse_condition(r, &c, &word);

        if (r->condition > IMAP_COND_BAD) {
            imap_cursor_error(&c, "bad tagged response");
        }
    }

    *error = c.error;

    return c.error ? -1 : 0;
}


static void
imap_parse_untagged(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t            word;
    const imap_untagged_t  *u;

    if (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
        imap_parse_numbered(r, c);
        return;
    }

    if (imap_cursor_atom(c, &word) == -1) {
        return;
    }

    for (u = imap_untagged; u->name; u++) {

        if (bridge_str_equal(&word, u->name, strlen(u->name))) {
            r->kind = u->kind;
            imap_cursor_at(c, ' ');
            u->parse(r, c);
            return;
        }
    }

    /* FLAGS, ID, NAMESPACE and unknown extensions are no error */

    imap_parse_condition(r, c, &word);

    if (c->error == NULL) {
        r->kind = IMAP_CONDITION;
    }

    c->error = NULL;
}


static void
imap_parse_numbered(imap_response_t *r, imap_cursor_t *c)
{
    uint64_t      n;
    bridge_str_t  word;

    imap_cursor_number(c, UINT32_MAX, &n);
    imap_cursor_expect(c, ' ');

    if (imap_cursor_atom(c, &word) == -1) {
        return;
    }

    r->number = n;

    if (bridge_str_is(&word, "EXISTS")) {
        r->kind = IMAP_EXISTS;
        return;
    }

    if (bridge_str_is(&word, "EXPUNGE")) {
        r->kind = IMAP_EXPUNGE;

    } else if (bridge_str_is(&word, "FETCH")) {
        r->kind = IMAP_RESPONSE_FETCH;
        imap_cursor_expect(c, ' ');
        imap_response_fetch_parse(r, c);

    } else {
        return;
    }

    if (n == 0) {
        imap_cursor_error(c, "message number 0");
    }
}


static void
imap_parse_condition(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *word)
{
    r->condition = c->error ? 0 : imap_word(imap_conditions, word);

    if (r->condition == 0) {
        imap_cursor_error(c, "unknown response");
        return;
    }

    imap_cursor_at(c, ' ');

    if (imap_cursor_at(c, '[')) {
        imap_parse_code(r, c);
    }

    imap_parse_rest(r, c);
}


/* "[" atom [" " text] "]"; the text may have a "]" within quotes only. */

static void
imap_parse_code(imap_response_t *r, imap_cursor_t *c)
{
    int    quoted;
    char  *p;

    r->code.data = c->p;

    while (c->p < c->end && *c->p != ' ' && *c->p != ']') {
        c->p++;
    }

    r->code.len = c->p - r->code.data;
    imap_cursor_at(c, ' ');

    r->code_text.data = c->p;

    for (quoted = 0; c->p < c->end && (quoted || *c->p != ']'); c->p++) {
        quoted ^= *c->p == '"';
    }

    r->code_text.len = c->p - r->code_text.data;

    if (!imap_cursor_at(c, ']')) {
        imap_cursor_error(c, "response code without an end");
        return;
    }

    for (p = r->code_text.data; *p >= '0' && *p <= '9'; p++) {

        if (r->code_number > (INT64_MAX - 9) / 10) {
            imap_cursor_error(c, "number too large");
            return;
        }

        r->code_number = r->code_number * 10 + (*p - '0');
    }

    imap_cursor_at(c, ' ');
}


static void
imap_parse_rest(imap_response_t *r, imap_cursor_t *c)
{
    r->text.data = c->p;
    r->text.len = c->end - c->p;
    c->p = c->end;
}


/* (attributes) delimiter mailbox; extended data is not used */

static void
imap_parse_list(imap_response_t *r, imap_cursor_t *c)
{
    size_t        n;
    bridge_str_t  list[64], delimiter;
    imap_list_t  *l = &r->u.list;

    static const imap_word_t  attributes[] = {
        { "\\Noselect", IMAP_BOX_NOSELECT },
        { "\\NonExistent", IMAP_BOX_NONEXISTENT },
        { "\\Subscribed", IMAP_BOX_SUBSCRIBED },
        { "\\Sent", IMAP_BOX_SPECIAL_USE },
        { "\\Drafts", IMAP_BOX_SPECIAL_USE },
        { "\\Trash", IMAP_BOX_SPECIAL_USE },
        { "\\Archive", IMAP_BOX_SPECIAL_USE },
        { "\\All", IMAP_BOX_SPECIAL_USE },
        { "\\Flagged", IMAP_BOX_SPECIAL_USE },
        { NULL, 0 }
    };

    memset(l, 0, sizeof(imap_list_t));

    imap_cursor_atoms(c, list, 64, &n);
    imap_cursor_expect(c, ' ');

    if (c->end - c->p > 4 && memcmp(c->p, "\"\\\" ", 4) == 0) {
        c->p += 3;                      /* not escaped */

    } else {
        imap_cursor_string(c, &delimiter, 1);
    }

    imap_cursor_expect(c, ' ');
    imap_parse_name(c, &l->name);

    while (n--) {
        l->attributes |= imap_word(attributes, &list[n]);
    }

    if (r->kind == IMAP_LSUB) {
        l->attributes |= IMAP_BOX_SUBSCRIBED;
    }
}


static void
imap_parse_status(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t  item;

    memset(&r->u.status, 0, sizeof(imap_status_t));

    imap_parse_name(c, &r->u.status.name);
    imap_cursor_expect(c, ' ');
    imap_cursor_expect(c, '(');

    for ( ;; ) {
        while (imap_cursor_at(c, ' ')) { /* void */ }

        if (c->error || imap_cursor_at(c, ')')) {
            return;
        }

        imap_cursor_atom(c, &item);

        if (imap_cursor_expect(c, ' ') == 0) {
            imap_parse_status_item(r, c, &item);
        }
    }
}


/* A string, or up to a list or the end: some servers do not quote spaces. */

static void
imap_parse_name(imap_cursor_t *c, bridge_str_t *name)
{
    char  *p;

    if (c->p < c->end && strchr("\"{~", *c->p)) {
        imap_cursor_string(c, name, 0);
        return;
    }

    name->data = c->p;

    while (c->p < c->end
           && (c->end - c->p < 2 || c->p[0] != ' ' || c->p[1] != '('))
    {
        c->p++;
    }

    for (p = c->p; p > name->data && p[-1] == ' '; p--) { /* void */ }

    name->len = p - name->data;

    if (name->len == 0) {
        imap_cursor_error(c, "a mailbox without a name");
    }
}


/* A value that is no number is not there. */

static void
imap_parse_status_item(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *item)
{
    size_t          i;
    uint64_t        n;
    imap_cursor_t   value;
    imap_status_t  *s = &r->u.status;

    const struct {
        const char  *name;
        uint32_t     bit;
        uint32_t    *to;
    } items[] = {
        { "MESSAGES", IMAP_HAS_MESSAGES, &s->messages },
        { "UIDNEXT", IMAP_HAS_UIDNEXT, &s->uidnext },
        { "UIDVALIDITY", IMAP_HAS_UIDVALIDITY, &s->uidvalidity },
        { "UNSEEN", IMAP_HAS_UNSEEN, &s->unseen }
    };

    value = *c;

    if (bridge_str_is(item, "HIGHESTMODSEQ")
        && imap_cursor_number(&value, INT64_MAX, &n) == 0)
    {
        s->modseq = n;
        r->has |= IMAP_HAS_MODSEQ;
    }

    for (i = 0; i < sizeof(items) / sizeof(items[0]); i++) {

        if (bridge_str_equal(item, items[i].name, strlen(items[i].name))
            && imap_cursor_number(&value, UINT32_MAX, &n) == 0)
        {
            *items[i].to = n;
            r->has |= items[i].bit;
        }
    }

    imap_cursor_skip(c);
}


static void
imap_parse_vanished(imap_response_t *r, imap_cursor_t *c)
{
    size_t        n;
    bridge_str_t  tags[1];

    if (c->p < c->end && *c->p == '(') {
        imap_cursor_atoms(c, tags, 1, &n);
        imap_cursor_expect(c, ' ');
        r->earlier = n == 1 && bridge_str_is(&tags[0], "EARLIER");
    }

    imap_cursor_atom(c, &r->text);
}
