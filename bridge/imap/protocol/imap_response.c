
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "imap_response.h"

#include <string.h>


typedef int (*imap_parse_pt)(imap_response_t *r, imap_cursor_t *c);


typedef struct {
    const char      *name;
    imap_kind_t      kind;
    imap_parse_pt    parse;             /* what follows the name's space */
} imap_untagged_t;


static int imap_parse_untagged(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_numbered(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_condition(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *word);
static int imap_parse_code(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_rest(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_list(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_list_more(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_status(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_vanished(imap_response_t *r, imap_cursor_t *c);
static int imap_parse_esearch(imap_response_t *r, imap_cursor_t *c);


static const imap_untagged_t  imap_untagged[] = {
    { "CAPABILITY", IMAP_CAPABILITY, imap_parse_rest },
    { "ENABLED", IMAP_ENABLED, imap_parse_rest },
    { "SEARCH", IMAP_SEARCH, imap_parse_rest },
    { "LIST", IMAP_LIST, imap_parse_list },
    { "LSUB", IMAP_LSUB, imap_parse_list },
    { "STATUS", IMAP_STATUS, imap_parse_status },
    { "VANISHED", IMAP_VANISHED, imap_parse_vanished },
    { "ESEARCH", IMAP_ESEARCH, imap_parse_esearch },
    { NULL, IMAP_OTHER, NULL }
};


static const char  *imap_conditions[] = {
    "OK", "NO", "BAD", "BYE", "PREAUTH"
};


int
imap_response_parse(imap_response_t *r, const bridge_str_t *bytes,
    const char **error)
{
    int            rc;
    bridge_str_t   word;
    imap_cursor_t  c;

    /* the large members are set where they are counted */

    memset(r, 0, offsetof(imap_response_t, u));
    imap_cursor_init(&c, bytes->data, bytes->len);

    if (memchr(bytes->data, '\0', bytes->len)
        && memchr(bytes->data, '{', bytes->len) == NULL)
    {
        rc = imap_cursor_error(&c, "zero byte");

    } else if (imap_cursor_at(&c, '+')) {
        r->kind = IMAP_CONTINUE;
        imap_cursor_at(&c, ' ');
        rc = imap_parse_rest(r, &c);

    } else if (imap_cursor_at(&c, '*')) {
        rc = imap_cursor_expect(&c, ' ');

        if (rc == 0) {
            rc = imap_parse_untagged(r, &c);
        }

    } else {
        r->kind = IMAP_TAGGED;
        rc = imap_cursor_atom(&c, &r->tag);

        if (rc == 0) {
            rc = imap_cursor_expect(&c, ' ');
        }

        if (rc == 0) {
            rc = imap_cursor_atom(&c, &word);
        }

        if (rc == 0) {
            rc = imap_parse_condition(r, &c, &word);
        }

        if (rc == 0 && r->condition > IMAP_COND_BAD) {
            rc = imap_cursor_error(&c, "bad tagged response");
        }
    }

    *error = c.error;

    return rc == -1 || c.error ? -1 : 0;
}


static int
imap_parse_untagged(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t            word;
    const imap_untagged_t  *u;

    if (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
        return imap_parse_numbered(r, c);
    }

    if (imap_cursor_atom(c, &word) == -1) {
        return -1;
    }

    for (u = imap_untagged; u->name; u++) {

        if (bridge_str_equal(&word, u->name, strlen(u->name))) {
            r->kind = u->kind;
            imap_cursor_at(c, ' ');
            return u->parse(r, c);
        }
    }

    /* what is unknown is no error: FLAGS, ID, NAMESPACE, extensions */

    if (imap_parse_condition(r, c, &word) == -1) {
        c->error = NULL;
        return 0;
    }

    r->kind = IMAP_CONDITION;

    return 0;
}


static int
imap_parse_numbered(imap_response_t *r, imap_cursor_t *c)
{
    uint64_t      n;
    bridge_str_t  word;

    if (imap_cursor_number(c, UINT32_MAX, &n) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_atom(c, &word) == -1)
    {
        return -1;
    }

    r->number = n;

    if (bridge_str_is(&word, "EXISTS")) {
        r->kind = IMAP_EXISTS;
        return 0;
    }

    if (bridge_str_is(&word, "EXPUNGE")) {
        r->kind = IMAP_EXPUNGE;

    } else if (bridge_str_is(&word, "FETCH")) {
        r->kind = IMAP_RESPONSE_FETCH;

    } else {
        return 0;
    }

    if (n == 0) {
        return imap_cursor_error(c, "message number 0");
    }

    if (r->kind == IMAP_EXPUNGE) {
        return 0;
    }

    return imap_cursor_expect(c, ' ') == -1 ? -1 : imap_response_fetch_parse(r,
                                                                             c);
}


static int
imap_parse_condition(imap_response_t *r, imap_cursor_t *c,
    const bridge_str_t *word)
{
    size_t  i;

    for (i = 0; i < sizeof(imap_conditions) / sizeof(char *); i++) {

        if (bridge_str_equal(word, imap_conditions[i],
                           strlen(imap_conditions[i])))
        {
            r->condition = i;
            imap_cursor_at(c, ' ');

            if (imap_cursor_at(c, '[') && imap_parse_code(r, c) == -1) {
                return -1;
            }

            return imap_parse_rest(r, c);
        }
    }

    return imap_cursor_error(c, "unknown response");
}


/* "[" atom [" " text] "]"; the text may have a "]" within quotes only. */

static int
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
        return imap_cursor_error(c, "response code without an end");
    }

    for (p = r->code_text.data; *p >= '0' && *p <= '9'; p++) {

        if (r->code_number > (INT64_MAX - 9) / 10) {
            return imap_cursor_error(c, "number too large");
        }

        r->code_number = r->code_number * 10 + (*p - '0');
    }

    imap_cursor_at(c, ' ');

    return 0;
}


static int
imap_parse_rest(imap_response_t *r, imap_cursor_t *c)
{
    r->text.data = c->p;
    r->text.len = c->end - c->p;
    c->p = c->end;

    return 0;
}


/* (attributes) delimiter mailbox [(extended)] */

static int
imap_parse_list(imap_response_t *r, imap_cursor_t *c)
{
    size_t        i, n;
    bridge_str_t  list[64], s;
    imap_list_t  *l = &r->u.list;

    static const struct {
        const char  *name;
        uint32_t     bit;
    } bits[] = {
        { "\\Noselect", IMAP_BOX_NOSELECT },
        { "\\NonExistent", IMAP_BOX_NONEXISTENT },
        { "\\Subscribed", IMAP_BOX_SUBSCRIBED },
        { "\\Sent", IMAP_BOX_FILED },
        { "\\Drafts", IMAP_BOX_FILED },
        { "\\Trash", IMAP_BOX_FILED },
        { "\\Archive", IMAP_BOX_FILED },
        { "\\All", IMAP_BOX_FILED },
        { "\\Flagged", IMAP_BOX_FILED },
        { NULL, 0 }
    };

    memset(l, 0, sizeof(imap_list_t));

    if (imap_cursor_atoms(c, list, 64, &n) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &s, 1) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_string(c, &l->name, 0) == -1)
    {
        return -1;
    }

    l->delimiter = s.len ? *s.data : 0;

    while (n--) {

        for (i = 0; bits[i].name; i++) {

            if (bridge_str_equal(&list[n], bits[i].name, strlen(bits[i].name)))
            {
                l->attributes |= bits[i].bit;
            }
        }
    }

    if (r->kind == IMAP_LSUB) {
        l->attributes |= IMAP_BOX_SUBSCRIBED;
    }

    return imap_cursor_at(c, ' ') ? imap_parse_list_more(r, c) : 0;
}


/* (("OLDNAME" ("mailbox")) ...), RFC 5465, 5.4; Dovecot leaves out the outer
   parentheses */

static int
imap_parse_list_more(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t  name;
    imap_list_t  *l = &r->u.list;

    if (imap_cursor_expect(c, '(') == -1) {
        return -1;
    }

    while (c->p < c->end) {
        while (imap_cursor_at(c, '(') || imap_cursor_at(c, ' ')) { /* void */ }

        if (imap_cursor_at(c, ')')) {
            continue;
        }

        if (imap_cursor_string(c, &name, 0) == -1) {
            return -1;
        }

        imap_cursor_at(c, ' ');

        if (!bridge_str_is(&name, "OLDNAME")) {

            if (c->p < c->end && *c->p != ')' && imap_cursor_skip(c) == -1) {
                return -1;
            }

            continue;
        }

        if (imap_cursor_expect(c, '(') == -1
            || imap_cursor_string(c, &l->old_name, 0) == -1
            || imap_cursor_expect(c, ')') == -1)
        {
            return -1;
        }
    }

    return 0;
}


static int
imap_parse_status(imap_response_t *r, imap_cursor_t *c)
{
    uint64_t        n;
    uint32_t       *to, bit;
    bridge_str_t    item;
    imap_status_t  *s = &r->u.status;

    memset(s, 0, sizeof(imap_status_t));

    if (imap_cursor_string(c, &s->name, 0) == -1
        || imap_cursor_expect(c, ' ') == -1
        || imap_cursor_expect(c, '(') == -1)
    {
        return -1;
    }

    while (!imap_cursor_at(c, ')')) {

        if (imap_cursor_atom(c, &item) == -1
            || imap_cursor_expect(c, ' ') == -1)
        {
            return -1;
        }

        to = NULL;
        bit = 0;

        if (bridge_str_is(&item, "MESSAGES")) {
            to = &s->messages;
            bit = IMAP_HAS_MESSAGES;

        } else if (bridge_str_is(&item, "UIDNEXT")) {
            to = &s->uidnext;
            bit = IMAP_HAS_UIDNEXT;

        } else if (bridge_str_is(&item, "UIDVALIDITY")) {
            to = &s->uidvalidity;
            bit = IMAP_HAS_UIDVALIDITY;

        } else if (bridge_str_is(&item, "UNSEEN")) {
            to = &s->unseen;
            bit = IMAP_HAS_UNSEEN;

        } else if (bridge_str_is(&item, "HIGHESTMODSEQ")) {
            bit = IMAP_HAS_MODSEQ;
        }

        if (bit == 0) {

            if (imap_cursor_skip(c) == -1) {
                return -1;
            }

        } else if (imap_cursor_number(c, to ? UINT32_MAX : INT64_MAX, &n)
                   == -1)
        {
            return -1;

        } else if (to) {
            *to = n;

        } else {
            s->modseq = n;
        }

        r->has |= bit;
        imap_cursor_at(c, ' ');
    }

    return 0;
}


static int
imap_parse_vanished(imap_response_t *r, imap_cursor_t *c)
{
    size_t        n;
    bridge_str_t  tags[1];

    if (c->p < c->end && *c->p == '(') {

        if (imap_cursor_atoms(c, tags, 1, &n) == -1
            || imap_cursor_expect(c, ' ') == -1)
        {
            return -1;
        }

        r->earlier = n == 1 && bridge_str_is(&tags[0], "EARLIER");
    }

    return imap_cursor_atom(c, &r->text);
}


/* [(TAG "x")] [UID] *(" " name " " value); we ask for ALL only */

static int
imap_parse_esearch(imap_response_t *r, imap_cursor_t *c)
{
    bridge_str_t  name;

    if (c->p < c->end && *c->p == '(') {

        if (imap_cursor_skip(c) == -1) {
            return -1;
        }

        imap_cursor_at(c, ' ');
    }

    while (c->p < c->end) {

        if (imap_cursor_atom(c, &name) == -1) {
            return -1;
        }

        imap_cursor_at(c, ' ');

        if (bridge_str_is(&name, "UID")) {
            continue;
        }

        if (bridge_str_is(&name, "ALL")) {

            if (imap_cursor_atom(c, &r->text) == -1) {
                return -1;
            }

        } else if (imap_cursor_skip(c) == -1) {
            return -1;
        }

        imap_cursor_at(c, ' ');
    }

    return 0;
}
