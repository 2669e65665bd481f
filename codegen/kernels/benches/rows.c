// Times KERNEL with some operands that rotate through copies, and for comparison a read of as many bytes and fma alone.
// Usage: rows UNITS MEGABYTES REPEATS (s VALUE | b BYTES ROTATE)...; MEGABYTES of copies of the operands with ROTATE 1 (0: one copy).
// Prints medians: seconds of a call, seconds of a read of the rotating bytes, fma operations (2 flop a lane) per second.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

void KERNEL(void *const *args, int64_t lo, int64_t hi);

typedef uint64_t Line __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(64)));
enum { MAX_SLOTS = 16, MAX_REPEATS = 1001 };

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
  memset(p, 0x3c, bytes); // around 1 in f16, 0.01 in f32 and bf16
  return p;
}

static uint64_t stream(const uint8_t *p, size_t bytes) {
  const Line *v = (const Line *)p;
  Line a = {0}, b = a, c = a, d = a;
  for (size_t i = 0; i + 4 <= bytes / 64; i += 4) a ^= v[i], b ^= v[i + 1], c ^= v[i + 2], d ^= v[i + 3];
  a ^= b ^ c ^ d;
  return a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] ^ a[5] ^ a[6] ^ a[7];
}

static double fma_rate(void) {
  Floats s[10], x = {0}, y = {0};
  memset(s, 0, sizeof s);
  __asm__ volatile("" : "+m"(x), "+m"(y));
  double start = now();
  for (int i = 0; i < 2000000; i++)
    for (int k = 0; k < 10; k++) s[k] = x * y + s[k];
  double time = now() - start;
  volatile float sink = 0;
  for (int k = 0; k < 10; k++) sink += s[k][0];
  return 2000000. * 10 * 32 / time;
}

static int order(const void *a, const void *b) {
  return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double *v, int n) {
  qsort(v, n, sizeof *v, order);
  return v[n / 2];
}

int main(int argc, char **argv) {
  if (argc < 4) return 1;
  int64_t units = atoll(argv[1]), total = atoll(argv[2]) << 20;
  int repeats = atoi(argv[3]), slots = 0;
  if (repeats > MAX_REPEATS) return 1;
  int64_t offset[MAX_SLOTS], rotating = 0;
  void *fixed[MAX_SLOTS];
  for (int i = 4; i < argc && slots < MAX_SLOTS; slots++) {
    offset[slots] = -1;
    if (argv[i][0] == 's') {
      fixed[slots] = (void *)(intptr_t)atoll(argv[i + 1]);
      i += 2;
      continue;
    }
    int64_t bytes = (atoll(argv[i + 1]) + 4095) / 4096 * 4096;
    if (atoi(argv[i + 2])) offset[slots] = rotating, rotating += bytes;
    else fixed[slots] = huge(bytes);
    i += 3;
  }
  int64_t copies = rotating ? (total + rotating - 1) / rotating : 1;
  if (copies < 1) copies = 1;
  uint8_t *buffer = huge(copies * rotating + 64);
  static double kernel[MAX_REPEATS], read[MAX_REPEATS];
  volatile uint64_t sink = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int r = -3; r < repeats; r++) {
      uint8_t *at = buffer + ((r + 3) % copies) * rotating;
      void *args[MAX_SLOTS];
      for (int i = 0; i < slots; i++) args[i] = offset[i] < 0 ? fixed[i] : at + offset[i];
      double start = now();
      if (pass) sink ^= stream(at, rotating);
      else KERNEL(args, 0, units);
      double time = now() - start;
      if (r >= 0) (pass ? read : kernel)[r] = time;
    }
  printf("%.9g %.9g %.9g\n", median(kernel, repeats), median(read, repeats), fma_rate());
  return 0;
}
