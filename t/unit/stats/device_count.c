
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The table counts each key of each owner exactly, frees the entries again,
 * and returns an error when it is full.  Owners that use it at the same time
 * do not disturb each other.
 */


#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ngx_pimap_device_count.h"
#include "tap.h"


#define WAYS  8


static ngx_pimap_device_count_t *test_create(uint32_t nbuckets);
static uint64_t test_key(unsigned i);
static size_t test_used(ngx_pimap_device_count_t *counts);
static int test_buckets(uint32_t nbuckets, int more);
static void test_sizes(void);
static void test_hash(void);
static void test_count(void);
static void test_owners(void);
static void test_limits(void);
static void test_full(void);
static void test_random(void);
static void test_together(void);
static int test_owner(ngx_pimap_device_count_t *counts, unsigned owner);


int
main(void)
{
    test_sizes();
    test_hash();
    test_count();
    test_owners();
    test_limits();
    test_full();
    test_random();
    test_together();

    return tap_done();
}


static ngx_pimap_device_count_t *
test_create(uint32_t nbuckets)
{
    ngx_pimap_device_count_t  *counts;

    /* of the exact size, so that a sanitizer sees an overrun */

    counts = malloc(ngx_pimap_device_count_size(nbuckets));
    if (counts == NULL) {
        abort();
    }

    ngx_pimap_device_count_init(counts, nbuckets);

    return counts;
}


static uint64_t
test_key(unsigned i)
{
    return ngx_pimap_device_count_hash(1, (unsigned char *) &i, sizeof(i));
}


static size_t
test_used(ngx_pimap_device_count_t *counts)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < (size_t) counts->nbuckets * WAYS; i++) {
        n += counts->entries[i] != 0;
    }

    return n;
}


/* The buckets that fit where "nbuckets" would, or some bytes more or less. */

static int
test_buckets(uint32_t nbuckets, int more)
{
    return ngx_pimap_device_count_buckets(
               ngx_pimap_device_count_size(nbuckets) + more);
}


static void
test_sizes(void)
{
    int     ok;
    size_t  size;

    tap_is_int(ngx_pimap_device_count_buckets(0), 0,
               "no bytes: no buckets");
    tap_is_int(test_buckets(2, -1), 0,
               "one byte less than the smallest table");
    tap_is_int(test_buckets(2, 0), 2,
               "the smallest table");
    tap_is_int(test_buckets(64, -1), 32,
               "one byte less than a larger table");
    tap_is_int(sizeof(ngx_pimap_device_count_entry_t), 8, "8 bytes an entry");

    ok = 1;

    for (size = ngx_pimap_device_count_size(2); size < 100000; size += 37) {
        ok &= ngx_pimap_device_count_size(
                  ngx_pimap_device_count_buckets(size)) <= size;
    }

    tap_ok(ok, "a table fits into its memory");
}


static void
test_hash(void)
{
    unsigned char  bytes[15];
    unsigned       i;

    static const unsigned char  a[] = "alice";

    /* the secret and the message of the paper on SipHash, appendix A */

    static const uint64_t  none[2];
    static const uint64_t  secret[2] = { 0x0706050403020100ULL,
                                         0x0f0e0d0c0b0a0908ULL };

    for (i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char) i;
    }

    ngx_pimap_device_count_secret(secret);

    tap_ok(ngx_pimap_device_count_hash(0, bytes, sizeof(bytes))
           == 0xa129ca6149be45e5ULL, "the test vector of SipHash");

    ngx_pimap_device_count_secret(none);

    tap_ok(ngx_pimap_device_count_hash(0, bytes, sizeof(bytes))
           != 0xa129ca6149be45e5ULL, "another secret, another hash");

    tap_ok(ngx_pimap_device_count_hash(1, a,
                                       5) == ngx_pimap_device_count_hash(1, a,
                                                                         5),
           "the same key, the same hash");
    tap_ok(ngx_pimap_device_count_hash(1, a,
                                       5) != ngx_pimap_device_count_hash(2, a,
                                                                         5),
           "another kind, another hash");
    tap_ok(ngx_pimap_device_count_hash(1, a,
                                       5) != ngx_pimap_device_count_hash(1, a,
                                                                         4),
           "a shorter key, another hash");
    tap_ok(ngx_pimap_device_count_hash(1, a,
                                       0) != ngx_pimap_device_count_hash(2, a,
                                                                         0),
           "an empty key, another hash");
}


