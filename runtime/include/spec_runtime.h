/* The runtime: loads compiled bundles and generates tokens with them, by speculative decoding where there is a drafter.
   docs/runtime.md says how to use it.

   Threads. Every function may be called from any thread at any time. Models may be used by many threads at once; sessions are
   independent of each other, also those of one model. One session works for one caller at a time: a second one gets
   SPEC_STATUS_BUSY.

   Handles are numbers that look like pointers. They are never looked through, and never used twice: NULL, a handle that was freed and one
   that never was are found and refused (SPEC_STATUS_BAD_HANDLE). */
#ifndef SPEC_RUNTIME_H
#define SPEC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A bundle with its weights. */
typedef struct spec_model spec_model;
/* One sequence at a time, with caches of its own. */
typedef struct spec_session spec_session;

/* What functions return. */
enum {
  SPEC_STATUS_OK = 0,
  SPEC_STATUS_BAD_ARGUMENT = 1, /* a NULL, or a number out of range */
  SPEC_STATUS_BAD_HANDLE = 2,   /* not a handle, or no longer one */
  SPEC_STATUS_BUSY = 3,         /* another thread is using the session */
  SPEC_STATUS_LOAD = 4,         /* the bundle cannot be loaded */
  SPEC_STATUS_GENERATE = 5,     /* the prompt does not fit, or a model failed */
  SPEC_STATUS_INTERNAL = 6      /* a fault of the runtime; the process may go on */
};
typedef int32_t spec_status;

/* What went wrong in the last call on this thread that returned something else than SPEC_STATUS_OK; never NULL, UTF-8. Valid until the
   thread's next call of a function that fails. */
const char *spec_last_error(void);

/* Name and version, such as "spec-runtime 0.1.0". */
const char *spec_runtime_version(void);

/* How to load. Fill with spec_model_options_init first. */
typedef struct spec_model_options {
  size_t size;            /* of this struct, as the program was compiled */
  uint32_t threads;       /* of each model on a CPU; 0: as the plan says */
  uint32_t core_count;    /* length of cores; 0: the cores of the process */
  const uint32_t *cores;  /* cores in the system's numbering, to be used in this order */
  int32_t pin;            /* whether threads are bound to cores; 1 */
  int32_t huge_pages;     /* whether weights are copied into huge pages, else the file is mapped; 1 */
  int32_t verify;         /* whether checksums are compared; 1 */
  const char *vulkan_device; /* part of the GPU's name; NULL: the best one */
} spec_model_options;

/* Writes the defaults. size: sizeof(spec_model_options). */
spec_status spec_model_options_init(spec_model_options *options, size_t size);

/* Loads the bundle in folder, with its weights. It runs the code of the bundle: load only what you would run as a program. options may be
   NULL: the defaults. */
spec_status spec_model_open(const char *folder, const spec_model_options *options, spec_model **model);

/* Gives the model back. Its sessions go on: it ends with the last of them. */
spec_status spec_model_close(spec_model *model);

/* What a model is. */
typedef struct spec_model_info {
  size_t size;                /* set by the caller: sizeof(spec_model_info) */
  uint32_t vocabulary;        /* tokens are below */
  uint32_t context;           /* most tokens of a sequence, prompt and generated ones together */
  int32_t has_drafter;        /* whether there is a drafter */
  uint32_t plan_draft_length; /* drafts of a round by the plan; 0: none */
  int32_t plan_overlapped;    /* whether the plan overlaps drafting and verification */
  int64_t bos;                /* the token that begins a text; -1: none is known */
  int32_t add_bos;            /* whether prompts begin with it: the caller puts it there */
} spec_model_info;

/* Fills info, whose size must be set. */
spec_status spec_model_get_info(const spec_model *model, spec_model_info *info);

/* Tokens that end a text: writes up to capacity of them to tokens, and their number to count. */
spec_status spec_model_stop_tokens(const spec_model *model, uint32_t *tokens, size_t capacity, size_t *count);

