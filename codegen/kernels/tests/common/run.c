// Runs one kernel over buffers in files. Usage: run PLAN; the plan is text:
//   slots N, then per slot: "scalar VALUE" or "buffer BYTES FILE" (read before, written back after)
//   ranges N, then per range: "LO HI"
// Buffers end at an inaccessible page and start right behind bytes that are checked afterwards: a write before the
// start or any access past the end is caught. KERNEL is defined on the command line.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void KERNEL(void *const *args, int64_t lo, int64_t hi);

enum { GUARD = 4096, MAX_SLOTS = 16, MARK = 0xA5 };

static void die(const char *what) {
  fprintf(stderr, "run: %s\n", what);
  exit(1);
}

static uint8_t *buffer(size_t bytes, uint8_t **front) {
  size_t pages = (bytes + GUARD - 1) / GUARD * GUARD + GUARD;
  uint8_t *base = mmap(0, pages + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || mprotect(base + pages, GUARD, PROT_NONE)) die("no memory");
  memset(base, MARK, pages);
  *front = base;
  return base + pages - bytes;
}

int main(int argc, char **argv) {
  FILE *plan = argc == 2 ? fopen(argv[1], "r") : 0;
  int slots, ranges;
  void *args[MAX_SLOTS];
  uint8_t *front[MAX_SLOTS];
  size_t bytes[MAX_SLOTS];
  char file[MAX_SLOTS][512], kind[16];
  if (!plan || fscanf(plan, " slots %d", &slots) != 1 || slots > MAX_SLOTS) die("bad plan");
  for (int i = 0; i < slots; i++) {
    long long value;
    if (fscanf(plan, " %15s %lld", kind, &value) != 2) die("bad slot");
    front[i] = 0;
    if (!strcmp(kind, "scalar")) {
      args[i] = (void *)(intptr_t)value;
      continue;
    }
    if (fscanf(plan, " %511s", file[i]) != 1) die("bad slot");
    bytes[i] = value;
    args[i] = buffer(bytes[i], &front[i]);
    FILE *in = fopen(file[i], "rb");
    if (!in || fread(args[i], 1, bytes[i], in) != bytes[i]) die("short buffer file");
    fclose(in);
  }
  if (fscanf(plan, " ranges %d", &ranges) != 1) die("bad ranges");
  for (int i = 0; i < ranges; i++) {
    long long lo, hi;
    if (fscanf(plan, " %lld %lld", &lo, &hi) != 2) die("bad range");
    KERNEL(args, lo, hi);
  }
  for (int i = 0; i < slots; i++) {
    if (!front[i]) continue;
    for (uint8_t *p = front[i]; p < (uint8_t *)args[i]; p++)
      if (*p != MARK) die("a write before the start of a buffer");
    FILE *out = fopen(file[i], "wb");
    if (!out || fwrite(args[i], 1, bytes[i], out) != bytes[i] || fclose(out)) die("cannot write a buffer");
  }
  return 0;
}
