
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Events, as docs/events.md has them.  Those of the mailbox that is selected
 * wait in the batch, where equal ones become one, until the mailbox's new
 * state can be published with them.
 */


#include "imap_session_private.h"

#include <string.h>
#include <time.h>

#include "mime_header.h"


#define IMAP_MAX_UIDS       1000        /* in one event */
#define IMAP_MAX_LOOK       16          /* events looked back for an equal */

/* Clocks differ, and a delivery takes its time; seconds. */
#define IMAP_DELIVERY       600


static void imap_event_add(imap_session_t *s, const char *name, uint32_t uid,
    uint64_t modseq, uint64_t flags);
static json_t *imap_event_equal(imap_session_t *s, const char *name,
    json_t *flags);
static void imap_event_modseq(json_t *event, uint64_t modseq);
static int imap_event_delivered(imap_session_t *s, imap_response_fetch_t *f,
    uint64_t flags);
static void imap_event_content(imap_session_t *s, json_t *event,
    imap_response_t *r);
static void imap_event_text(json_t *event, const char *name,
    bridge_buffer_t *b);
static void imap_event_counts(imap_session_t *s);
static int imap_event_changed(imap_session_t *s);


/* "mailbox" is the view's or, if there is no more to say of it, another. */

json_t *
imap_event(imap_session_t *s, const char *name, const char *mailbox)
{
    json_t          *event;
    imap_mailbox_t  *m;

    event = json_object();

    json_object_set_new(event, "event", json_string(name));
    json_object_set_new(event, "mailbox", json_string(mailbox));

    m = imap_mailbox_find(s, mailbox);

    if (m && m->uidvalidity) {
        json_object_set_new(event, "uidvalidity",
                            json_integer(m->uidvalidity));
    }

    return event;
}


/* RFC 5423, 4.2: \Seen and \Deleted that are set have names of their own. */

void
imap_event_flags(imap_session_t *s, imap_response_t *r, uint64_t old,
    uint64_t new)
{
    uint64_t                set, cleared, modseq;
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;

    set = new & ~old;
    cleared = old & ~new;
    modseq = r->has & IMAP_HAS_MODSEQ ? f->modseq : 0;

    /* a second change of a message must come after the first one */

    if (imap_sequence_set_has(&sel->touched, f->uid)) {
        sel->barrier = json_array_size(s->batch);
        sel->touched.n = 0;
    }

    imap_sequence_set_add(&sel->touched, f->uid, f->uid);

    if (set & IMAP_FLAG_SEEN) {
        imap_event_add(s, "MessageRead", f->uid, modseq, 0);
    }

    if (set & IMAP_FLAG_DELETED) {
        imap_event_add(s, "MessageTrash", f->uid, modseq, 0);
    }

    set &= ~(uint64_t) (IMAP_FLAG_SEEN|IMAP_FLAG_DELETED);

    if (set) {
        imap_event_add(s, "FlagsSet", f->uid, modseq, set);
    }

    if (cleared) {
        imap_event_add(s, "FlagsClear", f->uid, modseq, cleared);
    }
}


static void
imap_event_add(imap_session_t *s, const char *name, uint32_t uid,
    uint64_t modseq, uint64_t mask)
{
    json_t  *event, *flags;

    flags = mask ? imap_flags_json(&s->keywords, mask) : NULL;
    event = imap_event_equal(s, name, flags);

    if (event) {
        json_decref(flags);

    } else {
        event = imap_event(s, name, s->selected.mailbox->name);
        json_object_set_new(event, "uids", json_array());

        if (flags) {
            json_object_set_new(event, "flags", flags);
        }

        json_array_append_new(s->batch, event);
    }

    json_array_append_new(json_object_get(event, "uids"), json_integer(uid));
    imap_event_modseq(event, modseq);
}


static json_t *
imap_event_equal(imap_session_t *s, const char *name, json_t *flags)
{
    size_t   i, n;
    json_t  *event, *uids, *its;

    n = json_array_size(s->batch);

    for (i = 0; i < IMAP_MAX_LOOK && n > s->selected.barrier; i++) {
        event = json_array_get(s->batch, --n);
        uids = json_object_get(event, "uids");
        its = json_object_get(event, "flags");

        if (uids && json_array_size(uids) < IMAP_MAX_UIDS
            && strcmp(json_string_value(json_object_get(event, "event")),
                      name) == 0
            && (flags ? its && json_equal(its, flags) : its == NULL))
        {
            return event;
        }
    }

    return NULL;
}


static void
imap_event_modseq(json_t *event, uint64_t modseq)
{
    json_t  *old;

    old = json_object_get(event, "modseq");

    if (modseq && (old == NULL || (json_int_t) modseq
                                  > json_integer_value(old)))
    {
        json_object_set_new(event, "modseq", json_integer(modseq));
    }
}


void
imap_event_gone(imap_session_t *s, const imap_sequence_set_t *gone)
{
    size_t            i;
    json_t           *event, *uids;
    uint32_t          uid;
    imap_selected_t  *sel = &s->selected;

    uids = NULL;

    /* further changes of others may not go before it */

    for (i = 0; gone && i < gone->n; i++) {
        uid = gone->ranges[i].first;

        do {
            if (uids == NULL || json_array_size(uids) == IMAP_MAX_UIDS) {
                event = imap_event(s, "MessageExpunge", sel->mailbox->name);
                uids = json_array();
                json_object_set_new(event, "uids", uids);
                json_array_append_new(s->batch, event);
            }

            json_array_append_new(uids, json_integer(uid));

        } while (uid++ < gone->ranges[i].last);
    }

    if (gone == NULL) {
        json_array_append_new(s->batch, imap_event(s, "MessageExpunge",
                                                   sel->mailbox->name));
    }

    sel->barrier = json_array_size(s->batch);
}


