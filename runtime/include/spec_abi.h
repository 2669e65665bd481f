/* The binary interface of compiled models. docs/abi.md says what each side promises. */
#ifndef SPEC_ABI_H
#define SPEC_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Computes the units lo..hi (hi excluded) of one piece of work. */
typedef void (*spec_task)(void *const *args, int64_t lo, int64_t hi);

/* Cores that help. */
typedef struct spec_pool {
  void *context;
  /* Calls task for disjoint ranges that cover 0..units, and returns when all of them have returned. Bounds of ranges other than
     0 and units are multiples of grain. */
  void (*run)(void *context, spec_task task, void *const *args, int64_t units, int64_t grain);
} spec_pool;

/* What a model function returns. */
enum {
  SPEC_OK = 0,
  SPEC_BAD_TOKEN = 1,       /* a token id outside of the vocabulary */
  SPEC_ASSERTION_FAILED = 2 /* a position outside of the caches, or another assertion of the model */
};

/* A model function. pool may be NULL: one core. */
typedef int32_t (*spec_function)(void *const *args, void *workspace, const spec_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