/* Values of draft_length other than a number of drafts, 0 to 64. */
#define SPEC_DRAFT_PLAN (-1)     /* as the plan says */
#define SPEC_DRAFT_ADAPTIVE (-2) /* more after success, fewer after a miss */
#define SPEC_DRAFT_ENTROPY (-3)  /* until the drafter is unsure; see kappa and lambda */
/* What gives the most tokens a second in this session, 0 included, by what it measures: begins as the plan says. Plain decoding without a
   drafter. Greedy tokens do not depend on it. Random ones are distributed as ever, but depend on time: a seed need not give the same
   ones again. */
#define SPEC_DRAFT_AUTO (-4)
/* The same with times as the plan predicts them: a seed gives the same tokens again. The plan must predict those of both models. */
#define SPEC_DRAFT_AUTO_PREDICTED (-5)

/* Values of schedule. */
enum { SPEC_SCHEDULE_PLAN = 0, SPEC_SCHEDULE_SEQUENTIAL = 1, SPEC_SCHEDULE_OVERLAPPED = 2 };

/* How to generate. Fill with spec_settings_init first. */
typedef struct spec_settings {
  size_t size;          /* of this struct, as the program was compiled */
  uint64_t max_tokens;  /* 128 */
  uint64_t seed;        /* of the random numbers; 0 */
  float temperature;    /* 0: always the likeliest token; 0 */
  uint32_t top_k;       /* sample of so many likeliest tokens; 0: of all; 0 */
  float top_p;          /* sample of the likeliest tokens of this probability together; 1 */
  int32_t draft_length; /* SPEC_DRAFT_AUTO */
  int32_t schedule;     /* SPEC_SCHEDULE_PLAN */
  double kappa;         /* weight of the entropy; 0.2 */
  double lambda;        /* least bound on the acceptance to go on at, 0 to 1; 0.4 */
  const uint32_t *stop; /* tokens that end the sequence; copied */
  size_t stop_count;    /* length of stop; 0 with stop NULL: those of the model; with stop not NULL: none */
} spec_settings;

/* Writes the defaults: greedy, draft lengths chosen in the run (SPEC_DRAFT_AUTO), the plan's schedule. size: sizeof(spec_settings). */
spec_status spec_settings_init(spec_settings *settings, size_t size);

/* Makes a session, with caches of its own. settings may be NULL: the defaults. */
spec_status spec_session_new(const spec_model *model, const spec_settings *settings, spec_session **session);

/* Frees it. If another thread is in a call of it, it is freed at the end of that call. */
spec_status spec_session_free(spec_session *session);

/* Begins a new sequence with a prompt of at least one token: feeds it to the models. What was under way is given up. */
spec_status spec_session_start(spec_session *session, const uint32_t *tokens, size_t count);

/* Values of finished. */
enum {
  SPEC_FINISH_NONE = 0,       /* there is more */
  SPEC_FINISH_STOP = 1,       /* a stop token came; it is the last token */
  SPEC_FINISH_MAX_TOKENS = 2, /* as many as asked for */
  SPEC_FINISH_CONTEXT = 3     /* the context is full */
};

/* Runs a round and writes its tokens. If there are more than capacity (at least 1; 65 is always enough), the rest comes with the next calls,
   which run no round, and finished stays SPEC_FINISH_NONE until all are out. After the end: no tokens, and the reason again. After an
   error, start again. */
spec_status spec_session_round(spec_session *session, uint32_t *tokens, size_t capacity, size_t *count, int32_t *finished);

/* What the sequence cost so far. Times are seconds. */
typedef struct spec_stats {
  size_t size;            /* set by the caller: sizeof(spec_stats) */
  uint64_t prompt_tokens; /* of the prompt */
  uint64_t tokens;        /* generated */
  uint64_t rounds;        /* rounds */
  uint64_t drafted;       /* drafts that were verified */
  uint64_t accepted;      /* drafts that stood */
  double prefill;         /* feeding the prompt */
  double decode;          /* all rounds */
  double draft;           /* runs of the drafter, also beside the target */
  double verify;          /* runs of the target */
  double handoff;         /* writing inputs, copying logits */
  double sampling;        /* distributions, sampling, acceptance */
} spec_stats;

/* Fills stats, whose size must be set. */
spec_status spec_session_stats(const spec_session *session, spec_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
