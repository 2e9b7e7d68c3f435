/*
 * Copyright (C) ngx_pimap_module authors
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"


static void serve_listen(int port);
static void serve_accept(const serve_t *handlers);
static void serve_control(const serve_t *handlers);


static int  serve_poll, serve_socket;


void
serve(const serve_t *handlers, int port)
{
    int                 i, n;
    struct epoll_event  events[256];

    serve_poll = epoll_create1(0);
    serve_listen(port);
    serve_watch(0, NULL);

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready\n");

    for ( ;; ) {
        n = epoll_wait(serve_poll, events, 256, -1);

        for (i = 0; i < n; i++) {

            if (events[i].data.ptr == NULL) {
                serve_control(handlers);

            } else if (events[i].data.ptr == &serve_socket) {
                serve_accept(handlers);

            } else {
                handlers->event(events[i].data.ptr);
            }
        }
    }
}


static void
serve_listen(int port)
{
    int                 on;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    on = 1;
    serve_socket = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);
    setsockopt(serve_socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    if (bind(serve_socket, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(serve_socket, 4096) == -1)
    {
        perror("listen");
        exit(1);
    }

    serve_watch(serve_socket, &serve_socket);
}


void
serve_watch(int fd, void *peer)
{
    struct epoll_event  event;

    event.events = EPOLLIN;
    event.data.ptr = peer;
    epoll_ctl(serve_poll, EPOLL_CTL_ADD, fd, &event);
}


static void
serve_accept(const serve_t *handlers)
{
    int  fd;

    while ((fd = accept4(serve_socket, NULL, NULL, handlers->flags)) != -1) {
        handlers->accepted(fd);
    }
}


/* Lines are short, and written whole. */

static void
serve_control(const serve_t *handlers)
{
    int      user;
    char    *line, *rest;
    ssize_t  n;

    static char  text[65536];

    n = read(0, text, sizeof(text) - 1);

    if (n <= 0) {
        exit(0);
    }

    text[n] = '\0';

    for (line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
    {
        if (sscanf(line, "%*s %d", &user) == 1 && user >= 0
            && user < SERVE_USERS)
        {
            handlers->told(user);

        } else if (strcmp(line, "quit") == 0) {
            exit(0);
        }
    }
}
