/*
 * What the live benchmarks let happen, as cheaply as it can be done.
 *
 *   workload spawn COUNT             programs that do nothing, one after the other
 *   workload getppid COUNT           the cheapest system call
 *   workload spawns RATE SECONDS     as many programs a second
 *   workload opens RATE SECONDS FILE as many openings of a file for writing a second
 *
 * It prints how many, and the nanoseconds that it took.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void spawn_one(void)
{
  char *words[] = {"/bin/true", NULL};
  char *environment[] = {NULL};
  pid_t pid;
  if (posix_spawn(&pid, words[0], NULL, NULL, words, environment) != 0 || waitpid(pid, NULL, 0) != pid) {
    perror("spawn");
    exit(1);
  }
}

static void open_one(const char *path)
{
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    perror(path);
    exit(1);
  }
  close(file);
}

int main(int count, char **words)
{
  if (count < 3)
    return 3;
  int64_t begin = now();
  long done = 0;
  if (count == 3) {
    long wanted = atol(words[2]);
    int spawns = strcmp(words[1], "spawn") == 0;
    for (; done < wanted; done++) {
      if (spawns)
        spawn_one();
      else
        syscall(SYS_getppid);
    }
  } else {
    double rate = atof(words[2]);
    int64_t end = begin + (int64_t)(atof(words[3]) * 1e9);
    for (int64_t time = begin; time < end; time = now()) {
      /* What is due is done; then there is a rest, so that the rate is not exceeded. */
      long due = (long)((double)(time - begin) * rate / 1e9);
      for (; done < due; done++) {
        if (count == 5)
          open_one(words[4]);
        else
          spawn_one();
      }
      if (rate < 50000)
        usleep(100);
    }
  }
  printf("%ld %lld\n", done, (long long)(now() - begin));
  return 0;
}
