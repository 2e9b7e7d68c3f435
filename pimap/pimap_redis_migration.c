
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A line of CLUSTER NODES: id, address, flags, master, ping, pong, epoch,
 * link, and the slots.  The line of the node that was asked has the flag
 * "myself".
 */


#include <string.h>

#include "pimap_redis_migration.h"


#define PIMAP_REDIS_MIGRATION_FLAGS   2     /* words before the flags */
#define PIMAP_REDIS_MIGRATION_SLOTS   8     /* words before the slots */


typedef struct {
    const char  *data;
    size_t       len;
} pimap_redis_migration_word_t;


static int pimap_redis_migration_line(pimap_redis_migration_t *migration,
    const char *p, const char *last);
static int pimap_redis_migration_next(pimap_redis_migration_word_t *word,
    const char **p, const char *last);
static int pimap_redis_migration_flag(
    const pimap_redis_migration_word_t *flags, const char *flag);
static int pimap_redis_migration_slot(pimap_redis_migration_t *migration,
    const char *p, size_t len);


int
pimap_redis_migration_parse(pimap_redis_migration_t *migration,
    const char *text, size_t len)
{
    int          rc;
    const char  *p, *last, *end;

    memset(migration, 0, sizeof(pimap_redis_migration_t));

    last = text + len;

    for (p = text; p < last; p = end + 1) {
        end = memchr(p, '\n', last - p);

        if (end == NULL) {
            end = last;
        }

        rc = pimap_redis_migration_line(migration, p, end);

        if (rc != 0) {
            return rc == 1 ? 0 : -1;
        }
    }

    return -1;
}


/* 1: it was the node's own line; 0: another one; -1: malformed. */

static int
pimap_redis_migration_line(pimap_redis_migration_t *migration, const char *p,
    const char *last)
{
    unsigned                       n;
    pimap_redis_migration_word_t   word;

    for (n = 0; pimap_redis_migration_next(&word, &p, last); n++) {

        if (n == PIMAP_REDIS_MIGRATION_FLAGS) {

            if (!pimap_redis_migration_flag(&word, "myself")) {
                return 0;
            }

            migration->master = pimap_redis_migration_flag(&word, "master");
        }

        if (n >= PIMAP_REDIS_MIGRATION_SLOTS && word.data[0] == '['
            && pimap_redis_migration_slot(migration, word.data, word.len)
               != 0)
        {
            return -1;
        }
    }

    if (n <= PIMAP_REDIS_MIGRATION_FLAGS) {
        return 0;
    }

    return n >= PIMAP_REDIS_MIGRATION_SLOTS ? 1 : -1;
}


static int
pimap_redis_migration_next(pimap_redis_migration_word_t *word, const char **p,
    const char *last)
{
    while (*p < last && **p == ' ') {
        (*p)++;
    }

    word->data = *p;

    while (*p < last && **p != ' ') {
        (*p)++;
    }

    word->len = *p - word->data;

    return word->len != 0;
}


/* "myself,master" */

static int
pimap_redis_migration_flag(const pimap_redis_migration_word_t *flags,
    const char *flag)
{
    size_t       len;
    const char  *p, *last, *comma;

    last = flags->data + flags->len;

    for (p = flags->data; p < last; p = comma + 1) {
        comma = memchr(p, ',', last - p);

        if (comma == NULL) {
            comma = last;
        }

        len = comma - p;

        if (len == strlen(flag) && memcmp(p, flag, len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* "[77->-id]" leaves, "[93-<-id]" comes. */

static int
pimap_redis_migration_slot(pimap_redis_migration_t *migration, const char *p,
    size_t len)
{
    int          slot;
    const char  *dash, *last;

    last = p + len;
    p++;

    dash = memchr(p, '-', last - p);
    slot = dash ? pimap_redis_slot_parse(p, dash - p) : -1;

    if (slot == -1 || last - dash < 5 || dash[2] != '-' || last[-1] != ']') {
        return -1;
    }

    switch (dash[1]) {

    case '>':
        pimap_redis_slot_set_add(&migration->leaving, slot);
        return 0;

    case '<':
        pimap_redis_slot_set_add(&migration->coming, slot);
        return 0;
    }

    return -1;
}
