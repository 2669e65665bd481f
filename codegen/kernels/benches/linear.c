// Times KERNEL over weights that rotate through a buffer larger than the caches, every other copy; the copies between are read by a stream, so that
// noise meets both.
// Usage: linear WEIGHT_BYTES SCALE_BYTES X_BYTES Y_BYTES UNITS MEGABYTES REPEATS; prints medians: seconds of a call,
// seconds of a read, their ratio within a pass; and the least seconds of a call.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

void KERNEL(void *const *args, int64_t lo, int64_t hi);

typedef uint64_t Line __attribute__((vector_size(64)));

// Time on the core: other programs may share it.
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static uint8_t *huge(size_t bytes) {
  size_t align = 2 << 20;
  uint8_t *p = mmap(0, bytes + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(1);
  p = (uint8_t *)(((uintptr_t)p + align - 1) / align * align);
  madvise(p, bytes, MADV_HUGEPAGE);
  memset(p, 0x11, bytes); // small normal numbers in every format
  return p;
}

static uint64_t stream(const uint8_t *p, size_t bytes) {
  const Line *v = (const Line *)p;
  Line a = {0}, b = a, c = a, d = a;
  for (size_t i = 0; i + 4 <= bytes / 64; i += 4) a ^= v[i], b ^= v[i + 1], c ^= v[i + 2], d ^= v[i + 3];
  a ^= b ^ c ^ d;
  return a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] ^ a[5] ^ a[6] ^ a[7];
}

static int order(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double least(const double *v, int n) {
  double m = v[0];
  for (int i = 1; i < n; i++) m = v[i] < m ? v[i] : m;
  return m;
}

static double median(double *v, int n) {
  qsort(v, n, sizeof *v, order);
  return v[n / 2];
}

int main(int argc, char **argv) {
  if (argc != 8) return 1;
  size_t w = atoll(argv[1]), s = atoll(argv[2]), total = atoll(argv[6]) << 20, copy = w + s;
  int64_t units = atoll(argv[5]);
  int repeats = atoi(argv[7]);
  size_t copies = (total + copy - 1) / copy;
  uint8_t *buffer = huge(copies * copy), *x = huge(atoll(argv[3])), *y = huge(atoll(argv[4]));
  double *kernel = calloc(repeats, sizeof *kernel), *read = calloc(repeats, sizeof *read), *ratio = calloc(repeats, sizeof *ratio);
  volatile uint64_t sink = 0;
  for (int r = -1; r < repeats; r++) {
    double times[2] = {0, 0};
    int counts[2] = {0, 0};
    for (size_t i = 0; i < copies; i++) {
      int which = (i + r + 1) & 1; // the next pass reads what this one multiplied
      uint8_t *at = buffer + i * copy;
      void *args[] = {x, at, s ? at + w : y, y};
      double start = now();
      if (which) KERNEL(args, 0, units);
      else sink ^= stream(at, copy);
      times[which] += now() - start;
      counts[which]++;
    }
    if (r < 0) continue;
    kernel[r] = times[1] / counts[1], read[r] = times[0] / counts[0];
    ratio[r] = kernel[r] / read[r];
  }
  double best = least(kernel, repeats);
  printf("%.9g %.9g %.9g %.9g\n", median(kernel, repeats), median(read, repeats), median(ratio, repeats), best);
  return 0;
}
