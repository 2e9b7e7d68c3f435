
/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The time to make the members of an event from one message: from, to,
 * subject, date and preview.  The messages are as hard as the limits of an
 * IMAP session allow.  Prints microseconds of CPU for each; the arguments are
 * files with further messages.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge.h"
#include "mime_header.h"


#define MIME_ROUNDS   200
#define MIME_FIELD    8192
#define MIME_BODY     8192


typedef struct {
    const char  *name;
    void       (*fill)(char *p, size_t size);
    const char  *head;                      /* NULL: a field */
} mime_case_t;


static const char  *mime_labels[] = {
    "gb2312", "big5", "euc-kr", "iso-2022-jp", "shift_jis", "euc-jp",
    "koi8-r", "koi8-u", "windows-1250", "windows-1251", "windows-1253",
    "windows-1255", "windows-1256", "windows-1258", "iso-8859-2",
    "iso-8859-5", "iso-8859-7", "iso-8859-8-i", "utf-16", "utf-7", "ibm866"
};

#define MIME_LABELS  (sizeof(mime_labels) / sizeof(mime_labels[0]))


static void
mime_repeat(char *p, size_t size, const char *text)
{
    size_t  i, n;

    n = strlen(text);

    for (i = 0; i + n < size; i += n) {
        memcpy(p + i, text, n);
    }

    p[i] = '\0';
}


static void
mime_changes(char *p, size_t size, size_t text)
{
    size_t  i, n;

    for (i = 0, n = 0; n + text + 50 < size; i++) {
        n += sprintf(p + n, " =?%s?q?", mime_labels[i % MIME_LABELS]);
        memset(p + n, 0xe0 + i % 20, text);
        n += text;
        n += sprintf(p + n, "?=");
    }
}


static void
mime_twenty(char *p, size_t size)
{
    mime_changes(p, size, 380);
}


static void
mime_each(char *p, size_t size)
{
    mime_changes(p, size, 1);
}


static void
mime_invalid(char *p, size_t size)
{
    memset(p, 0xff, size - 1);
    memcpy(p, "=?euc-kr?q?", 11);
    strcpy(p + size - 3, "?=");
}


static void
mime_unseen(char *p, size_t size)
{
    mime_repeat(p, size, "\xcd\x8f\xe2\x80\x8c ");
}


static void
mime_parts(char *p, size_t size)
{
    mime_repeat(p, size, "\n--b\n\n");
}


static void
mime_nested(char *p, size_t size)
{
    mime_repeat(p, size, "\n--b\nContent-Type: multipart/mixed; "
                "boundary=b\n\n");
}


static void
mime_fields(char *p, size_t size)
{
    mime_repeat(p, size, "a:\n");
    memcpy(p, "--b\n", 4);
}


static void
mime_messages(char *p, size_t size)
{
    mime_repeat(p, size, "a :\n");
    memcpy(p, "--b\nContent-Type: message/rfc822\n\n", 34);
}


static void
mime_parameters(char *p, size_t size)
{
    mime_repeat(p, size, "a*1*=b;");
    memcpy(p, "--b\nContent-Type: text/plain;", 29);
}


static void
mime_tags(char *p, size_t size)
{
    mime_repeat(p, size, "<b>");
}


static void
mime_tables(char *p, size_t size)
{
    mime_repeat(p, size, "<table><tr></b></p>");
}


static void
mime_attributes(char *p, size_t size)
{
    mime_repeat(p, size, " a=b c");
    memcpy(p, "<p", 2);
}


static void
mime_entities(char *p, size_t size)
{
    mime_repeat(p, size, "&zwnj;&shy;&x;");
}


static void
mime_words(char *p, size_t size)
{
    mime_repeat(p, size, "word <b>word</b> &amp; ");
}


