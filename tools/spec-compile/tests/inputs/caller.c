// Calls both functions of linear.mlir by way of the generated header; prints what they compute.
#include "model.h"
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  static float x[2 * 64], w[32 * 64], y[2 * 32], row[4] = {1, 2, 3, 4}, cache[8 * 4];
  int64_t position = 5;
  int8_t is_last = 9;
  for (int i = 0; i < 64; i++)
    x[64 + i] = 1, w[3 * 64 + i] = (float)i;
  void *workspace = aligned_alloc(64, apply_it_WORKSPACE + store_WORKSPACE);
  void *apply_args[apply_it_ARGS] = {x, w, y};
  int32_t status = apply_it(apply_args, workspace, NULL);
  void *store_args[store_ARGS];
  store_args[store_ARG_argument_0] = row;
  store_args[store_ARG_argument_1] = cache;
  store_args[store_ARG_argument_2] = &position;
  store_args[store_ARG_result_1] = &is_last;
  status += store(store_args, workspace, NULL);
  free(workspace);
  printf("%d %g %g %g %g %d\n", status, y[3], y[32 + 3], cache[5 * 4 + 3], cache[4 * 4 + 3], is_last);
  return 0;
}
