
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the update "fetch".  Its "items" are "flags", "envelope", "headers",
 * "text" and "all"; "part" is a section such as "1.2"; "max" limits the bytes
 * of each.  Called by imap_update.c.
 */


#include "imap_update.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "mime_header.h"


#define IMAP_UPDATE_FETCH_MAX  65536    /* "max" if it is not given */
#define IMAP_MAX_SECTION       64


static int imap_update_fetch_wants(imap_update_t *u, const char *item);
static const char *imap_update_fetch_part_check(imap_update_t *u);
static void imap_update_fetch_section(imap_command_t *c, const char *section,
    uint64_t max);
static int imap_update_fetch_untagged(imap_session_t *s, imap_response_t *r);
static json_t *imap_update_fetch_message(imap_session_t *s,
    imap_response_t *r);
static int imap_update_fetch_room(imap_session_t *s, json_t *message,
    size_t len);
static void imap_update_fetch_bytes(imap_session_t *s, json_t *message,
    const char *name, const bridge_str_t *data, int base64);


static const char  *imap_items[] = {
    "flags", "envelope", "headers", "text", "all", NULL
};


const char *
imap_update_fetch_check(imap_session_t *s, imap_update_t *u)
{
    size_t       i;
    json_t      *max, *items, *item;
    const char  *error;

    error = imap_arg_strings(u, "items");

    if (error == NULL) {
        error = imap_update_fetch_part_check(u);
    }

    if (error) {
        return error;
    }

    max = json_object_get(u->args, "max");

    if (max && !imap_arg_within(max, 1, s->o->max_message)) {
        return "bad \"max\"";
    }

    items = json_object_get(u->args, "items");

    json_array_foreach(items, i, item) {

        if (!g_strv_contains(imap_items, json_string_value(item))) {
            return "unknown item in \"items\"";
        }
    }

    if (json_array_size(items) == 0
        && json_object_get(u->args, "part") == NULL)
    {
        return "neither \"items\" nor \"part\"";
    }

    return NULL;
}


static int
imap_update_fetch_wants(imap_update_t *u, const char *item)
{
    size_t   i;
    json_t  *wanted;

    json_array_foreach(json_object_get(u->args, "items"), i, wanted) {

        if (strcmp(json_string_value(wanted), item) == 0) {
            return 1;
        }
    }

    return 0;
}


/* section-part = nz-number *("." nz-number) */

static const char *
imap_update_fetch_part_check(imap_update_t *u)
{
    json_t      *part;
    const char  *p;

    part = json_object_get(u->args, "part");
    p = json_string_value(part);

    if (part && (p == NULL || json_string_length(part) > IMAP_MAX_SECTION
                 || strlen(p) != json_string_length(part)
                 || !g_regex_match_simple("^[1-9][0-9]*(\\.[1-9][0-9]*)*\\z",
                                          p, 0, 0)))
    {
        return "bad \"part\"";
    }

    return NULL;
}


void
imap_update_fetch_begin(imap_session_t *s, imap_update_t *u)
{
    uint64_t        max;
    const char     *part;
    imap_command_t  c;

    max = imap_arg_number(u, "max");
    part = imap_arg_string(u, "part");

    if (max == 0) {
        max = IMAP_UPDATE_FETCH_MAX < s->o->max_message ? IMAP_UPDATE_FETCH_MAX
              : s->o->max_message;
    }

    json_object_set_new(u->result, "messages", json_array());

    imap_update_command(s, &c, "UID FETCH");
    imap_command_add(&c, " (UID FLAGS RFC822.SIZE");

    if (imap_update_fetch_wants(u, "envelope")) {
        imap_command_add(&c, " ENVELOPE");
    }

    if (imap_update_fetch_wants(u, "headers")) {
        imap_update_fetch_section(&c, "HEADER", max);
    }

    if (imap_update_fetch_wants(u, "text")) {
        imap_command_add(&c, " BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE "
                         "CONTENT-TRANSFER-ENCODING CONTENT-DISPOSITION)]");
        imap_update_fetch_section(&c, "TEXT", max);
    }

    if (imap_update_fetch_wants(u, "all")) {
        imap_update_fetch_section(&c, "", max);
    }

    if (part) {
        imap_update_fetch_section(&c, part, max);
    }

    imap_command_add(&c, ")");
    imap_update_send(s, &c, imap_update_answer, imap_update_fetch_untagged);
}


