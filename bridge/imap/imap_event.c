
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the batch: the events of the selected mailbox (docs/events.md) until
 * they are published with its new state.  Called by imap_selected.c and
 * imap_select.c.  Invariant: equal events are one, in the order of changes.
 */


#include "imap_session_private.h"

#include <string.h>
#include <time.h>

#include <glib.h>

#include "mime_header.h"


#define IMAP_MAX_UIDS       1000        /* in one event */
#define IMAP_MAX_LOOK       16          /* events searched for an equal one */

/* Clocks differ, and a delivery takes its time; seconds. */
#define IMAP_DELIVERY       600


static void imap_event_add(imap_session_t *s, const char *name, uint32_t uid,
    uint64_t modseq, uint64_t flags);
static json_t *imap_event_find(imap_session_t *s, const char *name,
    json_t *flags);
static void imap_event_modseq(json_t *event, uint64_t modseq);
static int imap_event_delivered(imap_session_t *s, imap_response_fetch_t *f,
    uint64_t flags);
static void imap_event_content(imap_session_t *s, json_t *event,
    imap_response_t *r);
static void imap_event_counts(imap_session_t *s);
static int imap_event_changed(imap_session_t *s);
static imap_status_t imap_event_status(const imap_mailbox_t *m);


json_t *
imap_event(imap_session_t *s, const char *name, const char *mailbox)
{
    imap_mailbox_t  *m;

    m = imap_mailbox_find(s, mailbox);

    return json_pack("{s:s, s:s, s:o*}", "event", name, "mailbox", mailbox,
                     "uidvalidity", m && m->uidvalidity
                                    ? json_integer(m->uidvalidity) : NULL);
}


/* RFC 5423, 4.2: setting \Seen and \Deleted are events of their own. */

void
imap_event_flags(imap_session_t *s, imap_response_t *r, uint64_t old,
    uint64_t new)
{
    uint64_t                set, cleared, modseq;
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;

    set = new & ~old;
    cleared = old & ~new;
    modseq = f->modseq;

    /* the second change of a message must follow the first one */

    if (imap_sequence_set_has(&sel->changed, f->uid)) {
        sel->barrier = json_array_size(s->batch);
        sel->changed.n = 0;
    }

    imap_sequence_set_add(&sel->changed, f->uid, f->uid);

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
    event = imap_event_find(s, name, flags);

    if (event) {
        json_decref(flags);

    } else {
        event = imap_event(s, name, s->selected.mailbox->name);
        json_object_update_new(event, json_pack("{s:[], s:o*}", "uids",
                                                "flags", flags));
        json_array_append_new(s->batch, event);
    }

    json_array_append_new(json_object_get(event, "uids"), json_integer(uid));
    imap_event_modseq(event, modseq);
}


