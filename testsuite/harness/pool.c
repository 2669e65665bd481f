/* A pool of threads apart from the runtime's, so that models are tested with both. Parts are handed out block by block, from one
   counter: bounds differ from run to run, which results must not. */
#define _GNU_SOURCE
#include "run.h"
#include <pthread.h>
#include <stdatomic.h>

enum { MOST = 64 };

static struct {
  pthread_mutex_t lock;
  pthread_cond_t start, end;
  unsigned long job; /* number of the current job */
  int running;       /* workers that are not done with it */
  bool stop;
  spec_task task;
  void *const *args;
  int64_t units, grain, blocks;
  atomic_int_fast64_t next; /* block to hand out */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .start = PTHREAD_COND_INITIALIZER, .end = PTHREAD_COND_INITIALIZER};

static pthread_t workers[MOST];
static int worker_count;

static void take_blocks(void) {
  for (;;) {
    int64_t block = atomic_fetch_add(&pool.next, 1);
    if (block >= pool.blocks) return;
    int64_t lo = block * pool.grain, hi = lo + pool.grain;
    pool.task(pool.args, lo, hi < pool.units ? hi : pool.units);
  }
}

static void *work(void *unused) {
  (void)unused;
  unsigned long seen = 0;
  pthread_mutex_lock(&pool.lock);
  for (;;) {
    while (pool.job == seen && !pool.stop) pthread_cond_wait(&pool.start, &pool.lock);
    if (pool.stop) break;
    seen = pool.job;
    pthread_mutex_unlock(&pool.lock);
    take_blocks();
    pthread_mutex_lock(&pool.lock);
    if (--pool.running == 0) pthread_cond_signal(&pool.end);
  }
  pthread_mutex_unlock(&pool.lock);
  return NULL;
}

static void run(void *context, spec_task task, void *const *args, int64_t units, int64_t grain) {
  (void)context;
  if (units <= 0) return;
  if (grain < 1) grain = 1;
  /* At least 4 blocks a thread, if the grain allows: the smallest blocks would cost more than they compute. */
  int64_t blocks = (units - 1) / grain + 1, most = 4 * (worker_count + 1);
  int64_t grains = blocks > most ? (blocks - 1) / most + 1 : 1;
  pthread_mutex_lock(&pool.lock);
  pool.task = task, pool.args = args, pool.units = units, pool.grain = grain * grains;
  pool.blocks = (blocks - 1) / grains + 1;
  atomic_store(&pool.next, 0);
  pool.running = worker_count;
  pool.job++;
  pthread_cond_broadcast(&pool.start);
  pthread_mutex_unlock(&pool.lock);
  take_blocks();
  pthread_mutex_lock(&pool.lock);
  while (pool.running > 0) pthread_cond_wait(&pool.end, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
}

const spec_pool *pool_start(int threads) {
  static const spec_pool handle = {.context = NULL, .run = run};
  if (threads > MOST + 1) fail("at most %d threads", MOST + 1);
  if (threads <= 1) return NULL;
  for (worker_count = 0; worker_count < threads - 1; worker_count++)
    if (pthread_create(&workers[worker_count], NULL, work, NULL)) fail("cannot start a thread");
  return &handle;
}

void pool_stop(void) {
  pthread_mutex_lock(&pool.lock);
  pool.stop = true;
  pthread_cond_broadcast(&pool.start);
  pthread_mutex_unlock(&pool.lock);
  for (int i = 0; i < worker_count; i++) pthread_join(workers[i], NULL);
}
