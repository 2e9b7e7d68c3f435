
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Settings as a table: the name of each one, its type, its bounds, and where
 * it goes.  libconfig reads the file; here values are checked and stored.
 */


#ifndef _BRIDGE_OPTION_H_INCLUDED_
#define _BRIDGE_OPTION_H_INCLUDED_


#include "bridge.h"

#include <libconfig.h>


typedef enum {
    BRIDGE_OPTION_TEXT = 0,             /* char * */
    BRIDGE_OPTION_SECRET,               /* char *, wiped */
    BRIDGE_OPTION_SECRET_FILE,          /* that, from a file's first line */
    BRIDGE_OPTION_FLAG,                 /* int */
    BRIDGE_OPTION_NUMBER,               /* int */
    BRIDGE_OPTION_TIME,                 /* bridge_msec_t; "500ms", "5m", 30 */
    BRIDGE_OPTION_CHOICE                /* int, the place in "choices" */
} bridge_option_type_t;


typedef struct {
    const char            *name;        /* NULL: the last one */
    bridge_option_type_t   type;
    size_t                 offset;
    const char            *value;       /* the default, NULL: none */
    int64_t                min;         /* of numbers; milliseconds */
    int64_t                max;
    const char           **choices;     /* ended by NULL */
} bridge_option_t;


/* Fills in the defaults. */
void bridge_option_init(const bridge_option_t *options, void *to);

/*
 * Takes the members of a group.  Names that are neither in the table nor
 * among "others" are errors.  Returns -1, with a line in the log for each.
 */
int bridge_option_read(const bridge_option_t *options, const char **others,
    config_setting_t *group, void *to, const char *file);

void bridge_option_free(const bridge_option_t *options, void *to);

/* An error at a setting, as all others are reported. */
void bridge_option_error(config_setting_t *setting, const char *file,
    const char *format, ...) __attribute__((format(printf, 3, 4)));


#endif /* _BRIDGE_OPTION_H_INCLUDED_ */
