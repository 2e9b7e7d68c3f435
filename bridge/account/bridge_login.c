
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a credential, with a reference count.  Its bytes are wiped when the
 * last user lets go.
 */


#include "bridge_auth.h"

#include <stdlib.h>

#include <openssl/crypto.h>


bridge_login_t *
bridge_login_create(const char *user, const char *secret, size_t len,
    int bearer)
{
    bridge_login_t  *login;

    login = bridge_alloc(sizeof(bridge_login_t) + len);

    login->refs = 1;
    login->bearer = bearer != 0;
    login->user = bridge_login_name(user);
    login->len = len;

    memcpy(login->secret, secret, len);

    return login;
}


char *
bridge_login_name(const char *user)
{
    return bridge_config->auth.lowercase ? g_ascii_strdown(user, -1)
                                         : bridge_string(user);
}


bridge_login_t *
bridge_login_hold(bridge_login_t *login)
{
    login->refs++;

    return login;
}


void
bridge_login_release(bridge_login_t **to)
{
    bridge_login_t  *login;

    login = *to;
    *to = NULL;

    if (login == NULL || --login->refs) {
        return;
    }

    free(login->user);
    bridge_wipe_free(login, sizeof(bridge_login_t) + login->len);
}


int
bridge_login_equal(const bridge_login_t *a, const bridge_login_t *b)
{
    return a && b
           && a->bearer == b->bearer && a->len == b->len
           && strcmp(a->user, b->user) == 0
           && CRYPTO_memcmp(a->secret, b->secret, a->len) == 0;
}


int
bridge_login_for(imap_login_t *to, char **name, bridge_server_t *server,
    const char *account, const bridge_login_t *login)
{
    memset(to, 0, sizeof(imap_login_t));
    *name = NULL;

    if (login) {
        to->user = login->user;
        to->secret = login->secret;
        to->bearer = login->bearer;

        return 0;
    }

    if (server->master_user == NULL) {
        return -1;
    }

    to->secret = server->master_password;

    if (server->master_separator) {
        *name = bridge_format("%s%s%s", account, server->master_separator,
                              server->master_user);
        to->user = *name;

    } else {
        to->user = server->master_user;
        to->authzid = account;
    }

    return 0;
}
