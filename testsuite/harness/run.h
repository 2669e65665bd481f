/* What the files of the harness share. */
#ifndef SPEC_HARNESS_RUN_H
#define SPEC_HARNESS_RUN_H

#include "spec_abi.h"
#include <stdbool.h>
#include <stddef.h>

/* Ends the program with status 2 and a message. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* allocations.c: how often the heap or the system was asked for memory while `counting` was true. */
void count_allocations(bool counting);
unsigned long allocations(void);

/* buffer.c */
typedef struct buffer {
  char name[32];
  unsigned char *data;
  size_t bytes;
  /* Private: the pages around the data. */
  unsigned char *pages;
  size_t page_bytes;
  bool written, guarded;
} buffer;

/* Memory of `bytes` bytes at a multiple of `align`. Guarded: between pages that cannot be accessed, the end as close to the second
   as `align` allows, the rest of the data's pages filled with canaries. */
void buffer_make(buffer *b, size_t bytes, size_t align, bool guarded, bool huge);
/* Guarded buffers that are not written become read-only. */
void buffer_protect(buffer *b);
/* Ends the program with status 3 if a canary of a guarded buffer is dead. */
void buffer_check(const buffer *b);
/* From now on, a violation ends the program with status 3 and names the buffer. */
void buffers_watch(const buffer *buffers, size_t count);

/* pool.c: threads - 1 workers; returns NULL for one thread. */
const spec_pool *pool_start(int threads);
void pool_stop(void);

#endif
