/* A model written by hand, which tests the harness. args: tokens i64[4], cache f32[4], scale f32[8], result f32[4][8].
   Row m of the result is scale * (token[m] + cache[m]); then cache[m] += 1. The fault to commit is the first scale, if negative. */
#include "spec_abi.h"
#include <stdlib.h>

enum { TOKENS = 4, WIDTH = 8, WORKSPACE = 64 };

static void rows(void *const *args, int64_t lo, int64_t hi) {
  const float *sums = args[0], *scale = args[1];
  float *result = args[2];
  for (int64_t m = lo; m < hi; m++)
    for (int n = 0; n < WIDTH; n++) result[m * WIDTH + n] = scale[n] * sums[m];
}

static void *volatile kept; /* or the compiler leaves the allocations out */

/* Faults that a test wants to see found. */
static int commit(int fault, void *const *args, char *workspace) {
  volatile char *result = args[3];
  volatile float *scale = args[2], *cache = args[1];
  switch (fault) {
  case 1: kept = malloc(100), free(kept), kept = calloc(3, 5), free(kept); break;
  case 2: result[sizeof(float) * TOKENS * WIDTH] = 1; break;
  case 3: result[-1] = 1; break;
  case 4: scale[1] = 0; break;
  case 5: ((volatile char *)workspace)[WORKSPACE] = 1; break;
  case 6: return SPEC_ASSERTION_FAILED;
  case 7: (void)cache[-2000]; break;
  case 8: for (volatile int i = 0; i < 100000;) i = i + 1; break; /* some 400,000 instructions */
  }
  return SPEC_OK;
}

int32_t spec_model(void *const *args, void *workspace, const spec_pool *pool) {
  const int64_t *tokens = args[0];
  float *cache = args[1], *scale = args[2], *sums = workspace;
  int fault = scale[0] < 0 ? (int)-scale[0] : 0;
  int32_t status = commit(fault, args, workspace);
  for (int m = 0; m < TOKENS; m++) {
    if (tokens[m] < 0) status = SPEC_BAD_TOKEN;
    sums[m] = (float)tokens[m] + cache[m];
    cache[m] += 1;
  }
  void *slots[] = {sums, scale, args[3]};
  if (pool) pool->run(pool->context, rows, slots, TOKENS, 1);
  else rows(slots, 0, TOKENS);
  return status;
}
