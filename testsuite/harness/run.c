/* Calls one function of a compiled model as a text plan says: run PLAN. Lines of the plan, in any order but for `arg`:
     library FILE         the model (not in a static program, which holds its model)
     symbol NAME          the function (as above)
     workspace BYTES
     threads N            default 1: the pool is NULL
     warmup N             calls before the repetitions, default 0
     repetitions N        calls, default 1
     time                 print how long the repetitions took
     guard                nothing outside of buffers may be accessed, nothing that is only read be written
     huge                 buffers in huge pages
     poison BYTE          what the workspace and results hold before the first call, default 255
     arg ACCESS BYTES ALIGN IN OUT
                          the next argument: ACCESS read, update or result; IN a file of BYTES bytes, or - for poison; OUT a file to
                          write after the last call, or -. File names hold no spaces.
   Prints `status`, `allocations`, and with `time` `median_ns` and `best_ns`. Exit status: 0 after a call, whatever it returned; 2: the
   plan or the machine is at fault, 3: a guard was violated. Arguments that are updated keep their contents between calls. */
#define _GNU_SOURCE
#include "run.h"
#include <dlfcn.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef SPEC_STATIC
int32_t SPEC_STATIC(void *const *args, void *workspace, const spec_pool *pool);
#endif

enum { ARGS = 4096, LINE = 4096 };

static struct {
  char library[LINE], symbol[LINE];
  size_t workspace;
  int threads, warmup, repetitions, poison, count;
  bool time, guard, huge;
  char *out[ARGS];
} plan = {.threads = 1, .repetitions = 1, .poison = 255};

static char lines[ARGS][LINE]; /* of the arguments */
static buffer buffers[ARGS + 1]; /* arguments, then the workspace */
static void *args[ARGS + 1];

void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("run: error: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  exit(2);
}

static long number(const char *text, long least, long most) {
  char *end;
  long n = strtol(text, &end, 10);
  if (end == text || *end || n < least || n > most) fail("'%s' is not a number from %ld to %ld", text, least, most);
  return n;
}

static void read_line(char *line) {
  if (!strncmp(line, "arg ", 4)) {
    if (plan.count == ARGS) fail("more than %d arguments", ARGS);
    strcpy(lines[plan.count++], line);
    return;
  }
  char *value = strchr(line, ' ');
  if (value) *value++ = 0;
  const char *given = value ? value : "";
  if (!strcmp(line, "library")) strcpy(plan.library, given);
  else if (!strcmp(line, "symbol")) strcpy(plan.symbol, given);
  else if (!strcmp(line, "workspace")) plan.workspace = (size_t)number(given, 0, 1L << 40);
  else if (!strcmp(line, "threads")) plan.threads = (int)number(given, 1, 65);
  else if (!strcmp(line, "warmup")) plan.warmup = (int)number(given, 0, 1000000);
  else if (!strcmp(line, "repetitions")) plan.repetitions = (int)number(given, 1, 1000000);
  else if (!strcmp(line, "poison")) plan.poison = (int)number(given, 0, 255);
  else if (!strcmp(line, "time")) plan.time = true;
  else if (!strcmp(line, "guard")) plan.guard = true;
  else if (!strcmp(line, "huge")) plan.huge = true;
  else if (*line) fail("unknown line '%s' in the plan", line);
}

static void read_plan(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail("cannot open %s", path);
  char line[LINE];
  while (fgets(line, sizeof line, file)) {
    if (!strchr(line, '\n')) fail("a line of %s is too long, or the last one has no end", path);
    line[strcspn(line, "\n")] = 0;
    read_line(line);
  }
  fclose(file);
}

static void fill(buffer *b, const char *path) {
  if (!strcmp(path, "-")) {
    memset(b->data, plan.poison, b->bytes);
    return;
  }
  FILE *file = fopen(path, "rb");
  if (!file) fail("cannot open %s", path);
  size_t found = fread(b->data, 1, b->bytes, file);
  if (found != b->bytes || fgetc(file) != EOF) fail("%s has not the %zu bytes of %s", path, b->bytes, b->name);
  fclose(file);
}

