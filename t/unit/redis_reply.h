
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Replies of Redis for tests: [ ] is an array, "text", 12, ~ is nil, and
 * !text! an error.  hiredis reads them from RESP, as it reads those of Redis.
 */


#ifndef _REDIS_REPLY_H_INCLUDED_
#define _REDIS_REPLY_H_INCLUDED_


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>


#define REPLY_SIZE  65536


static char *reply_value(char *to, const char **p);


/* The elements come after their number, so they are written first. */

static inline char *
reply_array(char *to, const char **p)
{
    char    *elements, *last;
    size_t   n;

    elements = malloc(REPLY_SIZE);
    if (elements == NULL) {
        abort();
    }

    last = elements;

    for (n = 0; ; n++) {
        *p += strspn(*p, " \n");

        if (**p == ']') {
            break;
        }

        last = reply_value(last, p);
    }

    (*p)++;

    to += sprintf(to, "*%zu\r\n", n);
    memcpy(to, elements, last - elements);
    to += last - elements;

    free(elements);

    return to;
}


static inline char *
reply_quoted(char *to, const char **p, char quote)
{
    size_t  len;

    len = strcspn(*p, (char []) { quote, '\0' });

    to += quote == '"' ? sprintf(to, "$%zu\r\n%.*s\r\n", len, (int) len, *p)
                       : sprintf(to, "-%.*s\r\n", (int) len, *p);
    *p += len + 1;

    return to;
}


static char *
reply_value(char *to, const char **p)
{
    char  *end;
    long   n;

    *p += strspn(*p, " \n");

    switch (**p) {

    case '[':
        (*p)++;
        return reply_array(to, p);

    case '"':
        (*p)++;
        return reply_quoted(to, p, '"');

    case '!':
        (*p)++;
        return reply_quoted(to, p, '!');

    case '~':
        (*p)++;
        return to + sprintf(to, "$-1\r\n");

    default:
        n = strtol(*p, &end, 10);

        if (end == *p) {
            abort();
        }

        *p = end;

        return to + sprintf(to, ":%ld\r\n", n);
    }
}


/* To be freed by freeReplyObject(). */

static inline redisReply *
reply_of(const char *text)
{
    char         *resp;
    void         *reply;
    redisReader  *reader;

    resp = malloc(REPLY_SIZE);
    reader = redisReaderCreate();

    if (resp == NULL || reader == NULL
        || redisReaderFeed(reader, resp, reply_value(resp, &text) - resp)
           != REDIS_OK
        || redisReaderGetReply(reader, &reply) != REDIS_OK || reply == NULL)
    {
        abort();
    }

    redisReaderFree(reader);
    free(resp);

    return reply;
}


#endif /* _REDIS_REPLY_H_INCLUDED_ */
