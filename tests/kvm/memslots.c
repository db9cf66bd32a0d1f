/* Makes memslots as `slotproof metadata --measure` does, and prints what KVM has of vmalloc.
 *
 *   memslots ADDR REGION SLOT COUNT
 *
 * First one memslot over the region, then COUNT of SLOT bytes; each without and then with dirty
 * logging. No processor runs, no memory is touched. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int told(const char *what)
{
    perror(what);
    return 1;
}

static void show(const char *when)
{
    char line[512];
    FILE *info = fopen("/proc/vmallocinfo", "r");

    printf("BEGIN %s\n", when);
    while (info && fgets(line, sizeof line, info)) {
        if (strstr(line, "kvm") || strstr(line, "memslot")) {
            fputs(line, stdout);
        }
    }
    printf("END\n");
    fclose(info);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    unsigned long long number[4];
    int kvm = open("/dev/kvm", O_RDWR), argument, dynamic, logging;

    if (kvm < 0 || argc != 5) {
        return told("/dev/kvm");
    }
    for (argument = 0; argument < 4; argument++) {
        number[argument] = strtoull(argv[argument + 1], NULL, 0);
    }
    for (dynamic = 0; dynamic < 2; dynamic++) {
        unsigned long long size = dynamic ? number[2] : number[1];
        unsigned count = dynamic ? number[3] : 1, slot;
        int vm = ioctl(kvm, KVM_CREATE_VM, 0);
        char *space = mmap(NULL, number[1], PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (vm < 0 || space == MAP_FAILED) {
            return told("a virtual machine");
        }
        show("before");
        for (logging = 0; logging < 2; logging++) {
            double start = now();

            for (slot = 0; slot < count; slot++) {
                struct kvm_userspace_memory_region region = {
                    .slot = slot,
                    .flags = logging ? KVM_MEM_LOG_DIRTY_PAGES : 0,
                    .guest_phys_addr = number[0] + slot * size,
                    .memory_size = size,
                    .userspace_addr = (unsigned long)space + slot * size,
                };
                if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region)) {
                    return told("a memslot");
                }
            }
            printf("SECONDS %.6f\n", now() - start);
            show("after");
        }
        munmap(space, number[1]);
        close(vm);
        sleep(1);
    }
    puts("DONE");
    return 0;
}