static json_t *
imap_event_find(imap_session_t *s, const char *name, json_t *flags)
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
imap_event_expunged(imap_session_t *s, const imap_sequence_set_t *gone)
{
    size_t            i;
    json_t           *event, *uids;
    uint32_t          uid;
    imap_selected_t  *sel = &s->selected;

    uids = NULL;

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
 * A new message was delivered; or a client appended, copied or moved it.  IMAP
 * does not tell which.  But a copy keeps its date, and an appended message is
 * mostly seen or a draft.
 */

void
imap_event_new(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    json_t                 *event;
    const char             *name;
    imap_response_fetch_t  *f = &r->u.fetch;

    name = imap_event_delivered(s, f, flags) ? "MessageNew" : "MessageAppend";

    imap_sequence_set_add(&s->selected.changed, f->uid, f->uid);

    if (!(r->has & IMAP_HAS_ENVELOPE)) {
        imap_event_add(s, name, f->uid, f->modseq, flags);
        return;
    }

    event = imap_event(s, name, s->selected.mailbox->name);

    json_object_set_new(event, "uid", json_integer(f->uid));

    imap_event_modseq(event, f->modseq);

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

    if (f->date.data == NULL && f->uid >= m->uidnext) {
        return !m->special_use;
    }

    date = mime_internal_date(f->date.data, f->date.len);
    before = m->newest;

    /* a date in the future would make all later messages old */

    if (date > before && date < (int64_t) time(NULL) + IMAP_DELIVERY) {
        m->newest = date;
    }

    if (m->special_use
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

    if (r->has & IMAP_HAS_SIZE) {
        json_object_set_new(event, "size", json_integer(f->size));
    }

    head = imap_response_fetch_section(f, "HEADER.FIELDS");
    text = imap_response_fetch_section(f, "TEXT");

    imap_event_envelope(event, &f->envelope, head, 0);

    memset(&b, 0, sizeof(b));

    if (f->preview.data) {
        mime_charset(&b, NULL, 0, f->preview.data, f->preview.len);
        mime_clean_preview(&b, 0);

    } else if (head && text) {
        mime_preview(&b, head, text);
    }

    imap_event_text(event, "preview", &b);
    bridge_buffer_free(&b);
}


void
imap_event_envelope(json_t *to, const imap_envelope_t *e,
    const bridge_str_t *head, int cc)
{
    bridge_str_t     charset;
    bridge_buffer_t  b, label;

    memset(&b, 0, sizeof(b));
    memset(&label, 0, sizeof(label));

    if (head) {
        mime_head_charset(&label, head);
    }

    charset.data = label.data;
    charset.len = label.len;

    mime_addresses(&b, &e->from, &charset);
    imap_event_text(to, "from", &b);

    mime_addresses(&b, &e->to, &charset);
    imap_event_text(to, "to", &b);

    if (cc) {
        mime_addresses(&b, &e->cc, &charset);
        imap_event_text(to, "cc", &b);
    }

    mime_header(&b, e->subject.data, e->subject.len, &charset);
    imap_event_text(to, "subject", &b);

    mime_date(&b, e->date.data, e->date.len);
    imap_event_text(to, "date", &b);

    mime_header(&b, e->message_id.data, e->message_id.len, NULL);
    imap_event_text(to, "messageId", &b);

    bridge_buffer_free(&label);
    bridge_buffer_free(&b);
}


void
imap_event_text(json_t *to, const char *name, bridge_buffer_t *b)
{
    if (b->len) {
        json_object_set_new(to, name, json_stringn(b->data, b->len));
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

    m->messages = imap_selected_count(sel);

    imap_event_counts(s);

    events = s->batch;
    s->batch = json_array();

    sel->barrier = 0;
    sel->changed.n = 0;

    imap_event_mark(s);

    imap_publish(s, m->name, events, imap_mailbox_state(s, m));
}


void
imap_event_mark(imap_session_t *s)
{
    s->selected.published = imap_event_status(s->selected.mailbox);
}


static int
imap_event_changed(imap_session_t *s)
{
    imap_status_t  status = imap_event_status(s->selected.mailbox);

    return memcmp(&status, &s->selected.published, sizeof(status)) != 0;
}


static imap_status_t
imap_event_status(const imap_mailbox_t *m)
{
    imap_status_t  status;

    memset(&status, 0, sizeof(status));

    status.messages = m->messages;
    status.uidnext = m->uidnext;
    status.uidvalidity = m->uidvalidity;
    status.modseq = m->modseq;

    return status;
}


/* The counts of the mailbox after the batch, in events that change them. */

static void
imap_event_counts(imap_session_t *s)
{
    size_t            i;
    json_t           *event;
    const char       *name;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    static const char  *counted[] = {
        "MessageNew", "MessageAppend", "MessageExpunge", "MessageRead",
        "FlagsClear", NULL
    };

    json_array_foreach(s->batch, i, event) {
        name = json_string_value(json_object_get(event, "event"));

        if (!g_strv_contains(counted, name)) {
            continue;
        }

        json_object_set_new(event, "messages",
                            json_integer(imap_selected_count(sel)));

        if (m->known.from <= 1 && sel->older == 0 && sel->withheld == 0) {
            json_object_set_new(event, "unseen", json_integer(
                                imap_known_flags_without(&m->known,
                                                         IMAP_FLAG_SEEN)));
        }
    }
}
