
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A CardDAV and CalDAV server for the bridge's benchmark: HTTP/1.1 with
 * persistent connections, one thread.  The header "Authorize-As" names the
 * user "user<n>"; each user has an address book and a calendar, in a home of
 * its own, with OBJECTS objects each.
 *
 *     dav PORT OBJECTS
 *
 * Commands on its standard input: "change N" changes a contact of user N,
 * "quit".  It prints "ready" when it listens.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"


#define IN          65536
#define OUT         (4 * 1024 * 1024)
#define TOKEN       "http://bench/"


typedef struct {
    int       fd;
    int       len;
    char      in[IN];
} peer_t;


static void change(int user);
static void peer_accept(int fd);
static void peer_read(void *peer);
static void peer_close(peer_t *p);
static int peer_request(peer_t *p);
static void answer(peer_t *p, const char *body);
static void told_principal(const char *path, int user);
static void told_home(const char *path, int user, int contacts);
static void told_changes(const char *path, int user, int contacts,
    const char *body);
static void say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
static void peer_send(peer_t *p, const char *bytes, size_t len);


static int     objects;
static int     version[SERVE_USERS];          /* of the address book */
static char    out[OUT];
static size_t  out_len;


int
main(int argc, char **argv)
{
    static const serve_t  handlers = {
        0, change, peer_accept, peer_read
    };

    if (argc != 3) {
        fprintf(stderr, "usage: dav PORT OBJECTS\n");
        return 2;
    }

    objects = atoi(argv[2]);
    serve(&handlers, atoi(argv[1]));
}


static void
change(int user)
{
    version[user]++;
}


static void
peer_accept(int fd)
{
    int      on;
    peer_t  *p;

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    p = calloc(1, sizeof(peer_t));
    p->fd = fd;
    serve_watch(fd, p);
}


static void
peer_close(peer_t *p)
{
    close(p->fd);
    free(p);
}


static void
peer_read(void *peer)
{
    int      n;
    peer_t  *p = peer;

    n = recv(p->fd, p->in + p->len, IN - 1 - p->len, MSG_DONTWAIT);

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            peer_close(p);
        }

        return;
    }

    p->len += n;
    p->in[p->len] = '\0';

    while ((n = peer_request(p)) > 0) {
        p->len -= n;
        memmove(p->in, p->in + n, p->len + 1);
    }
}


/* The bytes of a whole request that was answered, or 0. */

static int
peer_request(peer_t *p)
{
    int    user, contacts, len;
    char  *body, *head, path[256];

    body = strstr(p->in, "\r\n\r\n");

    if (body == NULL) {
        return 0;
    }

    *body = '\0';
    body += 4;

    head = strcasestr(p->in, "\r\nContent-Length:");
    len = head ? atoi(head + 17) : 0;

    if (p->in + p->len < body + len) {
        body[-4] = '\r';
        return 0;
    }

    head = strcasestr(p->in, "\r\nAuthorize-As: user");
    user = head ? atoi(head + 20) % SERVE_USERS : 0;
    path[0] = '\0';
    sscanf(p->in, "%*s %255s", path);
    contacts = strstr(path, "/contacts/") != NULL;
    out_len = 0;

    if (strncmp(path, "/.well-known/", 13) == 0) {
        answer(p, NULL);
        return body + len - p->in;
    }

    say("<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\""
        " xmlns:A=\"urn:ietf:params:xml:ns:carddav\""
        " xmlns:C=\"urn:ietf:params:xml:ns:caldav\""
        " xmlns:S=\"http://calendarserver.org/ns/\">");

    if (memmem(body, len, "current-user-principal", 22)) {
        told_principal(path, user);

    } else if (strncmp(p->in, "PROPFIND", 8) == 0) {
        told_home(path, user, contacts);

    } else {
        told_changes(path, user, contacts, body);
    }

    say("</D:multistatus>\n");
    answer(p, out);

    return body + len - p->in;
}


static void
answer(peer_t *p, const char *body)
{
    char    head[256];
    size_t  len;

    if (body == NULL) {
        len = sprintf(head, "HTTP/1.1 301 Moved\r\nLocation: /\r\n"
                      "Content-Length: 0\r\n\r\n");

    } else {
        len = sprintf(head, "HTTP/1.1 207 Multi-Status\r\nContent-Type: "
                      "application/xml\r\nContent-Length: %zu\r\n\r\n",
                      out_len);
    }

    peer_send(p, head, len);
    peer_send(p, out, out_len);
}


static void
told_principal(const char *path, int user)
{
    say("<D:response><D:href>%s</D:href><D:propstat><D:prop>"
        "<D:current-user-principal><D:href>/user%d/</D:href>"
        "</D:current-user-principal>", path, user);

    if (strncmp(path, "/user", 5) == 0) {
        say("<A:addressbook-home-set><D:href>/user%d/contacts/</D:href>"
            "</A:addressbook-home-set><C:calendar-home-set>"
            "<D:href>/user%d/calendars/</D:href></C:calendar-home-set>",
            user, user);
    }

    say("</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
        "</D:response>");
}


static void
told_home(const char *path, int user, int contacts)
{
    int  v;

    v = contacts ? version[user] : 0;

    say("<D:response><D:href>%s</D:href><D:propstat><D:prop><D:resourcetype>"
        "<D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK"
        "</D:status></D:propstat></D:response>", path);

    say("<D:response><D:href>%smain/</D:href><D:propstat><D:prop>"
        "<D:resourcetype><D:collection/>%s</D:resourcetype>"
        "<D:displayname>Main</D:displayname><S:getctag>\"%d\"</S:getctag>"
        "<D:sync-token>" TOKEN "%d</D:sync-token></D:prop><D:status>"
        "HTTP/1.1 200 OK</D:status></D:propstat></D:response>", path,
        contacts ? "<A:addressbook/>" : "<C:calendar/>", v, v);
}


/* Each version is a change of the next object. */

static void
told_changes(const char *path, int user, int contacts, const char *body)
{
    int          from, to, i;
    const char  *token;

    token = strstr(body, TOKEN);
    to = contacts ? version[user] : 0;
    from = token ? atoi(token + sizeof(TOKEN) - 1) : to - objects;

    if (from < to - objects) {
        from = to - objects;
    }

    for (i = from + 1; i <= to; i++) {
        say("<D:response><D:href>%sobject-%d.%s</D:href><D:propstat><D:prop>"
            "<D:getetag>\"%08x-%d\"</D:getetag></D:prop><D:status>HTTP/1.1"
            " 200 OK</D:status></D:propstat></D:response>", path,
            (i + objects) % objects, contacts ? "vcf" : "ics", user, i);
    }

    say("<D:sync-token>" TOKEN "%d</D:sync-token>", to);
}


static void
say(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    out_len += vsnprintf(out + out_len, OUT - out_len, format, args);
    va_end(args);

    if (out_len >= OUT) {
        fprintf(stderr, "the answer is too long\n");
        exit(1);
    }
}


static void
peer_send(peer_t *p, const char *bytes, size_t len)
{
    ssize_t  n;

    while (len > 0 && (n = write(p->fd, bytes, len)) > 0) {
        bytes += n;
        len -= n;
    }
}
