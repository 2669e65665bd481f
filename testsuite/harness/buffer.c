/* Buffers whose surroundings tell on code that leaves them. */
#define _GNU_SOURCE
#include "run.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CANARY = 0xc5, HUGE = 2 << 20 };

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static size_t up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

static unsigned char *map(const buffer *b, size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) fail("no memory for the %zu bytes of %s", bytes, b->name);
  return p;
}

void buffer_make(buffer *b, size_t bytes, size_t align, bool guarded, bool huge) {
  b->bytes = bytes;
  b->guarded = guarded;
  if (!guarded) {
    size_t start = huge ? HUGE : page();
    unsigned char *p = map(b, up(bytes + 1, start) + start);
    b->data = (unsigned char *)up((uintptr_t)p, start);
    if (huge) madvise(b->data, up(bytes + 1, start), MADV_HUGEPAGE);
    return;
  }
  b->page_bytes = up(bytes + 1, page());
  unsigned char *p = map(b, b->page_bytes + 2 * page());
  b->pages = p + page();
  mprotect(p, page(), PROT_NONE);
  mprotect(b->pages + b->page_bytes, page(), PROT_NONE);
  memset(b->pages, CANARY, b->page_bytes);
  b->data = b->pages + b->page_bytes - up(bytes, align);
}

void buffer_protect(buffer *b) {
  if (b->guarded && !b->written) mprotect(b->pages, b->page_bytes, PROT_READ);
}

void buffer_check(const buffer *b) {
  if (!b->guarded) return;
  for (size_t i = 0; i < b->page_bytes; i++) {
    const unsigned char *at = b->pages + i;
    if (at == b->data) i += b->bytes, at += b->bytes;
    if (i < b->page_bytes && *at != CANARY) {
      fprintf(stderr, "guard: %s: byte %td was written (the buffer has %zu)\n", b->name, at - b->data, b->bytes);
      _exit(3);
    }
  }
}

static const buffer *watched;
static size_t watched_count;

static void violation(int signal, siginfo_t *info, void *context) {
  (void)context;
  const unsigned char *at = info->si_addr;
  char line[160];
  int n = snprintf(line, sizeof line, "guard: signal %d at address %p, near no buffer\n", signal, info->si_addr);
  for (size_t i = 0; i < watched_count; i++) {
    const buffer *b = &watched[i];
    if (!b->guarded || at < b->pages - page() || at >= b->pages + b->page_bytes + page()) continue;
    bool inside = at >= b->data && at < b->data + b->bytes;
    n = snprintf(line, sizeof line, "guard: %s: byte %td was %s (the buffer has %zu)\n", b->name, at - b->data,
                 inside ? "written, but it is only read" : "accessed", b->bytes);
  }
  if (write(2, line, (size_t)n) < 0) _exit(4);
  _exit(3);
}

void buffers_watch(const buffer *buffers, size_t count) {
  watched = buffers;
  watched_count = count;
  struct sigaction action = {.sa_sigaction = violation, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
}
