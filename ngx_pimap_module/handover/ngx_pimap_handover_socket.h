
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Where workers that leave find workers that stay: a pair of sockets of the
 * master, which all of its workers have, and those of the next binary, too.
 */


#ifndef _NGX_PIMAP_RENDEZVOUS_H_INCLUDED_
#define _NGX_PIMAP_RENDEZVOUS_H_INCLUDED_


#include "ngx_pimap.h"


/* In the master, for each configuration: a new generation of workers. */
ngx_int_t ngx_pimap_handover_socket_init_module(ngx_cycle_t *cycle);

/* The later generation has the greater number, also of another master. */
uint64_t ngx_pimap_handover_socket_generation(void);

/* True if there is a later one: if not, all that leave go for good. */
ngx_uint_t ngx_pimap_handover_socket_outdated(void);

/* Who leaves writes to the one, who stays reads from the other; or -1. */
ngx_socket_t ngx_pimap_handover_socket_writer(void);
ngx_socket_t ngx_pimap_handover_socket_reader(void);


#endif /* _NGX_PIMAP_RENDEZVOUS_H_INCLUDED_ */
