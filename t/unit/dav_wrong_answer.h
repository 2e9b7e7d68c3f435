
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The wrong answer of a DAV server to a request.
 */


#ifndef _DAV_WRONG_ANSWER_H_INCLUDED_
#define _DAV_WRONG_ANSWER_H_INCLUDED_


#include <glib.h>

#include "dav_wrong.h"


static inline int
wrong_is_for(const wrong_request_t *r, const char *method, const char *path,
    const char *body)
{
    size_t  len = strlen(r->path);

    return strncmp(method, r->method, strlen(r->method)) == 0
           && (strcmp(r->path, path) == 0 || len == 0
               || (strcmp(r->path, "/.well-known/") == 0
                   && strncmp(path, r->path, len) == 0))
           && strstr(body ? body : "", r->body);
}


static inline void
wrong_word(bridge_buffer_t *b, const char *word, const char *other)
{
    GString  *text;

    text = g_string_new_len(b->data, b->len);
    g_string_replace(text, word, other, 0);

    b->len = 0;
    bridge_buffer_add(b, text->str, text->len);
    g_string_free(text, TRUE);
}


/* Without its last response. */

static inline void
wrong_cut_list(bridge_buffer_t *b, const char *path)
{
    char  *last;

    bridge_buffer_char(b, '\0');
    last = g_strrstr(b->data, "<D:response>");
    b->len = last ? (size_t) (last - b->data) : 0;

    if (last == NULL) {
        bridge_buffer_text(b, WORLD_XML);
    }

    world_say(b, "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 507 X"
              "</D:status></D:response>" WORLD_XML_END, path);
}


/* Returns the status.  "b" has the right body.  "n" is another number each
   time. */

static inline int
wrong_answer(bridge_buffer_t *b, const wrong_t *wrong, const char *path,
    const char *body, unsigned n)
{
    switch (wrong->how) {

    case WRONG_BODY:
        b->len = 0;
        bridge_buffer_text(b, wrong->body ? wrong->body : "");
        break;

    case WRONG_CUT:
        b->len /= 2;
        break;

    case WRONG_WORD:
        wrong_word(b, wrong->word, wrong->other);
        break;

    case WRONG_CUT_LIST:
        wrong_cut_list(b, path);
        break;

    case WRONG_TOKENS:
        b->len = 0;
        world_say(b, WORLD_XML "<D:sync-token>t%u</D:sync-token>"
                  WORLD_XML_END, 1000000 + n);
        break;

    case WRONG_PAGES:
    case WRONG_SAME_PAGE:
        b->len = 0;
        world_say(b, WORLD_XML WRONG_PAGE WORLD_XML_END, path,
                  wrong->how == WRONG_PAGES ? 1000000 + n : 7);
        break;

    case WRONG_HALF_LIST:
    case WRONG_HALF_REFUSED:
        b->len = 0;

        if (strstr(body, "sync-token>t")
            && (wrong->how == WRONG_HALF_REFUSED
                || strstr(body, "sync-token>t7<") == NULL))
        {
            return 403;
        }

        bridge_buffer_text(b, WORLD_XML);
        world_response(b, "/card/book/2.vcf", "<D:getetag>\"e1\"</D:getetag>");
        world_say(b, WRONG_PAGE WORLD_XML_END, path, 7);
        break;

    default:
        break;
    }

    return wrong->status;
}


#endif /* _DAV_WRONG_ANSWER_H_INCLUDED_ */
