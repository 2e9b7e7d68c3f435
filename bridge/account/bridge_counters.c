
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "bridge_counters.h"


bridge_counters_t  bridge_counters;
