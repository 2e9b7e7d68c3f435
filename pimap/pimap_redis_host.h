
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the texts of a host and of a port, as Redis and its sentinels send
 * them.  Called by the readers of their replies.  Invariant: a host is a name
 * or an address without brackets, is not empty, and may be written to a log.
 */


#ifndef _PIMAP_REDIS_HOST_H_INCLUDED_
#define _PIMAP_REDIS_HOST_H_INCLUDED_


#include <stddef.h>


#define PIMAP_REDIS_HOST    256         /* bytes, with the zero byte */


/* Writes up to PIMAP_REDIS_HOST bytes; -1 if the text is no host. */
int pimap_redis_host_copy(char *host, const char *data, size_t len);

/* 0 if the text is no port. */
unsigned pimap_redis_host_port(const char *data, size_t len);

/* The last byte of a text that is "c"; NULL if there is none. */
const char *pimap_redis_host_last(const char *p, const char *last, char c);


#endif /* _PIMAP_REDIS_HOST_H_INCLUDED_ */
