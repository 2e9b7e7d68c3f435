/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The target of devices and publishers: a URL or a channel with placeholders
 * for the numbers of an account (%a) and of a device (%d).
 */

#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>


#define TARGET_TEXT  512


typedef struct {
    struct sockaddr_in   addr;
    char                 authority[64];
    char                 path[TARGET_TEXT];     /* with %a and %d */
    unsigned             tls:1;
} target_t;


/* http[s]://, a numeric IPv4 address, port, path; NULL or the error */
const char *target_parse(target_t *target, const char *url);

/* inserts the numbers; returns the length, or 0 if there is no room */
size_t target_expand(char *buf, size_t size, const char *text,
    uint32_t account, uint32_t device);

/* connects the socket of the n-th device; -1: see errno */
int target_connect(const target_t *target, int fd, uint32_t n,
    uint32_t sources, uint32_t ports);


#endif /* BENCH_TARGET_H */
