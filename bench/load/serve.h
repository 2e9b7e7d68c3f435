/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The loop of a fake server: many connections to a port on loopback, and
 * commands of the benchmark for a user, as lines on stdin.
 */

#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H


#define SERVE_USERS  100000


typedef struct {
    int       flags;                    /* of accept4() */
    void    (*told)(int user);          /* a line "VERB USER" */
    void    (*accepted)(int fd);
    void    (*event)(void *peer);       /* there is something to read */
} serve_t;


/* Prints "ready" when it listens; ends with stdin, or by the line "quit". */
void serve(const serve_t *handlers, int port);

/* Until the descriptor is closed. */
void serve_watch(int fd, void *peer);


#endif /* BENCH_SERVE_H */
