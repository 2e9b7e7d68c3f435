
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An IMAP server for the bridge's benchmark: as many sessions as there are
 * descriptors, one thread, and no mail.  A login is "user<n>*<master>"; each
 * user has MESSAGES messages in each mailbox, and the delivered messages.
 *
 *     imap PORT MAILBOXES notify|idle [CERTIFICATE KEY]
 *
 * Commands on its standard input: "deliver N" puts a message into the INBOX
 * of user N, "quit".  It prints "ready" when it listens.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "serve.h"


#define MESSAGES    10
#define LINE        8192
#define OUT         16384


typedef struct {
    int       fd;
    int       user;
    int       inbox;                    /* INBOX is selected */
    int       len;
    SSL      *ssl;
    int       greeted;
    char      idle[16];                 /* the tag of IDLE, while it lasts */
    char      line[LINE];
} session_t;


static void tls(const char *certificate, const char *key);
static void deliver(int user);
static void session_accept(int fd);
static void session_close(session_t *s);
static void session_event(void *peer);
static int session_shake(session_t *s);
static int session_read(session_t *s);
static void session_command(session_t *s, const char *line);
static void session_login(session_t *s, const char *args);
static void told_list(void);
static void told_status(int user);
static void told_select(session_t *s);
static void told_fetch(session_t *s, const char *args);
static void say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
static void send_all(session_t *s);


static int         mailboxes;
static const char *caps;
static SSL_CTX    *ctx;
static session_t  *sessions[SERVE_USERS];     /* watching sessions, by user */
static int         delivered[SERVE_USERS];
static char        out[OUT * 16];
static size_t      out_len;


int
main(int argc, char **argv)
{
    static const serve_t  handlers = {
        SOCK_NONBLOCK, deliver, session_accept, session_event
    };

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: imap PORT MAILBOXES notify|idle"
                " [CERTIFICATE KEY]\n");
        return 2;
    }

    mailboxes = atoi(argv[2]);
    caps = strcmp(argv[3], "notify") == 0
           ? "IDLE ENABLE CONDSTORE QRESYNC NOTIFY LIST-EXTENDED"
             " LIST-STATUS"
           : "IDLE ENABLE CONDSTORE LIST-EXTENDED LIST-STATUS";

    if (argc == 6) {
        tls(argv[4], argv[5]);
    }

    serve(&handlers, atoi(argv[1]));
}


static void
tls(const char *certificate, const char *key)
{
    ctx = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);

    if (SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
    {
        fprintf(stderr, "%s, %s: no certificate\n", certificate, key);
        exit(1);
    }
}


static void
deliver(int user)
{
    session_t  *s;

    delivered[user]++;
    s = sessions[user];

    if (s && *s->idle && s->inbox) {
        out_len = 0;
        say("* %d EXISTS\r\n", MESSAGES + delivered[user]);
        send_all(s);
    }
}


static void
session_accept(int fd)
{
    session_t  *s;

    s = calloc(1, sizeof(session_t));
    s->fd = fd;
    s->user = -1;
    serve_watch(fd, s);

    if (ctx) {
        s->ssl = SSL_new(ctx);
        SSL_set_fd(s->ssl, fd);
        SSL_set_accept_state(s->ssl);

    } else {
        session_shake(s);
    }
}


static void
session_close(session_t *s)
{
    if (s->user >= 0 && sessions[s->user] == s) {
        sessions[s->user] = NULL;
    }

    SSL_free(s->ssl);
    close(s->fd);
    free(s);
}


static void
session_event(void *peer)
{
    int         rc;
    session_t  *s = peer;

    /* errors of another session would be taken for errors of this one */

    ERR_clear_error();

    rc = s->greeted ? 0 : session_shake(s);

    while (rc == 0) {
        rc = session_read(s);
    }

    if (rc == -1) {
        session_close(s);
    }
}


/* 0: finished, 1: to be continued, -1: an error. */

static int
session_shake(session_t *s)
{
    int  n;

    n = s->ssl ? SSL_do_handshake(s->ssl) : 1;

    if (n != 1) {
        return SSL_get_error(s->ssl, n) == SSL_ERROR_WANT_READ ? 1 : -1;
    }

    s->greeted = 1;
    out_len = 0;
    say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    send_all(s);

    return 0;
}


/* 0: bytes were read, 1: none now, -1: the connection has ended. */

static int
session_read(session_t *s)
{
    int    n;
    char  *lf, *p;

    if (s->ssl) {
        n = SSL_read(s->ssl, s->line + s->len, LINE - 1 - s->len);

        if (n <= 0) {
            return SSL_get_error(s->ssl, n) == SSL_ERROR_WANT_READ ? 1 : -1;
        }

    } else {
        n = read(s->fd, s->line + s->len, LINE - 1 - s->len);

        if (n <= 0) {
            return n == -1 && errno == EAGAIN ? 1 : -1;
        }
    }

    s->len += n;
    s->line[s->len] = '\0';
    out_len = 0;

    for (p = s->line; (lf = strchr(p, '\n')); p = lf + 1) {
        *lf = '\0';
        session_command(s, p);
    }

    s->len -= p - s->line;
    memmove(s->line, p, s->len);

    send_all(s);

    return 0;
}


