
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads settings by tables.  Called by conf/.
 */


#include "bridge_option.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>


#define BRIDGE_OPTION_SECRET_MAX  4096

#define BRIDGE_OPTION_TIMES                                                   \
    "a number of seconds, or a text such as \"500ms\", \"30s\", "           \
    "\"5m\", \"12h\" or \"7d\""

#define BRIDGE_OPTION_TWICE                                                   \
    "stands beside the same setting with or without \"_file\", remove one"

#define bridge_option_is_time(option)                                         \
    ((option)->type == BRIDGE_OPTION_TIME                                     \
     || (option)->type == BRIDGE_OPTION_MSEC)


static const bridge_option_t *bridge_option_find(
    const bridge_option_t *options, const char *name);
static char *bridge_option_store(const bridge_option_t *option, void *to,
    config_setting_t *setting);
static char *bridge_option_text(const bridge_option_t *option, void *to,
    const char *text);
static char *bridge_option_choices(const bridge_option_t *option,
    const char *text);
static char *bridge_option_secret_file(char **to, const char *file);
static char *bridge_option_number(const bridge_option_t *option, void *to,
    int64_t n);
static int bridge_option_time(const char *text, int64_t *msec);
static void bridge_option_replace(char **to, const char *text);


void
bridge_option_init(const bridge_option_t *options, void *to)
{
    for ( /* void */ ; options->name; options++) {

        if (options->group) {
            bridge_option_init(options->group, to);
        }

        if (options->value) {
            free(bridge_option_text(options, (char *) to + options->offset,
                                    options->value));
        }
    }
}


int
bridge_option_read(const bridge_option_t *options, config_setting_t *group,
    void *to, const char *file)
{
    int                     i, rc;
    char                   *error;
    const char             *name;
    config_setting_t       *setting;
    const bridge_option_t  *option;

    rc = 0;

    if (!config_setting_is_group(group)) {
        bridge_option_error(group, file, "\"%s\" is not a group",
                            config_setting_name(group));
        return -1;
    }

    for (i = 0; (setting = config_setting_get_elem(group, i)); i++) {
        name = config_setting_name(setting);
        option = bridge_option_find(options, name);

        if (option == NULL) {
            bridge_option_error(setting, file, "unknown setting \"%s\"",
                                name);
            rc = -1;
            continue;
        }

        if (option->type == BRIDGE_OPTION_GROUP) {
            rc |= option->group
                  ? bridge_option_read(option->group, setting, to, file) : 0;
            continue;
        }

        error = bridge_option_store(option, (char *) to + option->offset,
                                    setting);
        if (error) {
            bridge_option_error(setting, file, "\"%s\" %s", name, error);
            free(error);
            rc = -1;
        }
    }

    return rc;
}


void
bridge_option_free(const bridge_option_t *options, void *to)
{
    char  **text;

    for ( /* void */ ; options->name; options++) {

        if (options->group) {
            bridge_option_free(options->group, to);
        }

        if (options->type <= BRIDGE_OPTION_SECRET_FILE) {
            text = (char **) ((char *) to + options->offset);
            bridge_option_replace(text, NULL);
        }
    }
}


void
bridge_option_error(config_setting_t *setting, const char *file,
    const char *format, ...)
{
    char     *text;
    va_list   args;

    va_start(args, format);
    text = bridge_vformat(format, args);
    va_end(args);

    if (config_setting_source_file(setting)) {
        file = config_setting_source_file(setting);
    }

    bridge_log(BRIDGE_LOG_EMERG, "%s in %s:%u", text, file,
               config_setting_source_line(setting));
    free(text);
}


static const bridge_option_t *
bridge_option_find(const bridge_option_t *options, const char *name)
{
    for ( /* void */ ; options->name; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }

    return NULL;
}


/* These store a value and return NULL, or an error that has to be freed. */

static char *
bridge_option_store(const bridge_option_t *option, void *to,
    config_setting_t *setting)
{
    int                   time;
    bridge_option_type_t  type = option->type;

    time = bridge_option_is_time(option);

    switch (config_setting_type(setting)) {

    case CONFIG_TYPE_STRING:
        if (type != BRIDGE_OPTION_FLAG && type != BRIDGE_OPTION_NUMBER) {
            return bridge_option_text(option, to,
                                      config_setting_get_string(setting));
        }

        break;

    case CONFIG_TYPE_BOOL:
        if (type == BRIDGE_OPTION_FLAG) {
            *(int *) to = config_setting_get_bool(setting);
            return NULL;
        }

        break;

    case CONFIG_TYPE_INT:
        if (type == BRIDGE_OPTION_NUMBER || time) {
            return bridge_option_number(option, to,
                                    (int64_t) config_setting_get_int(setting)
                                    * (time ? 1000 : 1));
        }

        break;
    }

    return bridge_format("must be %s", type == BRIDGE_OPTION_FLAG
                         ? "true or false, without quotes"
                         : type == BRIDGE_OPTION_NUMBER
                         ? "a whole number, without quotes"
                         : time ? BRIDGE_OPTION_TIMES : "a text in quotes");
}