static void make_argument(int index) {
  buffer *b = &buffers[index];
  snprintf(b->name, sizeof b->name, "argument %d", index);
  char *words[6];
  char *rest = NULL;
  for (int i = 0; i < 6; i++)
    if (!(words[i] = strtok_r(i ? NULL : lines[index], " ", &rest))) fail("%s: 'arg ACCESS BYTES ALIGN IN OUT'", b->name);
  b->written = strcmp(words[1], "read") != 0;
  if (b->written && strcmp(words[1], "update") && strcmp(words[1], "result")) fail("%s: unknown access '%s'", b->name, words[1]);
  buffer_make(b, (size_t)number(words[2], 0, 1L << 40), (size_t)number(words[3], 1, 4096), plan.guard, plan.huge);
  fill(b, words[4]);
  plan.out[index] = words[5];
  args[index] = b->data;
}

static void make_workspace(void) {
  buffer *b = &buffers[plan.count];
  strcpy(b->name, "the workspace");
  b->written = true;
  buffer_make(b, plan.workspace, 64, plan.guard, plan.huge);
  memset(b->data, plan.poison, b->bytes);
}

static spec_function find_function(void) {
#ifdef SPEC_STATIC
  if (*plan.library || *plan.symbol) fail("a static program holds its model: no 'library', no 'symbol'");
  return SPEC_STATIC;
#else
  if (!*plan.library || !*plan.symbol) fail("the plan has no 'library' or no 'symbol'");
  void *library = dlopen(plan.library, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail("%s", dlerror());
  void *found = dlsym(library, plan.symbol);
  if (!found) fail("%s", dlerror());
  spec_function function;
  memcpy(&function, &found, sizeof function);
  return function;
#endif
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int32_t call_all(spec_function function, const spec_pool *pool) {
  void *workspace = buffers[plan.count].data;
  int64_t *times = calloc((size_t)plan.repetitions, sizeof *times);
  if (!times) fail("no memory for times");
  int32_t status = 0;
  for (int i = 0; i < plan.warmup; i++) status = function(args, workspace, pool);
  count_allocations(true);
  for (int i = 0; i < plan.repetitions; i++) {
    int64_t start = plan.time ? now() : 0;
    status = function(args, workspace, pool);
    if (plan.time) times[i] = now() - start;
  }
  count_allocations(false);
  if (plan.time) {
    qsort(times, (size_t)plan.repetitions, sizeof *times, ascending);
    printf("median_ns %" PRId64 "\nbest_ns %" PRId64 "\n", times[plan.repetitions / 2], times[0]);
  }
  free(times);
  return status;
}

static void write_out(int index) {
  const char *path = plan.out[index];
  if (!strcmp(path, "-")) return;
  FILE *file = fopen(path, "wb");
  if (!file) fail("cannot write %s", path);
  size_t written = fwrite(buffers[index].data, 1, buffers[index].bytes, file);
  if (fclose(file) || written != buffers[index].bytes) fail("cannot write %s", path);
}

int main(int argc, char **argv) {
  if (argc != 2) fail("usage: run PLAN");
  read_plan(argv[1]);
  spec_function function = find_function();
  for (int i = 0; i < plan.count; i++) make_argument(i);
  make_workspace();
  for (int i = 0; i <= plan.count; i++) buffer_protect(&buffers[i]);
  if (plan.guard) buffers_watch(buffers, (size_t)plan.count + 1);
  const spec_pool *pool = pool_start(plan.threads);
  int32_t status = call_all(function, pool);
  if (pool) pool_stop();
  for (int i = 0; i <= plan.count; i++) buffer_check(&buffers[i]);
  printf("status %" PRId32 "\nallocations %lu\n", status, allocations());
  for (int i = 0; i < plan.count; i++) write_out(i);
  return 0;
}
