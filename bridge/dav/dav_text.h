
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Whether a text is an iCalendar object or vCards, as far as one has to look
 * in order not to store rubbish.  Pure.
 */


#ifndef _DAV_TEXT_H_INCLUDED_
#define _DAV_TEXT_H_INCLUDED_


#include "bridge.h"


/*
 * NULL, or what is wrong with it: lines, nesting of BEGIN and END, the
 * outermost component.  It has to be UTF-8 already.
 */
const char *dav_text_check(const char *text, size_t len, int calendar);

/* An ETag that may stand in If-Match: one, and not "*". */
int dav_text_etag(const char *etag);


#endif /* _DAV_TEXT_H_INCLUDED_ */
