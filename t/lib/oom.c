
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the failure of chosen allocations in a program of a test.  Loaded by
 * LD_PRELOAD.  Invariant: all processes share the file that OOM_FILE names, in
 * which the test says what fails.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>


typedef struct {
    uint32_t    count;                  /* so many fail, ... */
    uint32_t    skip;                   /* ... after so many that succeed */
    uint32_t    size;                   /* only of this size; 0: any */
    uint32_t    failed;                 /* so far */
    char        caller[40];             /* in a file whose path has this, */
    uint32_t    from;                   /* from this offset in it ... */
    uint32_t    to;                     /* ... to that; 0: to its end */
} oom_t;


void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);


static oom_t  *oom;


__attribute__((constructor)) static void
oom_begin(void)
{
    int          fd;
    void        *p;
    const char  *file;

    file = getenv("OOM_FILE");
    fd = file ? open(file, O_RDWR|O_CLOEXEC) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, sizeof(oom_t), PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        oom = p;
    }

    close(fd);
}


static int
oom_fails(void *caller, size_t size)
{
    size_t   at;
    Dl_info  info;

    if (oom == NULL || oom->count == 0 || (oom->size && oom->size != size)
        || dladdr(caller, &info) == 0
        || strstr(info.dli_fname, oom->caller) == NULL)
    {
        return 0;
    }

    at = (char *) caller - (char *) info.dli_fbase;

    if (at < oom->from || (oom->to && at >= oom->to)) {
        return 0;
    }

    if (oom->skip) {
        oom->skip--;
        return 0;
    }

    oom->count--;
    oom->failed++;

    errno = ENOMEM;

    return 1;
}


void *
malloc(size_t size)
{
    return oom_fails(__builtin_return_address(0), size)
           ? NULL : __libc_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    return oom_fails(__builtin_return_address(0), n * size)
           ? NULL : __libc_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    return oom_fails(__builtin_return_address(0), size)
           ? NULL : __libc_realloc(p, size);
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    if (oom_fails(__builtin_return_address(0), size)) {
        return ENOMEM;
    }

    *p = __libc_memalign(alignment, size);

    return *p ? 0 : ENOMEM;
}


/* Only if the test names its size: no test counts mappings otherwise. */

void *
mmap(void *p, size_t size, int prot, int flags, int fd, off_t offset)
{
    if (oom && oom->size && oom_fails(__builtin_return_address(0), size)) {
        return MAP_FAILED;
    }

    return (void *) syscall(SYS_mmap, p, size, prot, flags, fd, offset);
}