static void
session_command(session_t *s, const char *line)
{
    char         tag[16];
    const char  *p;

    if (strncmp(line, "DONE", 4) == 0) {
        say("%s OK idled\r\n", s->idle);
        *s->idle = '\0';
        return;
    }

    snprintf(tag, sizeof(tag), "%.*s", (int) strcspn(line, " "), line);
    p = line + strlen(tag) + 1;

    if (strncmp(p, "IDLE", 4) == 0) {
        strcpy(s->idle, tag);
        say("+ idling\r\n");
        return;
    }

    if (strncmp(p, "LOGIN ", 6) == 0) {
        session_login(s, p + 6);
        say("%s OK [CAPABILITY IMAP4rev1 %s] in\r\n", tag, caps);
        return;
    }

    if (strncmp(p, "CAPABILITY", 10) == 0) {
        say("* CAPABILITY IMAP4rev1 %s\r\n", s->user < 0 ? "" : caps);

    } else if (strncmp(p, "ENABLE ", 7) == 0) {
        say("* ENABLED %.*s\r\n", (int) strcspn(p + 7, "\r"), p + 7);

    } else if (strncmp(p, "LIST ", 5) == 0) {
        told_list();
        told_status(s->user);

    } else if (strncmp(p, "NOTIFY", 6) == 0) {
        told_status(s->user);

    } else if (strncmp(p, "EXAMINE ", 8) == 0) {
        s->inbox = strstr(p, "INBOX") != NULL;
        told_select(s);

    } else if (strncmp(p, "UID FETCH ", 10) == 0) {
        told_fetch(s, p + 10);

    } else if (strncmp(p, "FETCH ", 6) == 0) {
        told_fetch(s, "1:*");

    } else if (strncmp(p, "LOGOUT", 6) == 0) {
        say("* BYE\r\n");
    }

    say("%s OK done\r\n", tag);
}


static void
session_login(session_t *s, const char *args)
{
    int  user;

    if (sscanf(args, "%*[\"]user%d", &user) == 1
        || sscanf(args, "user%d", &user) == 1)
    {
        if (user >= 0 && user < SERVE_USERS) {
            s->user = user;
            sessions[user] = s;
        }
    }
}


static void
told_list(void)
{
    int  i;

    say("* LIST (\\Subscribed) \"/\" INBOX\r\n");

    for (i = 1; i < mailboxes; i++) {
        say("* LIST () \"/\" Folder%d\r\n", i);
    }
}


static void
told_status(int user)
{
    int  i, n;

    for (i = 0; i < mailboxes; i++) {
        n = MESSAGES + (i == 0 && user >= 0 ? delivered[user] : 0);

        if (i == 0) {
            say("* STATUS INBOX");

        } else {
            say("* STATUS Folder%d", i);
        }

        say(" (MESSAGES %d UIDNEXT %d UIDVALIDITY 7 UNSEEN %d "
            "HIGHESTMODSEQ %d)\r\n", n, n + 1, n, n);
    }
}


static void
told_select(session_t *s)
{
    int  n;

    n = MESSAGES + (s->inbox && s->user >= 0 ? delivered[s->user] : 0);

    say("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT %d] x\r\n"
        "* OK [HIGHESTMODSEQ %d] x\r\n", n, n + 1, n);
}


static void
told_fetch(session_t *s, const char *args)
{
    int  i, n;

    n = MESSAGES + (s->inbox && s->user >= 0 ? delivered[s->user] : 0);
    i = atoi(args);

    if (strstr(args, "CHANGEDSINCE")) {
        return;
    }

    for (i = i < 1 ? 1 : i > n ? n : i; i <= n; i++) {
        say("* %d FETCH (UID %d FLAGS () INTERNALDATE \"24-Nov-2036 12:00:00 "
            "+0000\" RFC822.SIZE 900 ENVELOPE (\"Mon, 24 Nov 2036 12:00:00 "
            "+0000\" \"A message\" ((\"Bob\" NIL \"bob\" \"example.net\")) "
            "NIL NIL NIL NIL NIL NIL \"<%d@example.net>\") MODSEQ (%d))\r\n",
            i, i, i, i);
    }
}


static void
say(const char *format, ...)
{
    int      n;
    va_list  args;

    va_start(args, format);
    n = vsnprintf(out + out_len, sizeof(out) - out_len, format, args);
    va_end(args);

    out_len += (size_t) n < sizeof(out) - out_len ? n : 0;
}


/* The lines sent at a time fit into a socket's buffer. */

static void
send_all(session_t *s)
{
    ssize_t  n;

    if (out_len == 0) {
        return;
    }

    n = s->ssl ? SSL_write(s->ssl, out, out_len)
               : send(s->fd, out, out_len, MSG_NOSIGNAL);

    if (n != (ssize_t) out_len) {
        fprintf(stderr, "user %d: %s\n", s->user, strerror(errno));
    }

    out_len = 0;
}
