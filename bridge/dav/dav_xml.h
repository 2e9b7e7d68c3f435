
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bodies of requests.  Called by the steps of a round and by
 * dav_report.c.  Pure.
 */


#ifndef _DAV_XML_H_INCLUDED_
#define _DAV_XML_H_INCLUDED_


#include "bridge.h"


/* Asks for the user's principal and homes. */
extern const char  dav_xml_principal[];

/* Asks for the collections of a home, and for a mark of their changes. */
extern const char  dav_xml_home[];

/* Asks for the ETags of all objects of a collection. */
extern const char  dav_xml_etags[];

/* Asks for the changes since "token", "" for all objects.  To be freed. */
char *dav_xml_sync(const char *token);

/* Asks for some objects with their contents.  To be freed. */
char *dav_xml_multiget(int calendar, char **paths, unsigned n);


#endif /* _DAV_XML_H_INCLUDED_ */
