/* Streaming read bandwidth, the floor of a decode step: a pass over the weights cannot be faster than this.
 *
 *   bw THREADS BYTES STREAMS    reads a buffer of BYTES (huge pages where the system gives them) and speaks the protocol of serve.py: for each
 *                               line N it makes N passes and prints the median time of one in milliseconds.
 *
 * Each thread reads its share as STREAMS (1 or 4) streams side by side: prefetchers serve four better than one.
 * Build: cc -O3 -march=native -pthread bw.c -o bw
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef uint64_t vec __attribute__((vector_size(64)));
enum { WIDE = 4, MAX_THREADS = 64 };

static vec *buffer;
static size_t vectors; /* of a quarter of a thread's share */
static int threads, streams;
static pthread_barrier_t begin, end;
static volatile uint64_t sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void read_share(int id) {
  const vec *p = buffer + (size_t)id * vectors * WIDE;
  vec s[WIDE] = {0};
  if (streams == 1)
    for (size_t i = 0; i < vectors * WIDE; i += WIDE)
      for (int k = 0; k < WIDE; k++) s[k] ^= p[i + k];
  else
    for (size_t i = 0; i < vectors; i++)
      for (int k = 0; k < WIDE; k++) s[k] ^= p[i + (size_t)k * vectors];
  vec all = s[0] ^ s[1] ^ s[2] ^ s[3];
  sink ^= all[0] ^ all[7];
}

static void *worker(void *id) __attribute__((noreturn));
static void *worker(void *id) {
  for (;;) {
    pthread_barrier_wait(&begin);
    read_share((int)(intptr_t)id);
    pthread_barrier_wait(&end);
  }
}

static double pass(void) {
  double start = now();
  if (threads > 1) pthread_barrier_wait(&begin);
  read_share(0);
  if (threads > 1) pthread_barrier_wait(&end);
  return now() - start;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  threads = argc == 4 ? atoi(argv[1]) : 0;
  size_t bytes = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
  streams = argc == 4 ? atoi(argv[3]) : 0;
  if (threads < 1 || threads > MAX_THREADS || bytes < (1 << 20) || (streams != 1 && streams != WIDE)) {
    fprintf(stderr, "usage: bw THREADS(1..%d) BYTES(>= 1048576) STREAMS(1 or %d)\n", MAX_THREADS, WIDE);
    return 2;
  }
  vectors = bytes / sizeof(vec) / WIDE / threads;
  buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED) {
    perror("bw: mmap");
    return 1;
  }
  madvise(buffer, bytes, MADV_HUGEPAGE);
  memset(buffer, 1, bytes);
  pthread_barrier_init(&begin, NULL, threads);
  pthread_barrier_init(&end, NULL, threads);
  pthread_t other;
  for (intptr_t i = 1; i < threads; i++)
    if (pthread_create(&other, NULL, worker, (void *)i)) return 1;
  pass();
  puts("ready");
  fflush(stdout);
  int n;
  while (scanf("%d", &n) == 1 && n > 0) {
    double *t = malloc(n * sizeof *t);
    for (int i = 0; i < n; i++) t[i] = pass();
    qsort(t, n, sizeof *t, ascending);
    printf("%.4f\n", t[n / 2]);
    fflush(stdout);
    free(t);
  }
  return 0;
}
