
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the update "search": a message must match all members of the "query".
 * Called by imap_update.c.
 */


#include "imap_update.h"

#include <string.h>
#include <time.h>


typedef enum {
    IMAP_KEY_STRING,
    IMAP_KEY_DATE,
    IMAP_KEY_FLAG,                      /* true: the first, false: the other */
    IMAP_KEY_WORD,
    IMAP_KEY_NUMBER
} imap_key_type_t;


typedef struct {
    const char        *name;
    imap_key_type_t    type;
    const char        *key;
    const char        *other;
} imap_key_t;


static const char *imap_search_value(const imap_key_t *k, json_t *value);
static int imap_search_date(const char *text, char *date, size_t size);
static void imap_search_key(imap_command_t *c, const imap_key_t *k,
    json_t *value);
static int imap_search_untagged(imap_session_t *s, imap_response_t *r);
static int imap_search_numbers(imap_sequence_set_t *set,
    const bridge_str_t *text);
static void imap_search_answer(imap_session_t *s, imap_response_t *r);


static const imap_key_t  imap_keys[] = {
    { "text", IMAP_KEY_STRING, "TEXT", NULL },
    { "body", IMAP_KEY_STRING, "BODY", NULL },
    { "from", IMAP_KEY_STRING, "FROM", NULL },
    { "to", IMAP_KEY_STRING, "TO", NULL },
    { "cc", IMAP_KEY_STRING, "CC", NULL },
    { "subject", IMAP_KEY_STRING, "SUBJECT", NULL },
    { "messageId", IMAP_KEY_STRING, "HEADER Message-ID", NULL },
    { "since", IMAP_KEY_DATE, "SINCE", NULL },
    { "before", IMAP_KEY_DATE, "BEFORE", NULL },
    { "seen", IMAP_KEY_FLAG, "SEEN", "UNSEEN" },
    { "flagged", IMAP_KEY_FLAG, "FLAGGED", "UNFLAGGED" },
    { "answered", IMAP_KEY_FLAG, "ANSWERED", "UNANSWERED" },
    { "deleted", IMAP_KEY_FLAG, "DELETED", "UNDELETED" },
    { "draft", IMAP_KEY_FLAG, "DRAFT", "UNDRAFT" },
    { "keyword", IMAP_KEY_WORD, "KEYWORD", NULL },
    { "larger", IMAP_KEY_NUMBER, "LARGER", NULL },
    { "smaller", IMAP_KEY_NUMBER, "SMALLER", NULL },
    { NULL, 0, NULL, NULL }
};


const char *
imap_search_check(imap_session_t *s, imap_update_t *u)
{
    size_t             n;
    json_t            *query, *value;
    const char        *error;
    const imap_key_t  *k;

    query = json_object_get(u->args, "query");

    if (!json_is_object(query)) {
        return "\"query\" is missing";
    }

    for (k = imap_keys, n = 0; k->name; k++) {
        value = json_object_get(query, k->name);
        error = value ? imap_search_value(k, value) : NULL;

        if (error) {
            return error;
        }

        n += value != NULL;
    }

    if (n < json_object_size(query)) {
        return "unknown member in \"query\"";
    }

    return NULL;
}


static const char *
imap_search_value(const imap_key_t *k, json_t *value)
{
    char  date[16];

    switch (k->type) {

    case IMAP_KEY_FLAG:
        return json_is_boolean(value) ? NULL
               : "neither true nor false in \"query\"";

    case IMAP_KEY_NUMBER:
        return imap_arg_within(value, 0, UINT32_MAX)
               ? NULL : "bad number in \"query\"";

    case IMAP_KEY_DATE:
        return json_is_string(value)
               && imap_search_date(json_string_value(value), date,
                                   sizeof(date)) == 0
               ? NULL : "bad date in \"query\"";

    default:
        return json_is_string(value) && json_string_length(value) > 0
               && json_string_length(value) <= 1000
               ? NULL : "bad string in \"query\"";
    }
}


/* "2026-11-24" becomes 24-Nov-2026. */

static int
imap_search_date(const char *text, char *date, size_t size)
{
    struct tm    tm;
    const char  *end;

    memset(&tm, 0, sizeof(tm));
    end = strptime(text, "%Y-%m-%d", &tm);

    if (end != text + 10 || *end != '\0' || tm.tm_year < 0) {
        return -1;
    }

    strftime(date, size, "%-d-%b-%Y", &tm);

    return 0;
}


void
imap_search_begin(imap_session_t *s, imap_update_t *u)
{
    json_t            *query, *value;
    imap_command_t     c;
    const imap_key_t  *k;

    query = json_object_get(u->args, "query");

    imap_command_begin(s, &c);
    imap_command_add(&c, "UID SEARCH");

    /* with UTF8=ACCEPT, CHARSET is forbidden: RFC 6855, 3 */

    if (!s->utf8) {
        imap_command_add(&c, " CHARSET UTF-8");
    }

    imap_command_add(&c, " ALL");

    for (k = imap_keys; k->name; k++) {
        value = json_object_get(query, k->name);

        if (value) {
            imap_search_key(&c, k, value);
        }
    }

    imap_sequence_set_free(&u->uids);
    imap_update_send(s, &c, imap_search_answer, imap_search_untagged);
}


static void
imap_search_key(imap_command_t *c, const imap_key_t *k, json_t *value)
{
    char  date[16];

    if (k->type == IMAP_KEY_FLAG) {
        imap_command_add(c, " %s", json_is_true(value) ? k->key : k->other);
        return;
    }

    imap_command_add(c, " %s ", k->key);

    switch (k->type) {

    case IMAP_KEY_NUMBER:
        imap_command_add(c, "%" JSON_INTEGER_FORMAT,
                         json_integer_value(value));
        break;

    case IMAP_KEY_DATE:
        imap_search_date(json_string_value(value), date, sizeof(date));
        imap_command_add(c, "%s", date);
        break;

    case IMAP_KEY_WORD:

        imap_command_keyword(c, json_string_value(value),
                             json_string_length(value));
        break;

    default:
        imap_command_string(c, json_string_value(value),
                            json_string_length(value));
    }
}


static int
imap_search_untagged(imap_session_t *s, imap_response_t *r)
{
    imap_sequence_set_t  *set = &s->updates->uids;

    if (r->kind == IMAP_SEARCH) {

        s->updates->odd |= r->cut || imap_search_numbers(set, &r->text) == -1;
        return 1;
    }

    return 0;
}


/* Numbers with spaces between them, and maybe "(MODSEQ n)" at the end. */

static int
imap_search_numbers(imap_sequence_set_t *set, const bridge_str_t *text)
{
    size_t  i, len;

    for (i = 0, len = 0; i < text->len && text->data[i] != '('; i++) {

        if (text->data[i] == ' ') {
            text->data[i] = ',';

        } else {
            len = i + 1;
        }
    }

    imap_sequence_set_free(set);

    return len ? imap_sequence_set_parse(set, text->data, len) : 0;
}


static void
imap_search_answer(imap_session_t *s, imap_response_t *r)
{
    imap_update_t  *u = s->updates;

    if (u->odd) {
        imap_update_end(s, "refused",
                        "the server's list of messages is not understood");
        return;
    }

    json_object_set_new(u->result, "found",
                        json_integer(imap_sequence_set_count(&u->uids)));
    json_object_set_new(u->result, "uids",
                        imap_update_uids(&u->uids, IMAP_MAX_FOUND));

    imap_update_answer(s, r);
}
