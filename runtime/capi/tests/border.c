/* What the library refuses, and sessions side by side: border BUNDLE. Prints what is wrong; returns how many things are. */
#include "spec_runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int wrong = 0;

#define EXPECT(condition)                                                                     \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      fprintf(stderr, "line %d: not %s; last error: %s\n", __LINE__, #condition, spec_last_error()); \
      wrong++;                                                                                \
    }                                                                                         \
  } while (0)

static int says(const char *part) { return strstr(spec_last_error(), part) != NULL; }

enum { TOKENS = 64 };

typedef struct answer {
  spec_model *model;
  uint32_t first;
  size_t capacity;
  uint32_t tokens[TOKENS];
  size_t count;
  int32_t finished;
  int failed;
} answer;

static void *generate(void *argument) {
  answer *a = argument;
  uint32_t prompt[2];
  spec_session *session;
  prompt[0] = 97;
  prompt[1] = a->first;
  a->count = 0;
  a->finished = SPEC_FINISH_NONE;
  a->failed = spec_session_new(a->model, NULL, &session) != SPEC_STATUS_OK || spec_session_start(session, prompt, 2) != SPEC_STATUS_OK;
  while (!a->failed && a->finished == SPEC_FINISH_NONE) {
    size_t n, room = TOKENS - a->count;
    a->failed = spec_session_round(session, a->tokens + a->count, room < a->capacity ? room : a->capacity, &n, &a->finished) != SPEC_STATUS_OK;
    a->count += n;
  }
  spec_session_free(session);
  return NULL;
}

