
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "pimap_account.h"
#include "pimap_utf8.h"


const char *
pimap_account_refusal(const char *name, size_t len)
{
    int32_t      c;
    const char  *p, *end;

    if (len == 0) {
        return "the account is empty";
    }

    if (*name == '}') {
        return "the account begins with \"}\", which Redis does not allow";
    }

    end = name + len;

    for (p = name; p < end; /* void */ ) {
        c = pimap_utf8_next(&p, end);

        if (c < 0x20 || c == 0x7f) {
            return "the account has control characters or is not UTF-8";
        }
    }

    return NULL;
}
