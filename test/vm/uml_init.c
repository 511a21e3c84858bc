/*
 * The first process of the guest, which shares the host's files. Mounts the usual file systems, brings up loopback,
 * runs `sh $vm_job/run` with its output to $vm_job/out, leaves its status in $vm_job/status and ends the guest. Both
 * variables come from the kernel's command line; $vm_modprobe is what the kernel loads its modules with.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_on(const char *type, const char *where) {
  mkdir(where, 0755);
  if (mount(type, where, type, 0, NULL) != 0 && errno != EBUSY) fprintf(stderr, "mount %s: %m\n", where);
}

static void write_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fprintf(stderr, "%s: %m\n", path);
  if (fd >= 0) close(fd);
}

static void loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) fprintf(stderr, "lo: %m\n");
  close(fd);
}

static void run(const char *job) {
  char path[4096];
  setsid();
  snprintf(path, sizeof path, "%s/out", job);
  int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  snprintf(path, sizeof path, "%s/run", job);
  execl("/bin/sh", "sh", path, (char *)NULL);
  _exit(127);
}

int main(void) {
  const char *job = getenv("vm_job"), *modprobe = getenv("vm_modprobe");
  mount_on("proc", "/proc");
  mount_on("sysfs", "/sys");
  mount_on("devtmpfs", "/dev");
  mount_on("tmpfs", "/dev/shm");
  mount_on("tmpfs", "/run");
  mkdir("/run/tmp", 01777);
  loopback_up();
  if (job == NULL || modprobe == NULL) {
    fprintf(stderr, "vm_job and vm_modprobe are not set\n");
    reboot(RB_POWER_OFF);
  }
  write_to("/proc/sys/kernel/modprobe", modprobe);
  pid_t child = fork();
  if (child == 0) run(job);
  int status = 0;
  for (pid_t ended = 0; ended != child;) { /* whoever loses its parent becomes ours */
    ended = wait(&status);
    if (ended < 0 && errno != EINTR) break;
  }
  char path[4096], text[16];
  snprintf(path, sizeof path, "%s/status", job);
  snprintf(text, sizeof text, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  write_to(path, text);
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