static void arguments(const char *bundle, spec_model *model) {
  spec_settings settings;
  spec_session *session, *again;
  spec_model *other;
  spec_model_info info;
  spec_model_options options;
  uint32_t tokens[8];
  uint32_t bad = 300;
  uint32_t stop = 104;
  spec_stats stats;
  size_t n;
  int32_t finished;

  EXPECT(spec_model_open(NULL, NULL, &other) == SPEC_STATUS_BAD_ARGUMENT && says("folder is NULL"));
  EXPECT(spec_model_open(bundle, NULL, NULL) == SPEC_STATUS_BAD_ARGUMENT && says("model is NULL"));
  EXPECT(spec_model_open("no/such", NULL, &other) == SPEC_STATUS_LOAD && other == NULL && says("cannot read"));
  memset(&options, 0, sizeof options);
  EXPECT(spec_model_open(bundle, &options, &other) == SPEC_STATUS_BAD_ARGUMENT && says("options->size is 0"));
  EXPECT(spec_model_options_init(&options, sizeof options + 8) == SPEC_STATUS_BAD_ARGUMENT && says("header of this library"));
  EXPECT(spec_model_options_init(&options, sizeof options) == SPEC_STATUS_OK);
  options.pin = 0, options.huge_pages = 0, options.threads = 1;
  EXPECT(spec_model_open(bundle, &options, &other) == SPEC_STATUS_OK && spec_model_close(other) == SPEC_STATUS_OK);
  EXPECT(spec_model_close(other) == SPEC_STATUS_BAD_HANDLE && says("given back already"));
  EXPECT(spec_model_close(NULL) == SPEC_STATUS_BAD_HANDLE && says("the model is NULL"));

  info.size = 0;
  EXPECT(spec_model_get_info(model, &info) == SPEC_STATUS_BAD_ARGUMENT && says("info->size is 0"));
  info.size = sizeof info;
  EXPECT(spec_model_get_info(model, &info) == SPEC_STATUS_OK);
  EXPECT(info.vocabulary == 258 && info.context == 64 && info.has_drafter && info.plan_draft_length == 3);
  EXPECT(info.bos == 256 && info.add_bos && !info.plan_overlapped);
  EXPECT(spec_model_stop_tokens(model, tokens, 8, &n) == SPEC_STATUS_OK && n == 1 && tokens[0] == 257);
  EXPECT(spec_model_stop_tokens(model, NULL, 0, &n) == SPEC_STATUS_OK && n == 1);
  EXPECT(spec_model_stop_tokens(model, NULL, 1, &n) == SPEC_STATUS_BAD_ARGUMENT);

  EXPECT(spec_settings_init(&settings, sizeof settings) == SPEC_STATUS_OK);
  settings.top_p = 2;
  settings.temperature = 1;
  EXPECT(spec_session_new(model, &settings, &session) == SPEC_STATUS_BAD_ARGUMENT && says("top-p") && session == NULL);
  settings.top_p = 1;
  settings.draft_length = 99;
  EXPECT(spec_session_new(model, &settings, &session) == SPEC_STATUS_BAD_ARGUMENT && says("draft_length is 99"));
  EXPECT(spec_session_new((spec_model *)&settings, NULL, &session) == SPEC_STATUS_BAD_HANDLE);
  EXPECT(spec_settings_init(&settings, sizeof settings) == SPEC_STATUS_OK);
  settings.stop = &stop;
  settings.stop_count = 1;
  settings.max_tokens = 40;
  EXPECT(spec_session_new(model, &settings, &session) == SPEC_STATUS_OK);
  stop = 0; /* it was copied */
  again = session;
  EXPECT(spec_session_round(session, tokens, 8, &n, &finished) == SPEC_STATUS_GENERATE && says("start"));
  EXPECT(spec_session_start(session, NULL, 0) == SPEC_STATUS_GENERATE && says("empty"));
  EXPECT(spec_session_start(session, NULL, 1) == SPEC_STATUS_BAD_ARGUMENT && says("tokens is NULL"));
  EXPECT(spec_session_start(session, &bad, 1) == SPEC_STATUS_GENERATE && says("300"));
  bad = 97;
  EXPECT(spec_session_start(session, &bad, 1) == SPEC_STATUS_OK);
  EXPECT(spec_session_round(session, tokens, 0, &n, &finished) == SPEC_STATUS_BAD_ARGUMENT);
  EXPECT(spec_session_round(session, tokens, 8, NULL, &finished) == SPEC_STATUS_BAD_ARGUMENT && says("count is NULL"));
  do {
    EXPECT(spec_session_round(session, tokens, 8, &n, &finished) == SPEC_STATUS_OK);
  } while (finished == SPEC_FINISH_NONE);
  stats.size = sizeof stats;
  EXPECT(spec_session_stats(session, &stats) == SPEC_STATUS_OK && stats.prompt_tokens == 1 && stats.tokens > 0);
  EXPECT(stats.accepted <= stats.drafted && stats.rounds <= stats.tokens && stats.decode > 0);
  EXPECT(spec_session_free(session) == SPEC_STATUS_OK);
  EXPECT(spec_session_free(again) == SPEC_STATUS_BAD_HANDLE);
  EXPECT(spec_session_start(again, &bad, 1) == SPEC_STATUS_BAD_HANDLE && says("the session"));
}

int main(int argc, char **argv) {
  enum { THREADS = 4 };
  spec_model *model;
  pthread_t threads[THREADS];
  answer answers[THREADS], alone;
  int i;
  if (argc != 2 || spec_model_open(argv[1], NULL, &model) != SPEC_STATUS_OK) {
    fprintf(stderr, "%s\n", spec_last_error());
    return 100;
  }
  EXPECT(strncmp(spec_runtime_version(), "spec-runtime ", 13) == 0);
  arguments(argv[1], model);
  for (i = 0; i < THREADS; i++) {
    answers[i].model = model;
    answers[i].first = (uint32_t)(98 + i % 2);
    answers[i].capacity = (size_t)(1 + i);
    EXPECT(pthread_create(&threads[i], NULL, generate, &answers[i]) == 0);
  }
  for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (i = 0; i < THREADS; i++) {
    alone = answers[i];
    alone.capacity = TOKENS;
    generate(&alone);
    EXPECT(!answers[i].failed && !alone.failed && alone.finished == SPEC_FINISH_STOP && alone.count == 48);
    EXPECT(answers[i].count == alone.count && answers[i].finished == alone.finished);
    EXPECT(memcmp(answers[i].tokens, alone.tokens, alone.count * sizeof *alone.tokens) == 0);
  }
  EXPECT(answers[0].tokens[0] != answers[1].tokens[0]);
  EXPECT(spec_model_close(model) == SPEC_STATUS_OK);
  return wrong;
}