static void
imap_update_fetch_section(imap_command_t *c, const char *section, uint64_t max)
{
    imap_command_add(c, " BODY.PEEK[%s]<0.%" PRIu64 ">", section, max);
}


/* The selected mailbox takes its flags, too. */

static int
imap_update_fetch_untagged(imap_session_t *s, imap_response_t *r)
{
    json_t         *messages;
    imap_update_t  *u = s->updates;

    if (r->kind != IMAP_RESPONSE_FETCH || !(r->has & IMAP_HAS_UID)
        || !(r->has & IMAP_HAS_SIZE)
        || !imap_sequence_set_has(&u->uids, r->u.fetch.uid))
    {
        return 0;
    }

    messages = json_object_get(u->result, "messages");

    if (json_array_size(messages) < IMAP_MAX_FETCH_UIDS) {
        json_array_append_new(messages, imap_update_fetch_message(s, r));
    }

    return 0;
}


static json_t *
imap_update_fetch_message(imap_session_t *s, imap_response_t *r)
{
    json_t                 *message;
    uint64_t                flags;
    bridge_buffer_t         b;
    const char             *part;
    imap_response_fetch_t  *f = &r->u.fetch;
    imap_update_t          *u = s->updates;
    const bridge_str_t     *head, *text;

    part = imap_arg_string(u, "part");
    flags = imap_flags_mask(&s->keywords, f->flags, f->nflags);
    message = json_pack("{s:I, s:I, s:o}", "uid", (json_int_t) f->uid,
                        "size", (json_int_t) f->size,
                        "flags", imap_flags_json(&s->keywords, flags));

    head = imap_response_fetch_section(f, "HEADER.FIELDS");
    text = imap_response_fetch_section(f, "TEXT");

    if (imap_update_fetch_wants(u, "envelope")
        && r->has & IMAP_HAS_ENVELOPE)
    {
        imap_event_envelope(message, &f->envelope, head, 1);
    }

    if (r->cut || r->damage) {
        json_object_set_new(message, "truncated", json_true());
    }

    if (imap_update_fetch_wants(u, "text") && head && text
        && imap_update_fetch_room(s, message, text->len))
    {
        memset(&b, 0, sizeof(b));
        mime_plain(&b, head, text);
        imap_event_text(message, "text", &b);
        bridge_buffer_free(&b);
    }

    if (imap_update_fetch_wants(u, "headers")) {
        imap_update_fetch_bytes(s, message, "headers",
                                imap_response_fetch_section(f, "HEADER"), 0);
    }

    if (imap_update_fetch_wants(u, "all")) {
        imap_update_fetch_bytes(s, message, "message",
                                imap_response_fetch_section(f, ""), 1);
    }

    if (part) {
        imap_update_fetch_bytes(s, message, "part",
                                imap_response_fetch_section(f, part), 1);
    }

    return message;
}


/* An update has one result of limited size.  A quarter is left for the other
   members and for JSON's escapes. */

static int
imap_update_fetch_room(imap_session_t *s, json_t *message, size_t len)
{
    imap_update_t  *u = s->updates;

    if (u->bytes + len > s->o->max_result / 4 * 3) {
        json_object_set_new(message, "truncated", json_true());
        return 0;
    }

    u->bytes += len;

    return 1;
}


static void
imap_update_fetch_bytes(imap_session_t *s, json_t *message, const char *name,
    const bridge_str_t *data, int base64)
{
    bridge_buffer_t  b;

    if (data == NULL
        || !imap_update_fetch_room(s, message, base64
                                   ? (data->len + 2) / 3 * 4 : data->len))
    {
        return;
    }

    memset(&b, 0, sizeof(b));

    if (base64) {
        bridge_buffer_base64(&b, data->data, data->len);

    } else {
        mime_charset(&b, NULL, 0, data->data, data->len);
    }

    imap_event_text(message, name, &b);
    bridge_buffer_free(&b);
}
