
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns Dovecot's OX push notification (push_notification_driver = ox:...): its
 * body becomes a MessageNew event.  Called by the location of publishers.
 */


#ifndef _PIMAP_OX_H_INCLUDED_
#define _PIMAP_OX_H_INCLUDED_


#include "pimap_event.h"


/*
 * True if the parsed body is an OX payload: "event" is "messageNew" in any
 * case, and it has "user", "folder" and "imap-uid".  Such a body has to be
 * parsed with pimap_event_parse_json() first.
 */
int pimap_ox_detect(const pimap_event_t *ev);

/*
 * The "user" member, in "buf" if it has escapes; data == NULL if it is not a
 * string, or "size" is too small.
 */
pimap_str_t pimap_ox_user(const pimap_event_t *ev, char *buf, size_t size);

/*
 * The text of the MessageNew event, *len bytes from malloc() without a
 * terminating zero; NULL if a member has the wrong type, a number is not of
 * 32 bits, or memory is out: "errno" is ENOMEM then.  The caller frees it.
 * "user" and members that Dovecot doesn't send are left out.
 */
char *pimap_ox_to_event(const pimap_event_t *ev, size_t *len);


#endif /* _PIMAP_OX_H_INCLUDED_ */
