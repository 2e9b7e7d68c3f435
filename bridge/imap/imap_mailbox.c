
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the sorted list of mailboxes and the stored state of each.  Called by
 * all files of a session.
 */


#include "imap_session_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge.h"
#include "imap_token.h"


static size_t imap_mailbox_place(imap_session_t *s, const char *name);
static uint64_t imap_mailbox_number(json_t *state, const char *name);


static size_t
imap_mailbox_place(imap_session_t *s, const char *name)
{
    size_t  low, high, middle;

    low = 0;
    high = s->n;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (strcmp(s->mailboxes[middle]->name, name) < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


imap_mailbox_t *
imap_mailbox_find(imap_session_t *s, const char *name)
{
    size_t  i;

    i = imap_mailbox_place(s, name);

    return i < s->n && strcmp(s->mailboxes[i]->name, name) == 0
           ? s->mailboxes[i] : NULL;
}


imap_mailbox_t *
imap_mailbox_add(imap_session_t *s, const char *name)
{
    size_t           i;
    imap_mailbox_t  *m;

    if (s->n >= s->o->max_mailboxes) {
        return NULL;
    }

    s->mailboxes = bridge_grow(s->mailboxes, s->n, &s->size,
                               sizeof(imap_mailbox_t *));

    m = bridge_alloc(sizeof(imap_mailbox_t));
    m->name = bridge_string(name);

    i = imap_mailbox_place(s, name);

    memmove(&s->mailboxes[i + 1], &s->mailboxes[i],
            (s->n - i) * sizeof(imap_mailbox_t *));

    s->mailboxes[i] = m;
    s->n++;

    return m;
}


void
imap_mailbox_remove(imap_session_t *s, imap_mailbox_t *m)
{
    size_t  i;

    i = imap_mailbox_place(s, m->name);

    s->n--;
    memmove(&s->mailboxes[i], &s->mailboxes[i + 1],
            (s->n - i) * sizeof(imap_mailbox_t *));

    imap_mailbox_free(m);
}


void
imap_mailbox_reset(imap_mailbox_t *m)
{
    m->uidvalidity = 0;
    m->uidnext = 0;
    m->first = 0;
    m->messages = 0;
    m->modseq = 0;
    m->newest = 0;
    m->created = 0;

    imap_known_flags_free(&m->known);
}


void
imap_mailbox_set_new(imap_mailbox_t *m, uint32_t uidvalidity)
{
    imap_mailbox_reset(m);

    if (uidvalidity == 0) {
        m->created = 1;
        return;
    }

    m->uidvalidity = uidvalidity;
    m->uidnext = 1;
    m->modseq = m->has & IMAP_HAS_MODSEQ ? 1 : 0;

    /* older messages were not delivered to it, but copied */

    m->newest = time(NULL);
}


int
imap_name_decode(imap_session_t *s, bridge_buffer_t *b,
    const bridge_str_t *name)
{
    int  raw;

    raw = 0;

    if (bridge_str_is(name, "INBOX")) {
        bridge_buffer_text(b, "INBOX");

    } else if (s->utf8 || imap_utf7_decode(b, name->data, name->len) == -1) {

        if (!imap_name_valid(name->data, name->len)) {
            return -1;
        }

        bridge_buffer_add(b, name->data, name->len);
        raw = 1;
    }

    bridge_buffer_char(b, '\0');

    return raw;
}


void
imap_mailbox_argument(imap_session_t *s, imap_command_t *c, const char *name)
{
    imap_mailbox_t  *m;

    m = name ? imap_mailbox_find(s, name) : NULL;

    c->utf8 = s->utf8 || (m && m->raw);
    imap_command_mailbox(c, name);
    c->utf8 = s->utf8;
}


json_t *
imap_mailbox_state(imap_session_t *s, imap_mailbox_t *m)
{
    json_t  *created;

    if (m->uidvalidity == 0) {
        created = m->created ? json_true() : NULL;
        return json_pack("{s:b, s:o*}", "subscribed", m->subscribed,
                         "made", created);
    }

    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
                     "subscribed", m->subscribed,
                     "uidvalidity", (json_int_t) m->uidvalidity,
                     "uidnext", (json_int_t) m->uidnext,
                     "first", (json_int_t) m->first,
                     "modseq", (json_int_t) m->modseq,
                     "messages", (json_int_t) m->messages,
                     "newest", (json_int_t) m->newest,
                     "from", (json_int_t) m->known.from,
                     "known", imap_known_flags_json(&m->known, &s->keywords));
}


int
imap_mailbox_load(imap_session_t *s, imap_mailbox_t *m, json_t *state)
{
    json_t  *known;

    imap_mailbox_reset(m);

    m->subscribed = json_is_true(json_object_get(state, "subscribed"));

    if (imap_mailbox_number(state, "uidvalidity") == 0) {
        m->created = json_is_true(json_object_get(state, "made"));
        return json_is_object(state) ? 0 : -1;
    }

    known = json_object_get(state, "known");

    if (!json_is_object(known)
        || imap_known_flags_load(&m->known, &s->keywords, known,
                           imap_mailbox_number(state, "from")) == -1)
    {
        return -1;
    }

    m->uidvalidity = imap_mailbox_number(state, "uidvalidity");
    m->uidnext = imap_mailbox_number(state, "uidnext");
    m->first = imap_mailbox_number(state, "first");
    m->modseq = imap_mailbox_number(state, "modseq");
    m->messages = imap_mailbox_number(state, "messages");
    m->newest = imap_mailbox_number(state, "newest");

    return 0;
}


static uint64_t
imap_mailbox_number(json_t *state, const char *name)
{
    json_int_t  n;

    n = json_integer_value(json_object_get(state, name));

    return n > 0 ? n : 0;
}


void
imap_publish(imap_session_t *s, const char *name, json_t *events,
    json_t *state)
{
    s->cb->publish(s->data, name, events, state);

    json_decref(events);
    json_decref(state);
}


void
imap_mailbox_publish(imap_session_t *s, imap_mailbox_t *m, json_t *event)
{
    imap_publish(s, m->name, json_pack("[o*]", event),
                 imap_mailbox_state(s, m));
}


int
imap_mailbox_differs(imap_session_t *s, const imap_mailbox_t *m)
{
    const imap_status_t  *new = &m->status, *old = &m->checked;

    if (m->refused) {
        return 0;
    }

    if (m->uidvalidity == 0) {
        return 1;
    }

    /* a difference that remained after a look at the mailbox remains again */

    if (memcmp(old, new, sizeof(imap_status_t)) == 0) {
        return 0;
    }

    if (((m->has & IMAP_HAS_UIDVALIDITY)
         && new->uidvalidity != m->uidvalidity)
        || ((m->has & IMAP_HAS_UIDNEXT) && new->uidnext != m->uidnext)
        || ((m->has & IMAP_HAS_MESSAGES) && new->messages != m->messages))
    {
        return 1;
    }

    if ((m->has & IMAP_HAS_MODSEQ) && s->condstore) {
        return new->modseq != m->modseq;
    }

    return (m->has & IMAP_HAS_UNSEEN) && m->known.from <= 1
           && new->unseen != imap_known_flags_without(&m->known,
                                                      IMAP_FLAG_SEEN);
}


void
imap_mailbox_free(imap_mailbox_t *m)
{
    imap_known_flags_free(&m->known);
    free(m->name);
    free(m);
}
