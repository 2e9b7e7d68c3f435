
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what a request says of a login: its name, its secret, and the client
 * that has sent it to nginx.  Called by bridge_http.c.
 */


#include "bridge_http.h"
#include "pimap_account.h"

#include <stdlib.h>
#include <sys/socket.h>

#include <event2/bufferevent.h>

#include <openssl/evp.h>


#define BRIDGE_HTTP_MAX_SECRET  8192


static void bridge_http_client(struct evhttp_request *r,
    bridge_address_t *client);
static bridge_login_t *bridge_http_basic(const char *text);
static bridge_login_t *bridge_http_bearer(const char *user, const char *token);
static int bridge_http_is_user(const char *user, size_t len);


bridge_login_t *
bridge_http_login(struct evhttp_request *r)
{
    const char        *text, *user;
    bridge_login_t    *login;
    struct evkeyvalq  *headers;

    headers = evhttp_request_get_input_headers(r);
    text = evhttp_find_header(headers, "Authorization");

    if (text == NULL) {
        return NULL;
    }

    user = evhttp_find_header(headers, "X-Pimap-User");
    login = NULL;

    if (evutil_ascii_strncasecmp(text, "Basic ", 6) == 0) {
        login = bridge_http_basic(text + 6);

    } else if (user && evutil_ascii_strncasecmp(text, "Bearer ", 7) == 0) {
        login = bridge_http_bearer(user, text + 7);
    }

    /* the request keeps its header until it ends */

    explicit_bzero((char *) text, strlen(text));

    if (login) {
        bridge_http_client(r, &login->client);
    }

    return login;
}


/*
 * Only nginx may say for whom it asks.  A header of any other host is not
 * believed, and its own address counts.
 */

static void
bridge_http_client(struct evhttp_request *r, bridge_address_t *client)
{
    socklen_t                 len;
    const char               *text;
    bridge_auth_conf_t       *conf;
    struct bufferevent       *connection;
    struct sockaddr_storage   sa;

    static int  warned;

    conf = &bridge_config->auth;
    connection = evhttp_connection_get_bufferevent(
                                           evhttp_request_get_connection(r));
    len = sizeof(sa);

    if (getpeername(bufferevent_getfd(connection), (struct sockaddr *) &sa,
                    &len)
        != 0)
    {
        return;
    }

    bridge_address_peer(client, (struct sockaddr *) &sa);

    if (sa.ss_family != AF_UNIX
        && !bridge_networks_have(conf->networks, conf->nnetworks, client))
    {
        return;
    }

    text = evhttp_find_header(evhttp_request_get_input_headers(r),
                              "X-Real-IP");
    bridge_address_read(client, text ? text : "");

    if (!client->known && !warned) {
        warned = 1;
        bridge_log(BRIDGE_LOG_WARN, "a login came without an address in "
                   "X-Real-IP, so strangers can't be told "
                   "from users: add \"proxy_set_header X-Real-IP "
                   "$remote_addr\" in nginx");
    }
}


static bridge_login_t *
bridge_http_basic(const char *text)
{
    int              n;
    char            *secret;
    size_t           len;
    unsigned char   *clear;
    bridge_login_t  *login;

    text += strspn(text, " ");
    len = strlen(text);

    if (len == 0 || len % 4 || len > BRIDGE_HTTP_MAX_SECRET) {
        return NULL;
    }

    clear = bridge_alloc(len);
    login = NULL;

    n = EVP_DecodeBlock(clear, (const unsigned char *) text, len);

    n -= text[len - 1] == '=';
    n -= text[len - 2] == '=';

    if (n > 0 && memchr(clear, '\0', n) == NULL) {
        clear[n] = '\0';
        secret = strchr((char *) clear, ':');

        if (secret && bridge_http_is_user((char *) clear,
                                          secret - (char *) clear))
        {
            *secret++ = '\0';

            if (*secret) {
                login = bridge_login_create((char *) clear, secret,
                                            strlen(secret), 0);
            }
        }
    }

    bridge_wipe_free(clear, len);

    return login;
}


static bridge_login_t *
bridge_http_bearer(const char *user, const char *token)
{
    size_t  len;

    token += strspn(token, " ");
    len = strlen(token);

    /* RFC 6750, 2.1: b64token */

    if (len == 0 || len > BRIDGE_HTTP_MAX_SECRET
        || token[strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                               "uvwxyz0123456789-._~+/=")]
        || !bridge_http_is_user(user, strlen(user)))
    {
        return NULL;
    }

    return bridge_login_create(user, token, len, 1);
}


/* The name is written into a header, into keys of Redis, and into the log. */

static int
bridge_http_is_user(const char *user, size_t len)
{
    return len <= BRIDGE_ACCOUNT_MAX && memchr(user, ' ', len) == NULL
           && pimap_account_refusal(user, len) == NULL;
}