static const mime_case_t  mime_cases[] = {
    { "field: 20 character sets", mime_twenty, NULL },
    { "field: a character set for each letter", mime_each, NULL },
    { "field: invalid bytes", mime_invalid, NULL },
    { "field: nothing to be seen", mime_unseen, NULL },
    { "body: plain text", mime_words, "Content-Type: text/plain" },
    { "body: HTML", mime_words, "Content-Type: text/html" },
    { "body: invalid bytes", mime_invalid,
      "Content-Type: text/plain; charset=euc-kr" },
    { "body: nothing to be seen", mime_unseen,
      "Content-Type: text/plain; charset=utf-8" },
    { "body: parts", mime_parts, "Content-Type: multipart/mixed; boundary=b" },
    { "body: parts within parts", mime_nested,
      "Content-Type: multipart/mixed; boundary=b" },
    { "body: fields of a part", mime_fields,
      "Content-Type: multipart/mixed; boundary=b" },
    { "body: fields of a message in it", mime_messages,
      "Content-Type: multipart/mixed; boundary=b" },
    { "body: parameters of a part", mime_parameters,
      "Content-Type: multipart/mixed; boundary=b" },
    { "body: elements within elements", mime_tags, "Content-Type: text/html" },
    { "body: tables", mime_tables, "Content-Type: text/html" },
    { "body: attributes", mime_attributes, "Content-Type: text/html" },
    { "body: entities", mime_entities, "Content-Type: text/html" },
};


static uint64_t
mime_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);

    return (uint64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}


/* Both names, the subject and the text are "field" or "body". */

static void
mime_event(const char *field, const char *head, const char *body)
{
    size_t            i;
    bridge_str_t      h, t;
    bridge_buffer_t   b, charset;
    mime_addresses_t  list;

    memset(&b, 0, sizeof(b));
    memset(&charset, 0, sizeof(charset));
    memset(&list, 0, sizeof(list));

    h.data = (char *) head;
    h.len = strlen(head);
    t.data = (char *) body;
    t.len = strlen(body);

    mime_head_charset(&charset, &h);

    for (i = 0; i < MIME_MAX_ADDRESSES; i++) {
        list.list[i].name.data = (char *) field;
        list.list[i].name.len = strlen(field);
        list.list[i].mailbox.data = "bob";
        list.list[i].mailbox.len = 3;
    }

    list.n = i;

    mime_addresses(&b, &list, NULL);
    b.len = 0;
    mime_addresses(&b, &list, NULL);
    b.len = 0;
    mime_header(&b, field, strlen(field), NULL);
    b.len = 0;
    mime_date(&b, bridge_literal("Tue, 24 Nov 2026 12:00:00 +0000 (x)"));
    b.len = 0;
    mime_preview(&b, &h, &t);

    bridge_buffer_free(&b);
    bridge_buffer_free(&charset);
}


static void
mime_time(const char *name, const char *field, const char *head,
    const char *body)
{
    int       i;
    uint64_t  start;

    start = mime_now();

    for (i = 0; i < MIME_ROUNDS; i++) {
        mime_event(field, head, body);
    }

    printf("%8.1f us  %s\n",
           (double) (mime_now() - start) / MIME_ROUNDS / 1000, name);
}


/* A file's Subject is its field. */

static void
mime_file(const char *name)
{
    FILE    *file;
    char    *body, *field, *end;
    size_t   n;

    static char  text[MIME_BODY];

    file = fopen(name, "r");

    if (file == NULL) {
        perror(name);
        exit(1);
    }

    n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    fclose(file);

    body = strstr(text, "\n\n");
    body = body ? body + 2 : text + n;
    field = strstr(text, "Subject:");
    field = field ? strndup(field, body - field) : strdup("");
    end = strchr(field, '\n');

    if (end) {
        *end = '\0';
    }

    end = strndup(text, body - text);
    mime_time(name, field, end, body);

    free(end);
    free(field);
}


int
main(int argc, char **argv)
{
    size_t    i;
    uint64_t  start;

    static char  text[MIME_BODY], body[MIME_BODY];

    start = mime_now();
    mime_init();
    printf("%8.1f us  once, at the start\n",
           (double) (mime_now() - start) / 1000);

    for (i = 0; i < sizeof(mime_cases) / sizeof(mime_cases[0]); i++) {
        const mime_case_t  *c = &mime_cases[i];

        c->fill(text, c->head ? MIME_BODY : MIME_FIELD);
        mime_time(c->name, c->head ? "" : text, c->head ? c->head : "",
                  c->head ? text : "");
    }

    mime_each(text, MIME_FIELD);
    mime_fields(body, MIME_BODY);
    mime_time("fields and body", text,
              "Content-Type: multipart/mixed; boundary=b", body);

    for (i = 1; i < (size_t) argc; i++) {
        mime_file(argv[i]);
    }

    return 0;
}
