/* A pair of models without layers. The next token follows from the last one, the one before it, which only the cache knows, the position
   and a weight; the drafter errs at every fifth position. 'a' to 'z', and 257 (the end) at position 48. */
#include "spec_abi.h"

enum { CONTEXT = 64, VOCABULARY = 258, END = 257 };

static int32_t run(void *const *args, int64_t count, int wrong) {
  const int64_t *tokens = args[0];
  int64_t position = *(const int64_t *)args[1];
  float *k = args[2], *v = args[3], *logits = args[5];
  int64_t weight = (int64_t)*(const float *)args[4];
  if (position < 0 || position + count > CONTEXT) return SPEC_ASSERTION_FAILED;
  for (int64_t i = 0; i < count; i++) {
    int64_t at = position + i, token = tokens[i];
    if (token < 0 || token >= VOCABULARY) return SPEC_BAD_TOKEN;
    k[at] = (float)token;
    v[at] = (float)at;
    int64_t before = at > 0 ? (int64_t)k[at - 1] : 0;
    int64_t next = 'a' + (token * 7 + before * 3 + at + weight + (wrong && at % 5 == 0)) % 26;
    if (at == 48) next = END;
    for (int64_t x = 0; x < VOCABULARY; x++) logits[i * VOCABULARY + x] = x == next ? 4.0f : 0.0f;
  }
  return SPEC_OK;
}

#define MODEL(name, count, wrong)                                                       \
  int32_t name(void *const *args, void *workspace, const spec_pool *pool) {             \
    (void)workspace, (void)pool;                                                        \
    return run(args, count, wrong);                                                     \
  }

MODEL(toy_target1, 1, 0)
MODEL(toy_target5, 5, 0)
MODEL(toy_drafter1, 1, 1)
MODEL(toy_drafter2, 2, 1)
/* A fault for tests: the wide one answers otherwise. */
MODEL(toy_broken5, 5, 1)
