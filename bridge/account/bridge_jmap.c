
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the JMAP StateChange (RFC 8620, 7.1) for events that are published
 * together.  Called by bridge_publish.c.  Invariant: its states are new ones,
 * which no JMAP server has given, so that a client asks its server.
 */


#include "bridge_supervisor.h"
#include "pimap_types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>


#define BRIDGE_JMAP_STATE_MAX  32


static uint32_t bridge_jmap_types(json_t *events);


json_t *
bridge_jmap_state_change(const char *account, json_t *events)
{
    char         state[BRIDGE_JMAP_STATE_MAX];
    json_t      *states;
    uint32_t     types;
    unsigned     n;
    const char  *name;

    types = bridge_jmap_types(events);

    if (types == 0) {
        return NULL;
    }

    snprintf(state, sizeof(state), "pimap-%" PRIx64,
             (uint64_t) g_get_real_time());

    states = json_object();

    for (n = 0; (name = pimap_type_name(n)); n++) {

        if (types & (1u << n)) {
            json_object_set_new(states, name, json_string(state));
        }
    }

    return json_pack("{s:s,s:{s:o}}", "@type", "StateChange", "changed",
                     account, states);
}


static uint32_t
bridge_jmap_types(json_t *events)
{
    size_t       i;
    json_t      *event;
    uint32_t     types;
    const char  *name;

    types = 0;

    json_array_foreach(events, i, event) {
        name = json_string_value(json_object_get(event, "event"));
        types |= pimap_types_of_event(name, strlen(name));
    }

    return types;
}
