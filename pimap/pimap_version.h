
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the version of the module and the bridge.  CHANGES, the packages and
 * the man pages have the same one.
 */


#ifndef _PIMAP_VERSION_H_INCLUDED_
#define _PIMAP_VERSION_H_INCLUDED_


#define PIMAP_VERSION  "0.1.0"


#endif /* _PIMAP_VERSION_H_INCLUDED_ */