static void
test_count(void)
{
    ngx_pimap_device_count_t  *counts;

    counts = test_create(2);

    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 0, "an empty table: 0");
    ngx_pimap_device_count_sub(counts, 5, 0);
    tap_is_int(test_used(counts), 0, "a key not added can't be removed");

    ngx_pimap_device_count_add(counts, 5, 0);
    ngx_pimap_device_count_add(counts, 5, 0);
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 2, "two");
    tap_is_int(test_used(counts), 1, "a key counted twice: one entry");
    tap_is_int(ngx_pimap_device_count_sum(counts, 6), 0, "another key: 0");

    ngx_pimap_device_count_sub(counts, 5, 1);
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 2, "of another owner");
    ngx_pimap_device_count_sub(counts, 5, 0);
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 1, "one");
    ngx_pimap_device_count_sub(counts, 5, 0);
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 0, "none");
    tap_is_int(test_used(counts), 0, "no count left: the entry is free");

    /* its lower half would mean a free entry */

    ngx_pimap_device_count_add(counts, 7ULL << 32, 0);
    tap_is_int(ngx_pimap_device_count_sum(counts, 7ULL << 32), 1,
               "a hash of zeros is counted");
    tap_is_int(test_used(counts), 1, "a hash of zeros has an entry");

    free(counts);
}


static void
test_owners(void)
{
    ngx_pimap_device_count_t  *counts;

    counts = test_create(4);

    ngx_pimap_device_count_add(counts, 5, 0);
    ngx_pimap_device_count_add(counts, 5, 1);
    ngx_pimap_device_count_add(counts, 5, 255);
    ngx_pimap_device_count_add(counts, 6, 1);
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 3,
               "the sum over all owners");

    ngx_pimap_device_count_forget(counts, 1);
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 2,
               "an owner removed: the sum of the others");
    tap_is_int(ngx_pimap_device_count_sum(counts, 6), 0,
               "an owner removed: its other keys too");
    tap_is_int(test_used(counts), 2, "an owner removed: its entries are free");

    ngx_pimap_device_count_forget(counts, 0);
    ngx_pimap_device_count_forget(counts, 255);
    tap_is_int(test_used(counts), 0, "all owners removed: no entries");

    free(counts);
}


static void
test_limits(void)
{
    int                        i, ok;
    ngx_pimap_device_count_t  *counts;

    counts = test_create(2);
    ok = 1;

    for (i = 0; i < 65535; i++) {
        ok &= ngx_pimap_device_count_add(counts, 5, 0) == 0;
    }

    tap_ok(ok, "an entry counts to 65535");
    tap_is_int(ngx_pimap_device_count_add(counts, 5, 0), 0,
               "one more: counted in a second entry");
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 65536,
               "the count does not wrap");

    tap_is_int(ngx_pimap_device_count_add(counts, 5, 1), 0,
               "another owner: counted");
    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 65537,
               "the sum exceeds 65535");

    for (i = 0; i < 65536; i++) {
        ngx_pimap_device_count_sub(counts, 5, 0);
    }

    tap_is_int(ngx_pimap_device_count_sum(counts, 5), 1,
               "all of one owner removed: the other one's is left");
    tap_is_int(test_used(counts), 1, "and its entry");

    free(counts);
}


