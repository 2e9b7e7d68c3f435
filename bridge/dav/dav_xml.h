
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The bodies of requests; each is to be freed.  Pure.
 */


#ifndef _DAV_XML_H_INCLUDED_
#define _DAV_XML_H_INCLUDED_


#include "bridge.h"


#define DAV_XML_TYPE    "application/xml; charset=utf-8"


/* Who the user is, and where his collections are. */
char *dav_xml_principal(void);

/* The collections of a home, and how to see whether they have changed. */
char *dav_xml_home(void);

/* What is in a collection. */
char *dav_xml_etags(void);

/* What has changed there since "token", "" for all; "limit", if not 0. */
char *dav_xml_sync(const char *token, unsigned limit);

/* Some objects with their texts. */
char *dav_xml_multiget(int calendar, char **paths, unsigned n);


#endif /* _DAV_XML_H_INCLUDED_ */
