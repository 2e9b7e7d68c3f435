
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Addresses of Redis in configurations.
 */


#include <stdlib.h>

#include "pimap_redis_url.h"
#include "tap.h"


#define MANY  "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
#define LONG  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


static const struct {
    const char  *text;
    const char  *is;            /* type, tls, hosts, user, password, master,
                                   db, path, text */
} good[] = {
    { "redis://h", "0 0 h:6379 - - - - - redis://h:6379" },
    { "redis://h:1/2", "0 0 h:1 - - - 2 - redis://h:1" },
    { "redis://h/", "0 0 h:6379 - - - - - redis://h:6379" },
    { "rediss://u:p@h", "0 1 h:6379 u p - - - rediss://h:6379" },
    { "redis://:p@h", "0 0 h:6379 - p - - - redis://h:6379" },
    { "redis://u@h", "0 0 h:6379 u - - - - redis://h:6379" },
    { "redis://u:p:q@r@h", "0 0 h:6379 u p:q@r - - - redis://h:6379" },
    { "redis://%75:%40%2F%25@h", "0 0 h:6379 u @/% - - - redis://h:6379" },
    { "redis://[::1]:7", "0 0 ::1:7 - - - - - redis://[::1]:7" },
    { "redis://[fe80::1%eth0]",
      "0 0 fe80::1%eth0:6379 - - - - - redis://[fe80::1%eth0]:6379" },
    { "redis://m\303\274", "0 0 m\303\274:6379 - - - - - "
      "redis://m\303\274:6379" },
    { "unix:/run/redis.sock", "1 0 - - - - /run/redis.sock "
      "unix:/run/redis.sock" },
    { "sentinel://a,b:1,[::1]:2/mymaster",
      "2 0 a:26379,b:1,::1:2 - - mymaster - - "
      "sentinel://a,b:1,[::1]:2/mymaster" },
    { "sentinels://u:p@a/m/5", "2 1 a:26379 u p m 5 - sentinels://a/m" },
    { "cluster://a:1,b", "3 0 a:1,b:6379 - - - - - cluster://a:1,b" },
    { "clusters://u:p@a/", "3 1 a:6379 u p - - - clusters://a" },
    { "cluster://" MANY MANY MANY "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,z", NULL },
};


static const struct {
    const char  *text;
    const char  *why;
} bad[] = {
    { "", "must be redis://host:port, " },
    { "redis://", "must be redis://host:port, " },
    { "unix:", "must be redis://host:port, " },
    { "http://h", "must be redis://host:port, " },
    { "redis//h", "must be redis://host:port, " },
    { "unix:redis.sock", "must have an absolute path after" },
    { "unix:/a password=b", "has an odd character in its path, " },
    { "redis://u:secret@", "has no host" },
    { "redis://:6379", "has no host" },
    { "redis:///1", "has no host" },
    { "redis://h:", "has an invalid port" },
    { "redis://h:0", "has an invalid port" },
    { "redis://h:65536", "has an invalid port" },
    { "redis://h:1x", "has an invalid port" },
    { "redis://[::1", "has an invalid host" },
    { "redis://[]", "has an invalid host" },
    { "redis://[a]b", "has an invalid host" },
    { "redis://" LONG LONG LONG LONG LONG, "has an invalid host" },
    { "redis://h password=b", "has an odd character in its host, " },
    { "redis://a,b", "has several hosts" },
    { "redis://u:%@h", "has an invalid user or password" },
    { "redis://u:%4@h", "has an invalid user or password" },
    { "redis://%g1:p@h", "has an invalid user or password" },
    { "redis://u:%00@h", "has an invalid user or password" },
    { "sentinel://h", "has no name of a master" },
    { "sentinel://h/", "has no name of a master" },
    { "sentinel://h//1", "has no name of a master" },
    { "sentinel://h/m m", "has an odd character in the name of the master" },
    { "sentinel://a,,b/m", "has a sentinel without a host" },
    { "sentinel://a,/m", "has a sentinel without a host" },
    { "cluster://a,", "has a node without a host" },
    { "cluster://,a", "has a node without a host" },
    { "cluster://a/0", "has a path, but a cluster has one database only" },
    { "cluster://" MANY MANY MANY MANY "a", "has more than 64 hosts" },
};


static const char *
parse(pimap_redis_url_t *url, const char *text)
{
    char        *copy;
    size_t       len;
    const char  *why;

    len = strlen(text);
    copy = malloc(len ? len : 1);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, text, len);
    why = pimap_redis_url_parse(url, copy, len);
    free(copy);

    return why;
}


static void
describe(const pimap_redis_url_t *url, char *to)
{
    size_t       i;
    const char  *texts[] = { url->user, url->password, url->master, url->db,
                             url->path, url->text };

    to += sprintf(to, "%d %d", url->type, url->tls);

    for (i = 0; i < url->nhosts; i++) {
        to += sprintf(to, "%c%s:%u", i ? ',' : ' ', url->hosts[i].name,
                      url->hosts[i].port);
    }

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        to += sprintf(to, " %s", texts[i] ? texts[i] : "-");
    }
}


int
main(void)
{
    char                buf[1024];
    size_t              i;
    const char         *why;
    pimap_redis_url_t   url;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        why = parse(&url, good[i].text);
        tap_is_str(why, NULL, good[i].text);

        if (good[i].is) {
            describe(&url, buf);
            tap_is_str(buf, good[i].is, "its parts");
        }

        pimap_redis_url_free(&url);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why = parse(&url, bad[i].text);
        tap_is_mem(why, why ? strnlen(why, strlen(bad[i].why)) : 0,
                   bad[i].why, bad[i].text);
        pimap_redis_url_free(&url);
    }

    return tap_done();
}