/*
 * A message that is new in the mailbox: delivered, or appended, copied and
 * moved by a client.  IMAP does not tell; but a copy keeps its date, and what
 * was appended is seen or a draft mostly.
 */

void
imap_event_new(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    json_t                 *event;
    const char             *name;
    imap_response_fetch_t  *f = &r->u.fetch;

    name = imap_event_delivered(s, f, flags) ? "MessageNew" : "MessageAppend";

    imap_sequence_set_add(&s->selected.touched, f->uid, f->uid);

    if (!(r->has & IMAP_HAS_ENVELOPE)) {
        imap_event_add(s, name, f->uid,
                       r->has & IMAP_HAS_MODSEQ ? f->modseq : 0, flags);
        return;
    }

    event = imap_event(s, name, s->selected.mailbox->name);

    json_object_set_new(event, "uid", json_integer(f->uid));

    if (r->has & IMAP_HAS_MODSEQ) {
        imap_event_modseq(event, f->modseq);
    }

    json_object_set_new(event, "flags", imap_flags_json(&s->keywords, flags));
    imap_event_content(s, event, r);

    json_array_append_new(s->batch, event);
}


static int
imap_event_delivered(imap_session_t *s, imap_response_fetch_t *f,
    uint64_t flags)
{
    int64_t          date, before;
    imap_mailbox_t  *m = s->selected.mailbox;

    date = mime_internal_date(f->date.data, f->date.len);
    before = m->newest;

    /* one of the future would make all that follow old */

    if (date > before && date < (int64_t) time(NULL) + IMAP_DELIVERY) {
        m->newest = date;
    }

    if (m->filed
        || flags & (IMAP_FLAG_SEEN|IMAP_FLAG_DRAFT|IMAP_FLAG_DELETED))
    {
        return 0;
    }

    return date >= before
           || date >= (int64_t) time(NULL) - IMAP_DELIVERY;
}


static void
imap_event_content(imap_session_t *s, json_t *event, imap_response_t *r)
{
    bridge_buffer_t         b;
    imap_response_fetch_t  *f = &r->u.fetch;
    const bridge_str_t     *head, *text;

    memset(&b, 0, sizeof(b));

    if (r->has & IMAP_HAS_SIZE) {
        json_object_set_new(event, "size", json_integer(f->size));
    }

    mime_addresses(&b, &f->envelope.from);
    imap_event_text(event, "from", &b);

    mime_addresses(&b, &f->envelope.to);
    imap_event_text(event, "to", &b);

    mime_header(&b, f->envelope.subject.data, f->envelope.subject.len);
    imap_event_text(event, "subject", &b);

    mime_date(&b, f->envelope.date.data, f->envelope.date.len);
    imap_event_text(event, "date", &b);

    mime_header(&b, f->envelope.message_id.data, f->envelope.message_id.len);
    imap_event_text(event, "messageId", &b);

    head = imap_response_fetch_section(f, "HEADER.FIELDS");
    text = imap_response_fetch_section(f, "TEXT");

    if (f->preview.data) {
        mime_charset(&b, NULL, 0, f->preview.data, f->preview.len);
        mime_clean(&b, 0, MIME_MAX_PREVIEW);

    } else if (head && text) {
        mime_preview(&b, head, text);
    }

    imap_event_text(event, "preview", &b);

    bridge_buffer_free(&b);
}


/* A member that is unknown is left out. */

static void
imap_event_text(json_t *event, const char *name, bridge_buffer_t *b)
{
    if (b->len) {
        json_object_set_new(event, name, json_stringn(b->data, b->len));
    }

    b->len = 0;
}


void
imap_event_flush(imap_session_t *s)
{
    json_t           *events;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (m == NULL || (json_array_size(s->batch) == 0
                      && !imap_event_changed(s)))
    {
        return;
    }

    m->messages = sel->below + m->known.count;

    imap_event_counts(s);

    events = s->batch;
    s->batch = json_array();

    sel->barrier = 0;
    sel->touched.n = 0;

    sel->before.messages = m->messages;
    sel->before.uidnext = m->uidnext;
    sel->before.uidvalidity = m->uidvalidity;
    sel->before.modseq = m->modseq;

    imap_publish(s, m->name, events, imap_mailbox_state(s, m));
}


static int
imap_event_changed(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    return m->uidvalidity != sel->before.uidvalidity
           || m->uidnext != sel->before.uidnext
           || m->messages != sel->before.messages
           || m->modseq != sel->before.modseq;
}


/* In the mailbox, after the events of the batch. */

static void
imap_event_counts(imap_session_t *s)
{
    size_t            i, n;
    json_t           *event, *name;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    static const char *counted[] = {
        "MessageNew", "MessageAppend", "MessageExpunge", "MessageRead",
        "FlagsClear"
    };

    json_array_foreach(s->batch, i, event) {
        name = json_object_get(event, "event");

        for (n = 0; n < sizeof(counted) / sizeof(counted[0]); n++) {

            if (strcmp(json_string_value(name), counted[n]) == 0) {
                break;
            }
        }

        if (n == sizeof(counted) / sizeof(counted[0])) {
            continue;
        }

        json_object_set_new(event, "messages",
                            json_integer(sel->below + m->known.count));

        if (m->known.from <= 1 && sel->below == 0) {
            json_object_set_new(event, "unseen", json_integer(
                                imap_known_flags_without(&m->known,
                                                         IMAP_FLAG_SEEN)));
        }
    }
}
