/*
 * What the functions of virtio-mem.c need to be compiled alone: types, macros
 * and primitives of QEMU, as small as can be.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t ram_addr_t;
typedef uint64_t hwaddr;
typedef struct Error Error;
typedef struct Object Object;
typedef struct RAMBlock { int unused; } RAMBlock;
typedef struct MemoryRegion { RAMBlock *ram_block; bool mapped; } MemoryRegion;
typedef struct HostMemoryBackend { MemoryRegion mr; } HostMemoryBackend;
typedef struct NotifierList { int unused; } NotifierList;
typedef enum { ON_OFF_AUTO_AUTO, ON_OFF_AUTO_ON, ON_OFF_AUTO_OFF } OnOffAuto;
typedef struct VirtIOMEM {
    FIELDS
    unsigned long *bitmap;
    MemoryRegion *mr;
    MemoryRegion *memslots;
    HostMemoryBackend *memdev;
    NotifierList size_change_notifiers;
} VirtIOMEM;

#define KiB (INT64_C(1) << 10)
#define MiB (INT64_C(1) << 20)
#define GiB (INT64_C(1) << 30)
#define TiB (INT64_C(1) << 40)
#define MIN(a, b) ({ typeof(1 ? (a) : (b)) _a = (a), _b = (b); _a < _b ? _a : _b; })
#define MAX(a, b) ({ typeof(1 ? (a) : (b)) _a = (a), _b = (b); _a > _b ? _a : _b; })
#define QEMU_ALIGN_DOWN(n, m) ((n) / (m) * (m))
#define QEMU_ALIGN_UP(n, m) QEMU_ALIGN_DOWN((n) + (m) - 1, (m))
#define QEMU_IS_ALIGNED(n, m) (((n) % (m)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ROUND_DOWN(n, d) ((n) & -(0 ? (n) : (d)))
#define ROUND_UP(n, d) ROUND_DOWN((n) + (d) - 1, d)
#define g_assert_not_reached() abort()
#define error_report(...) ((void)0)
#define error_report_err(...) ((void)0)
#define info_report(...) ((void)0)
#define qemu_log(...) ((void)0)
#define qemu_log_mask(...) ((void)0)
#define warn_report(...) ((void)0)
#define warn_report_err_once(...) ((void)0)
#define warn_report_err_once_cond(...) ((void)0)
#define warn_report_once(...) ((void)0)
#define likely(x) (x)
#define unlikely(x) (x)
#define g_assert assert
#define g_new0(type, n) ((type *)made(n))
#define OBJECT(x) ((Object *)(x))
#define VIRTIO_MEM_RESP_ACK 0
#define VIRTIO_MEM_RESP_NACK 1
#define VIRTIO_MEM_RESP_BUSY 2
#define VIRTIO_MEM_RESP_ERROR 3
#define VIRTIO_MEM_USABLE_EXTENT ((int64_t)the_extent)

enum { ROOM = 4096, TOO_LARGE = 99 };
static uint64_t the_region, the_page, the_host_page, the_thp, the_default_block;
static uint64_t the_extent, the_block, the_addr, the_failure;
static bool busy, discard_fails, prealloc_fails, populate_fails;
static RAMBlock ram;
static HostMemoryBackend memdev;
static MemoryRegion memslots[ROOM], container;
static bool blocks[ROOM];
static VirtIOMEM device = { .bitmap = (unsigned long *)blocks, .mr = &container };

static MemoryRegion *slot(uint64_t index)
{
    if (index >= ROOM) {
        exit(TOO_LARGE);
    }
    return &memslots[index];
}

static bool *bit(uint64_t index)
{
    if (index >= ROOM) {
        exit(TOO_LARGE);
    }
    return &blocks[index];
}

static void show(void)
{
    for (int i = 0; i < ROOM; i++) {
        if (memslots[i].mapped) {
            printf("mapped=%d\n", i);
        }
    }
    for (int i = 0; i < ROOM; i++) {
        if (blocks[i]) {
            printf("plugged=%d\n", i);
        }
    }
}

static void *made(uint64_t count)
{
    if (count > ROOM) {
        exit(TOO_LARGE);
    }
    return memslots;
}

static uint64_t memory_region_size(MemoryRegion *mr) { return the_region; }
static void *memory_region_get_ram_ptr(MemoryRegion *mr) { return blocks; }
static int memory_region_get_fd(MemoryRegion *mr) { return 3; }
static size_t qemu_ram_pagesize(RAMBlock *rb) { return the_page; }
static ram_addr_t qemu_ram_get_used_length(RAMBlock *rb) { return the_region; }
static uintptr_t qemu_real_host_page_size(void) { return the_host_page; }
static uint32_t virtio_mem_thp_size(void) { return the_thp; }
static uint64_t virtio_mem_usable_extent_size(void) { return the_extent; }
static bool virtio_mem_is_busy(void) { return busy; }
static void memory_region_transaction_begin(void) { }
static void memory_region_transaction_commit(void) { }
static void memory_region_set_unmergeable(MemoryRegion *mr, bool unmergeable) { }
static void warn_report_err(Error *err) { }
static void error_free(Error *err) { }
static void notifier_list_notify(NotifierList *list, void *data) { }

static void did(const char *what, uint64_t offset, uint64_t size)
{
    printf("%s=%" PRIu64 ",%" PRIu64 "\n", what, offset, size);
}

static void virtio_mem_notify_unplug(VirtIOMEM *vmem, uint64_t offset, uint64_t size)
{
    did("discard", offset, size);
}

static void virtio_mem_notify_unplug_all(VirtIOMEM *vmem)
{
    if (vmem->size) {
        did("discard", 0, the_region);
    }
}

static bool memory_region_is_mapped(MemoryRegion *mr)
{
    return slot(mr - memslots)->mapped;
}

static void memory_region_add_subregion(MemoryRegion *mr, hwaddr offset, MemoryRegion *sub)
{
    assert(!slot(sub - memslots)->mapped);
    assert(offset == (uint64_t)(sub - memslots) * device.memslot_size);
    sub->mapped = true;
}

static void memory_region_del_subregion(MemoryRegion *mr, MemoryRegion *sub)
{
    assert(slot(sub - memslots)->mapped);
    sub->mapped = false;
}

static void memory_region_init_alias(MemoryRegion *mr, Object *owner, const char *name,
                                     MemoryRegion *orig, hwaddr offset, uint64_t size)
{
    printf("alias=%d,%" PRIu64 ",%" PRIu64 "\n", (int)(mr - memslots), offset, size);
}

static int ram_block_discard_range(RAMBlock *rb, uint64_t start, size_t length)
{
    did("host-discard", start, length);
    return discard_fails ? -1 - (int)the_failure : 0;
}

static bool prealloc(char *area, size_t sz, Error **errp)
{
    static int error;

    did("host-prealloc", area - (char *)blocks, sz);
    if (errp && prealloc_fails) {
        *errp = (Error *)&error;
    }
    return !prealloc_fails;
}

/* The sixth argument of QEMU 8.2 is the seventh of later versions. */
#define qemu_prealloc_mem(fd, area, sz, threads, context, ...) \
    prealloc(area, sz, PICK(__VA_ARGS__, __VA_ARGS__))
