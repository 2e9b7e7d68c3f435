
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the errors by which a Redis Cluster says that a command has to go to
 * another node, or later.  Called by the module and the bridge.
 */


#ifndef _PIMAP_REDIS_REDIRECT_H_INCLUDED_
#define _PIMAP_REDIS_REDIRECT_H_INCLUDED_


#include "pimap_redis_topology.h"


typedef enum {
    PIMAP_REDIS_REDIRECT_NONE = 0,      /* another error */
    PIMAP_REDIS_REDIRECT_MOVED,         /* the slot has another master */
    PIMAP_REDIS_REDIRECT_ASK,           /* this once, after ASKING */
    PIMAP_REDIS_REDIRECT_TRYAGAIN,      /* its keys are at two masters now */
    PIMAP_REDIS_REDIRECT_DOWN,          /* no master, or it can't answer yet */
    PIMAP_REDIS_REDIRECT_CROSSSLOT      /* the caller's mistake */
} pimap_redis_redirect_type_t;


typedef struct {
    pimap_redis_redirect_type_t  type;

    /* of MOVED and ASK */
    unsigned                     slot;
    unsigned                     port;  /* 0: unknown, ask for the topology */
    char                         host[PIMAP_REDIS_HOST];
} pimap_redis_redirect_t;


/*
 * Reads an error, without its "-".  "asked" is the host that replied, which
 * the error may mean by no host.  MOVED and ASK that are malformed, or whose
 * host is "?", have a port of 0.
 */
pimap_redis_redirect_type_t pimap_redis_redirect_parse(
    pimap_redis_redirect_t *redirect, const char *error, size_t len,
    const char *asked);


#endif /* _PIMAP_REDIS_REDIRECT_H_INCLUDED_ */