static void
test_full(void)
{
    int                        ok;
    unsigned                   i, n;
    ngx_pimap_device_count_t  *counts;

    /* both buckets of any key, so that every entry can be taken */

    counts = test_create(2);

    for (i = 0; ngx_pimap_device_count_add(counts, test_key(i), 0) == 0; i++) {
        /* void */
    }

    tap_is_int(i, 2 * WAYS, "every entry is taken");
    tap_is_int(ngx_pimap_device_count_sum(counts, test_key(i)), 0,
               "a refused key has no count");
    tap_is_int(ngx_pimap_device_count_add(counts, test_key(0), 0), 0,
               "a key with an entry is counted");

    ngx_pimap_device_count_sub(counts, test_key(1), 0);
    tap_is_int(ngx_pimap_device_count_add(counts, test_key(i), 0), 0,
               "a freed entry is used again");
    free(counts);

    counts = test_create(1024);
    n = 1024 * WAYS * 7 / 10;

    for (i = 0; i < n; i++) {
        if (ngx_pimap_device_count_add(counts, test_key(i), i % 256) != 0) {
            break;
        }
    }

    tap_is_int(i, n, "0.7 of a larger table is usable");

    ok = 1;

    for (i = 0; i < n; i++) {
        ok &= ngx_pimap_device_count_sum(counts, test_key(i)) == 1;
    }

    tap_ok(ok, "each key is counted");

    for (i = 0; i < n; i++) {
        ngx_pimap_device_count_sub(counts, test_key(i), i % 256);
    }

    tap_is_int(test_used(counts), 0, "all removed: no entries");
    free(counts);
}


/* Compares random operations with an array. */

static void
test_random(void)
{
    int                        ok;
    unsigned                   i, k, o, sum, count[100][4];
    ngx_pimap_device_count_t  *counts;

    memset(count, 0, sizeof(count));
    counts = test_create(128);
    ok = 1;
    srand(1);

    for (i = 0; i < 100000; i++) {
        k = rand() % 100;
        o = rand() % 4;

        if (rand() % 1000 == 0) {
            ngx_pimap_device_count_forget(counts, o);

            for (k = 0; k < 100; k++) {
                count[k][o] = 0;
            }

        } else if (rand() % 2) {
            ok &= ngx_pimap_device_count_add(counts, test_key(k), o) == 0;
            count[k][o]++;

        } else if (count[k][o]) {
            ngx_pimap_device_count_sub(counts, test_key(k), o);
            count[k][o]--;
        }

        k = rand() % 100;
        sum = count[k][0] + count[k][1] + count[k][2] + count[k][3];
        ok &= ngx_pimap_device_count_sum(counts, test_key(k)) == sum;
    }

    tap_ok(ok, "random operations: the same as an array");
    free(counts);
}


/* Processes that take and free the entries of the same few buckets. */

static void
test_together(void)
{
    int                        ok, status;
    size_t                     size;
    pid_t                      pid;
    unsigned                   o;
    ngx_pimap_device_count_t  *counts;

    size = ngx_pimap_device_count_size(4);
    counts = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);
    if (counts == MAP_FAILED) {
        abort();
    }

    ngx_pimap_device_count_init(counts, 4);

    for (o = 0; o < 4; o++) {
        pid = fork();

        if (pid == 0) {
            _exit(test_owner(counts, o));
        }

        if (pid == -1) {
            abort();
        }
    }

    ok = 1;

    while (wait(&status) > 0) {
        ok &= status == 0;
    }

    tap_ok(ok, "four processes at the same time: each finds its counts");
    tap_is_int(test_used(counts), 0, "and they leave no entries");

    munmap(counts, size);
}


/* Returns 0 if it has exactly what it added, all the time. */

static int
test_owner(ngx_pimap_device_count_t *counts, unsigned owner)
{
    unsigned  i, k;

    for (i = 0; i < 200000; i++) {

        for (k = 0; k < 3; k++) {
            if (ngx_pimap_device_count_add(counts, test_key(owner * 3 + k),
                                           owner) != 0)
            {
                return 1;
            }
        }

        for (k = 0; k < 3; k++) {
            if (ngx_pimap_device_count_sum(counts, test_key(owner * 3 + k))
                != 1)
            {
                return 2;
            }

            ngx_pimap_device_count_sub(counts, test_key(owner * 3 + k), owner);
        }
    }

    return 0;
}