#define PICK(a, b, ...) ((Error **)(b))

static int virtio_mem_notify_plug(VirtIOMEM *vmem, uint64_t offset, uint64_t size)
{
    did("populate", offset, size);
    return populate_fails ? -1 - (int)the_failure : 0;
}

static void bitmap_set(unsigned long *map, long start, long count)
{
    for (long i = start; i < start + count; i++) {
        *bit(i) = true;
    }
}

static void bitmap_clear(unsigned long *map, long start, long count)
{
    for (long i = start; i < start + count; i++) {
        *bit(i) = false;
    }
}

static void bitmap_zero(unsigned long *map, long count) { bitmap_clear(map, 0, count); }

static unsigned long find_next(unsigned long end, unsigned long start, bool wanted)
{
    for (unsigned long i = start; i < end; i++) {
        /* No block beyond the room there is was ever plugged. */
        if ((i < ROOM && blocks[i]) == wanted) {
            return i;
        }
    }
    return end;
}

static unsigned long find_next_bit(const unsigned long *map, unsigned long end,
                                   unsigned long start)
{
    return find_next(end, start, true);
}

static unsigned long find_next_zero_bit(const unsigned long *map, unsigned long end,
                                        unsigned long start)
{
    return find_next(end, start, false);
}

#ifndef OWN_virtio_mem_default_block_size
static uint64_t virtio_mem_default_block_size(RAMBlock *rb) { return the_default_block; }
#endif

#ifndef OWN_virtio_mem_is_range_plugged
static bool virtio_mem_is_range_plugged(const VirtIOMEM *vmem, uint64_t gpa, uint64_t size)
{
    uint64_t first = (gpa - the_addr) / the_block, end = first + size / the_block;

    return find_next(end, first, false) == end;
}
#endif

#ifndef OWN_virtio_mem_is_range_unplugged
static bool virtio_mem_is_range_unplugged(const VirtIOMEM *vmem, uint64_t gpa, uint64_t size)
{
    uint64_t first = (gpa - the_addr) / the_block, end = first + size / the_block;

    return find_next(end, first, true) == end;
}
#endif

#ifndef OWN_virtio_mem_set_range_plugged
static void virtio_mem_set_range_plugged(VirtIOMEM *vmem, uint64_t gpa, uint64_t size)
{
    bitmap_set(vmem->bitmap, (gpa - the_addr) / the_block, size / the_block);
}
#endif

#ifndef OWN_virtio_mem_set_range_unplugged
static void virtio_mem_set_range_unplugged(VirtIOMEM *vmem, uint64_t gpa, uint64_t size)
{
    bitmap_clear(vmem->bitmap, (gpa - the_addr) / the_block, size / the_block);
}
#endif
