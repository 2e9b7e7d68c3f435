
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The nodes of a cluster, which answer SSUBSCRIBE and SUNSUBSCRIBE as Redis
 * does.  The fuzzer says when.
 */


#ifndef _FUZZ_REDIS_H_INCLUDED_
#define _FUZZ_REDIS_H_INCLUDED_


#include "fuzz.h"

#include "ngx_pimap_node.h"

#include "pimap_redis_slot.h"


#define FUZZ_NODES          2
#define FUZZ_CHANNELS       64          /* of a connection */
#define FUZZ_QUEUE          4096


/* A connection to a node: commands of the worker, answers, subscriptions. */

typedef struct {
    ngx_pimap_node_t  *node;            /* NULL: there is none */
    const char        *error;           /* of the next command; %u: its slot */

    redisReply        *commands[FUZZ_QUEUE];
    unsigned           ncommands;
    char              *answers[FUZZ_QUEUE];
    unsigned           nanswers;
    char               channels[FUZZ_CHANNELS][128];
    unsigned           nchannels;
} fuzz_server_t;


static fuzz_server_t  fuzz_servers[FUZZ_NODES];
static uint8_t        fuzz_owners[PIMAP_REDIS_SLOTS];


static void
fuzz_say(fuzz_server_t *s, const char *text)
{
    fuzz_check(s->nanswers < FUZZ_QUEUE);

    s->answers[s->nanswers] = strdup(text);
    fuzz_check(s->answers[s->nanswers++]);
}


static void
fuzz_say_channel(fuzz_server_t *s, const char *kind, const char *channel)
{
    char  text[256];

    snprintf(text, sizeof(text), "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n:1\r\n",
             strlen(kind), kind, strlen(channel), channel);

    fuzz_say(s, text);
}


static unsigned
fuzz_find(fuzz_server_t *s, const char *channel)
{
    unsigned  i;

    for (i = 0; i < s->nchannels; i++) {
        if (strcmp(s->channels[i], channel) == 0) {
            break;
        }
    }

    return i;
}


static void
fuzz_drop(fuzz_server_t *s, unsigned i)
{
    if (i < s->nchannels) {
        memmove(s->channels[i], s->channels[--s->nchannels],
                sizeof(s->channels[i]));
    }
}


/* By itself. */

static void
fuzz_unsubscribe(fuzz_server_t *s, unsigned i)
{
    fuzz_say_channel(s, "sunsubscribe", s->channels[i]);
    fuzz_drop(s, i);
}


static void
fuzz_move(unsigned slot, unsigned to)
{
    unsigned        i;
    fuzz_server_t  *s;

    s = &fuzz_servers[fuzz_owners[slot]];
    fuzz_owners[slot] = to;

    if (s == &fuzz_servers[to]) {
        return;
    }

    for (i = s->nchannels; i > 0; i--) {
        if (pimap_redis_slot(s->channels[i - 1], strlen(s->channels[i - 1]))
            == slot)
        {
            fuzz_unsubscribe(s, i - 1);
        }
    }
}


static void
fuzz_execute(fuzz_server_t *s)
{
    int          adds;
    char         text[64];
    size_t       i;
    unsigned     slot, at;
    redisReply  *command, **e;

    command = s->commands[0];
    memmove(s->commands, s->commands + 1,
            --s->ncommands * sizeof(s->commands[0]));

    e = command->element;
    fuzz_check(command->elements > 1);

    slot = pimap_redis_slot(e[1]->str, e[1]->len);
    adds = (strcmp(e[0]->str, "SSUBSCRIBE") == 0);

    if (s->error) {
        snprintf(text, sizeof(text), s->error, slot);
        fuzz_say(s, text);
        s->error = NULL;

    } else if (s != &fuzz_servers[fuzz_owners[slot]]) {
        snprintf(text, sizeof(text), "-MOVED %u n%u:1\r\n", slot,
                 fuzz_owners[slot]);
        fuzz_say(s, text);

    } else {
        for (i = 1; i < command->elements; i++) {
            fuzz_check(pimap_redis_slot(e[i]->str, e[i]->len) == slot);
            at = fuzz_find(s, e[i]->str);

            if (!adds) {
                fuzz_drop(s, at);

            } else if (at == s->nchannels) {
                fuzz_check(at < FUZZ_CHANNELS);
                strcpy(s->channels[s->nchannels++], e[i]->str);
            }

            fuzz_say_channel(s, adds ? "ssubscribe" : "sunsubscribe",
                             e[i]->str);
        }
    }

    freeReplyObject(command);
}


static void
fuzz_forget(fuzz_server_t *s)
{
    while (s->ncommands) {
        freeReplyObject(s->commands[--s->ncommands]);
    }

    while (s->nanswers) {
        free(s->answers[--s->nanswers]);
    }

    s->nchannels = 0;
    s->error = NULL;
}


#endif /* _FUZZ_REDIS_H_INCLUDED_ */
