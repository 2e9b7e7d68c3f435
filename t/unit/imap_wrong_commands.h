
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The commands of an IMAP session, and the updates that cause some of them.
 */


#ifndef _IMAP_WRONG_COMMANDS_H_INCLUDED_
#define _IMAP_WRONG_COMMANDS_H_INCLUDED_


#include <stdio.h>
#include <string.h>

#include <jansson.h>


typedef struct {
    const char  *verb;
    const char  *part;
    int          met;
} wrong_command_t;


/* The empty verb: each command. */

static wrong_command_t  wrong_commands[] = {
    { "greeting", "", 0 }, { "CAPABILITY", "", 0 },
    { "STARTTLS", "", 0 }, { "AUTHENTICATE", "", 0 },
    { "SASL", "", 0 }, { "LOGIN", "", 0 }, { "ID (", "", 0 },
    { "ENABLE", "", 0 }, { "LIST", "", 0 }, { "LSUB", "", 0 },
    { "STATUS", "", 0 }, { "NOTIFY", "", 0 }, { "EXAMINE", "", 0 },
    { "EXAMINE", "INBOX", 0 }, { "EXAMINE", "Lists", 0 },
    { "SELECT", "", 0 }, { "FETCH", "", 0 },
    { "UID FETCH", "", 0 }, { "UID FETCH", "ENVELOPE", 0 },
    { "UID FETCH", "INTERNALDATE", 0 },
    { "UID FETCH", "CHANGEDSINCE", 0 },
    { "UID FETCH", ":* (UID FLAGS)", 0 },
    { "UID FETCH", "(UID FLAGS RFC822.SIZE)", 0 },
    { "UID SEARCH", "", 0 }, { "UID STORE", "", 0 },
    { "UID COPY", "", 0 }, { "UID MOVE", "", 0 },
    { "UID EXPUNGE", "", 0 }, { "APPEND", "", 0 },
    { "CREATE", "", 0 }, { "RENAME", "", 0 }, { "DELETE", "", 0 },
    { "SUBSCRIBE", "", 0 }, { "UNSUBSCRIBE", "", 0 },
    { "IDLE", "", 0 }, { "DONE", "", 0 }, { "NOOP", "", 0 },
    { "", "", 0 },
    { NULL, NULL, 0 }
};


/* Before the login, nothing odd is skipped. */

static inline int
wrong_before_login(const char *verb)
{
    size_t  i;

    static const char  *verbs[] = {
        "", "greeting", "CAPABILITY", "STARTTLS", "AUTHENTICATE", "SASL",
        "LOGIN"
    };

    for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verb, verbs[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Events that say that a mailbox is not there any more. */

static inline unsigned
wrong_losses(json_t *events)
{
    size_t       i;
    json_t      *event;
    unsigned     n = 0;
    const char  *name;

    json_array_foreach(events, i, event) {
        name = json_string_value(json_object_get(event, "event"));
        n += strcmp(name, "MailboxDelete") == 0
             || strcmp(name, "MailboxRename") == 0
             || strcmp(name, "MailboxUnSubscribe") == 0;
    }

    return n;
}


/* Notes that a command was sent.  0: the table lacks it. */

static inline int
wrong_meet(const char *line)
{
    int               known = 0;
    wrong_command_t  *c;

    for (c = wrong_commands; c->verb; c++) {

        if (strncmp(line, c->verb, strlen(c->verb)) == 0
            && strstr(line, c->part))
        {
            c->met = 1;
            known |= c->verb[0] != '\0';
        }
    }

    return known;
}


static inline int
wrong_all_met(void)
{
    wrong_command_t  *c;

    for (c = wrong_commands; c->verb && c->met; c++) { /* void */ }

    return c->verb == NULL;
}


/* For each verb of updates; ' stands for ". */

static const char  *imap_updates[] = {
    "{'update':'store','mailbox':'INBOX','uids':[1],'add':['x'],"
        "'remove':['y']}",
    "{'update':'copy','mailbox':'Lists','uids':[1],'to':'INBOX'}",
    "{'update':'move','mailbox':'INBOX','uids':[1],'to':'Lists'}",
    "{'update':'delete','mailbox':'INBOX','uids':[1]}",
    "{'update':'append','mailbox':'Lists','message':'Subject: x\\n\\nx'}",
    "{'update':'mailbox','mailbox':'New','action':'create'}",
    "{'update':'mailbox','mailbox':'New','action':'rename','to':'Old'}",
    "{'update':'mailbox','mailbox':'Old','action':'delete'}",
    "{'update':'mailbox','mailbox':'Lists','action':'subscribe'}",
    "{'update':'mailbox','mailbox':'Lists','action':'unsubscribe'}",
    "{'update':'fetch','mailbox':'Lists','uids':[1],'items':['flags']}",
    "{'update':'search','mailbox':'INBOX','query':{'seen':true}}"
};


static inline json_t *
imap_command_update(unsigned n)
{
    char  text[256], *p;

    snprintf(text, sizeof(text), "%s",
             imap_updates[n % (sizeof(imap_updates)
                               / sizeof(imap_updates[0]))]);

    for (p = text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }

    return json_loads(text, 0, NULL);
}


#endif /* _IMAP_WRONG_COMMANDS_H_INCLUDED_ */