static char *
bridge_option_text(const bridge_option_t *option, void *to, const char *text)
{
    int      i;
    int64_t  n;

    switch (option->type) {

    case BRIDGE_OPTION_TEXT:
        bridge_option_replace(to, text);
        return NULL;

    case BRIDGE_OPTION_SECRET:
        if (*(char **) to) {
            return bridge_string(BRIDGE_OPTION_TWICE);
        }

        bridge_option_replace(to, text);
        return NULL;

    case BRIDGE_OPTION_SECRET_FILE:
        if (*(char **) to) {
            return bridge_string(BRIDGE_OPTION_TWICE);
        }

        return bridge_option_secret_file(to, text);

    case BRIDGE_OPTION_CHOICE:
        for (i = 0; option->choices[i]; i++) {
            if (strcmp(option->choices[i], text) == 0) {
                *(int *) to = i;
                return NULL;
            }
        }

        return bridge_option_choices(option, text);

    case BRIDGE_OPTION_TIME:
    case BRIDGE_OPTION_MSEC:
        if (bridge_option_time(text, &n) != 0) {
            return bridge_format("is \"%s\", but must be %s", text,
                                 BRIDGE_OPTION_TIMES);
        }

        return bridge_option_number(option, to, n);

    default:
        /* the default of a number or a flag */
        return bridge_option_number(option, to, atoll(text));
    }
}


static char *
bridge_option_choices(const bridge_option_t *option, const char *text)
{
    int    i;
    char  *list, *longer;

    list = bridge_format("is \"%s\", but must be", text);

    for (i = 0; option->choices[i]; i++) {
        longer = bridge_format("%s%s \"%s\"", list, i ? " or" : "",
                               option->choices[i]);
        free(list);
        list = longer;
    }

    return list;
}


static char *
bridge_option_secret_file(char **to, const char *file)
{
    char   line[BRIDGE_OPTION_SECRET_MAX], *error;
    FILE  *fh;

    fh = fopen(file, "re");
    if (fh == NULL) {
        return bridge_format("cannot read \"%s\": %s", file, strerror(errno));
    }

    setvbuf(fh, NULL, _IONBF, 0);
    error = NULL;

    if (fgets(line, sizeof(line), fh) && strcspn(line, "\r\n")) {
        line[strcspn(line, "\r\n")] = '\0';
        bridge_option_replace(to, line);

    } else {
        error = bridge_format("\"%s\" has an empty first line", file);
    }

    explicit_bzero(line, sizeof(line));
    fclose(fh);

    return error;
}


static char *
bridge_option_number(const bridge_option_t *option, void *to, int64_t n)
{
    const char  *unit;

    if (option->type == BRIDGE_OPTION_FLAG) {
        *(int *) to = n != 0;
        return NULL;
    }

    if (n < option->min || n > option->max) {
        unit = bridge_option_is_time(option) ? "ms" : "";

        return bridge_format("must be between %lld%s and %lld%s",
                             (long long) option->min, unit,
                             (long long) option->max, unit);
    }

    if (option->type == BRIDGE_OPTION_TIME) {
        *(bridge_msec_t *) to = n;

    } else {
        *(uint32_t *) to = n;           /* or an int that is not negative */
    }

    return NULL;
}


static int
bridge_option_time(const char *text, int64_t *msec)
{
    int    i;
    char  *end;

    static const struct {
        const char  *name;
        int64_t      msec;
    } units[] = {
        { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
        { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 }
    };

    if (!isdigit((unsigned char) *text)) {
        return -1;
    }

    *msec = strtol(text, &end, 10);

    if (*msec > 1000000000) {
        return -1;
    }

    for (i = 0; units[i].name; i++) {
        if (strcmp(units[i].name, end) == 0) {
            *msec *= units[i].msec;
            return 0;
        }
    }

    return -1;
}


static void
bridge_option_replace(char **to, const char *text)
{
    char  *new;

    new = bridge_string(text);

    if (*to) {
        bridge_wipe_free(*to, strlen(*to));
    }

    *to = new;
}
