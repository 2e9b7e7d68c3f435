
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the sockets at which workers that quit offer their devices to newer
 * ones: a pair, made by the master, which all its workers inherit, and those
 * of the next binary, too.
 */


#ifndef _NGX_PIMAP_HANDOVER_SOCKET_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_SOCKET_H_INCLUDED_


#include "ngx_pimap.h"


/* In the master, for each configuration: a new generation of workers. */
ngx_int_t ngx_pimap_handover_socket_init_module(ngx_cycle_t *cycle);

/* The later generation has the greater number, also of another master. */
uint64_t ngx_pimap_handover_socket_generation(void);

/* True if there is a later one; if not, nginx itself quits. */
ngx_uint_t ngx_pimap_handover_socket_outdated(void);

/* A worker that quits writes, newer workers read; or -1. */
ngx_socket_t ngx_pimap_handover_socket_writer(void);
ngx_socket_t ngx_pimap_handover_socket_reader(void);


#endif /* _NGX_PIMAP_HANDOVER_SOCKET_H_INCLUDED_ */
