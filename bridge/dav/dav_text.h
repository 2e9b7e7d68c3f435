
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the check that a text of a device is an iCalendar object or a vCard,
 * and no rubbish.  Called by dav_update_put.c.  Pure.
 */


#ifndef _DAV_TEXT_H_INCLUDED_
#define _DAV_TEXT_H_INCLUDED_


#include "bridge.h"


/* The fault in lines, nesting or the outer component of UTF-8, or NULL. */
const char *dav_text_check(const char *text, size_t len, int calendar);

/* True for a single ETag that may be in If-Match, not for "*". */
int dav_text_etag(const char *etag);


#endif /* _DAV_TEXT_H_INCLUDED_ */
