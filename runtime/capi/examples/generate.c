/* Generates tokens with a bundle: generate BUNDLE 1,2,3 [MAX_TOKENS]. Prints the numbers of the tokens as they come. */
#include "spec_runtime.h"

#include <stdio.h>
#include <stdlib.h>

enum { PROMPT = 4096, ROUND = 65 };

static int failed(const char *what) {
  fprintf(stderr, "error: %s: %s\n", what, spec_last_error());
  return 1;
}

/* Reads numbers with commas between. Their count; 0: that is no list. */
static size_t parse(const char *text, uint32_t *tokens, size_t capacity) {
  size_t count = 0;
  char *end;
  for (;;) {
    unsigned long token = strtoul(text, &end, 10);
    if (end == text || count == capacity || token > UINT32_MAX) return 0;
    tokens[count++] = (uint32_t)token;
    if (*end == '\0') return count;
    if (*end != ',') return 0;
    text = end + 1;
  }
}

static int generate(spec_session *session, const uint32_t *prompt, size_t count) {
  uint32_t tokens[ROUND];
  int32_t finished = SPEC_FINISH_NONE;
  spec_stats stats;
  const char *separator = "";
  if (spec_session_start(session, prompt, count) != SPEC_STATUS_OK) return failed("start");
  while (finished == SPEC_FINISH_NONE) {
    size_t i, n;
    if (spec_session_round(session, tokens, ROUND, &n, &finished) != SPEC_STATUS_OK) return failed("round");
    for (i = 0; i < n; i++) {
      printf("%s%lu", separator, (unsigned long)tokens[i]);
      separator = ",";
    }
    fflush(stdout);
  }
  printf("\n");
  stats.size = sizeof stats;
  if (spec_session_stats(session, &stats) != SPEC_STATUS_OK) return failed("stats");
  fprintf(stderr, "%lu tokens in %lu rounds, %.2f tokens/s\n", (unsigned long)stats.tokens, (unsigned long)stats.rounds,
          stats.decode > 0 ? (double)stats.tokens / stats.decode : 0.0);
  return 0;
}

int main(int argc, char **argv) {
  static uint32_t prompt[PROMPT];
  spec_model *model;
  spec_session *session;
  spec_settings settings;
  size_t count;
  int result;
  if (argc < 3 || argc > 4 || (count = parse(argv[2], prompt, PROMPT)) == 0) {
    fprintf(stderr, "usage: %s BUNDLE 1,2,3 [MAX_TOKENS]\n", argc > 0 ? argv[0] : "generate");
    return 2;
  }
  if (spec_settings_init(&settings, sizeof settings) != SPEC_STATUS_OK) return failed("settings");
  if (argc == 4) settings.max_tokens = strtoul(argv[3], NULL, 10);
  if (spec_model_open(argv[1], NULL, &model) != SPEC_STATUS_OK) return failed("open");
  if (spec_session_new(model, &settings, &session) != SPEC_STATUS_OK) {
    result = failed("session");
  } else {
    result = generate(session, prompt, count);
    spec_session_free(session);
  }
  spec_model_close(model);
  return result;
}
