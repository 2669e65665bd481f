/* Counts calls that get memory. In a dynamic program these definitions take the place of libc's for all libraries; in a static one
   the linker directs calls here (--wrap). libc's own calls from within one object are not seen; model code's are. */
#define _GNU_SOURCE
#include "run.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool on;
static atomic_ulong total;

void count_allocations(bool counting) { atomic_store(&on, counting); }
unsigned long allocations(void) { return atomic_load(&total); }

static void seen(void) {
  if (atomic_load_explicit(&on, memory_order_relaxed)) atomic_fetch_add(&total, 1);
}

#ifdef SPEC_STATIC
#define OURS(name) __wrap_##name
#define THEIRS(name) __real_##name
#else
#define OURS(name) name
#define THEIRS(name) __libc_##name
#endif

void *THEIRS(malloc)(size_t);
void *THEIRS(calloc)(size_t, size_t);
void *THEIRS(realloc)(void *, size_t);
#ifdef SPEC_STATIC
void *THEIRS(aligned_alloc)(size_t, size_t);
int THEIRS(posix_memalign)(void **, size_t, size_t);
#else
void *THEIRS(memalign)(size_t, size_t);
#endif

void *OURS(malloc)(size_t n) { return seen(), THEIRS(malloc)(n); }
void *OURS(calloc)(size_t n, size_t m) { return seen(), THEIRS(calloc)(n, m); }
void *OURS(realloc)(void *p, size_t n) { return seen(), THEIRS(realloc)(p, n); }

#ifdef SPEC_STATIC
void *OURS(aligned_alloc)(size_t align, size_t n) { return seen(), THEIRS(aligned_alloc)(align, n); }
int OURS(posix_memalign)(void **p, size_t align, size_t n) { return seen(), THEIRS(posix_memalign)(p, align, n); }
#else
void *aligned_alloc(size_t align, size_t n) { return seen(), THEIRS(memalign)(align, n); }
int posix_memalign(void **p, size_t align, size_t n) {
  seen();
  *p = THEIRS(memalign)(align, n);
  return *p ? 0 : ENOMEM;
}
#endif

void *OURS(mmap)(void *at, size_t n, int protection, int flags, int file, off_t offset) {
  seen();
  return (void *)syscall(SYS_mmap, at, n, protection, flags, file, offset);
}
