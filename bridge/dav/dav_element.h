
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The elements of an answer that mean something to us, each known by its name
 * and the place that it is in.
 */


#ifndef _DAV_ELEMENT_H_INCLUDED_
#define _DAV_ELEMENT_H_INCLUDED_


#include "dav_multistatus.h"


typedef enum {
    DAV_AT_NOWHERE = 0,
    DAV_AT_ROOT,
    DAV_AT_MULTISTATUS,
    DAV_AT_ERROR,
    DAV_AT_RESPONSE,
    DAV_AT_PROPSTAT,
    DAV_AT_PROP,
    DAV_AT_TYPE,
    DAV_AT_COMPONENTS,
    DAV_AT_PRINCIPAL,
    DAV_AT_CARD_HOME,
    DAV_AT_CALENDAR_HOME,
    DAV_AT_RESPONSE_STATUS,
    DAV_AT_STATUS,
    DAV_AT_WHOLE_TOKEN,
    DAV_AT_FLAG,
    DAV_AT_COMPONENT,
    DAV_AT_INVALID_TOKEN,
    DAV_AT_TEXT
} dav_at_t;

typedef struct {
    dav_at_t       parent;
    const char    *name;
    dav_at_t       at;
    unsigned       value;               /* of a flag; which text */
} dav_element_t;


/* NULL: none of them. */

const dav_element_t *dav_element_find(dav_at_t parent, const char *name);


#endif /* _DAV_ELEMENT_H_INCLUDED_ */
