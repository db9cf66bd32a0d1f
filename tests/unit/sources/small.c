/*
 * A device with memslots in as few words as the rules allow, written for the
 * tests of verify-source: the functions have QEMU's names, not its text.
 */
#define VIRTIO_MEM_MIN_MEMSLOT_SIZE (1 * GiB)
#define LEAST(block) no_expression_needed

static bool virtio_mem_valid_range(const VirtIOMEM *vmem, uint64_t gpa,
                                   uint64_t size)
{
    const uint64_t stop = gpa + size;
    const uint64_t usable_end = vmem->addr + vmem->usable_region_size;

    if (size == 0 || stop < gpa || gpa % vmem->block_size) {
        return false;
    }
    return gpa >= vmem->addr && gpa < usable_end && stop <= usable_end;
}

static void virtio_mem_decide_memslots(VirtIOMEM *vmem, unsigned int limit)
{
    uint64_t region, each;
    unsigned int count;

    if (!vmem->dynamic_memslots) {
        return;
    }
    vmem->nb_memslots = 1;
    if (limit < 2 || !vmem->memdev || !vmem->memdev->mr.ram_block) {
        return;
    }
    region = memory_region_size(&vmem->memdev->mr);
    vmem->block_size = vmem->block_size ? vmem->block_size
        : virtio_mem_default_block_size(vmem->memdev->mr.ram_block);
    if (vmem->block_size < qemu_ram_pagesize(vmem->memdev->mr.ram_block) ||
        region % vmem->block_size != 0) {
        return;
    }
    each = QEMU_ALIGN_UP(region / limit, vmem->block_size);
    each = MAX(each, MAX(vmem->block_size, VIRTIO_MEM_MIN_MEMSLOT_SIZE));
    count = DIV_ROUND_UP(region, each);
    vmem->nb_memslots = count;
    if (count != 1) {
        vmem->memslot_size = each;
    }
}

static unsigned int virtio_mem_get_memslots(VirtIOMEM *vmem)
{
    return vmem->dynamic_memslots ? vmem->nb_memslots : 1;
}

static uint64_t virtio_mem_default_block_size(RAMBlock *rb)
{
    uint64_t least = 1 * MiB;

    if (qemu_ram_pagesize(rb) == qemu_real_host_page_size()) {
        least = virtio_mem_thp_size();
    }
    return MAX(qemu_ram_pagesize(rb), least);
}

static uint64_t slot_start(const VirtIOMEM *vmem, unsigned int idx)
{
    return vmem->memslot_size * idx;
}

static uint64_t slot_length(const VirtIOMEM *vmem, unsigned int idx)
{
    if (idx + 1 == vmem->nb_memslots) {
        return memory_region_size(&vmem->memdev->mr) - slot_start(vmem, idx);
    }
    return vmem->memslot_size;
}

static void virtio_mem_prepare_memslots(VirtIOMEM *vmem)
{
    vmem->memslots = g_new0(MemoryRegion, vmem->nb_memslots);
    for (unsigned int i = 0; i < vmem->nb_memslots; ++i) {
        memory_region_init_alias(&vmem->memslots[i], OBJECT(vmem), "slot",
                                 &vmem->memdev->mr, slot_start(vmem, i),
                                 slot_length(vmem, i));
        memory_region_set_unmergeable(&vmem->memslots[i], true);
    }
}

static void virtio_mem_activate_memslots_to_plug(VirtIOMEM *vmem,
                                                 uint64_t offset, uint64_t size)
{
    const unsigned int end = (offset + size + (vmem->memslot_size - 1)) /
                             vmem->memslot_size;
    unsigned int i;

    assert(vmem->dynamic_memslots);
    memory_region_transaction_begin();
    for (i = offset / vmem->memslot_size; i < end; i += 1) {
        if (!memory_region_is_mapped(&vmem->memslots[i])) {
            memory_region_add_subregion(vmem->mr, slot_start(vmem, i),
                                        &vmem->memslots[i]);
        }
    }
    memory_region_transaction_commit();
}

static void virtio_mem_deactivate_unplugged_memslots(VirtIOMEM *vmem,
                                                     uint64_t offset,
                                                     uint64_t size)
{
    const unsigned int end = (offset + size + vmem->memslot_size - 1) /
                             vmem->memslot_size;
    unsigned int i;

    assert(vmem->dynamic_memslots);
    memory_region_transaction_begin();
    for (i = offset / vmem->memslot_size; i < end; i++) {
        const uint64_t start = slot_start(vmem, i);
        const uint64_t length = slot_length(vmem, i);
        bool whole = start >= offset && start + length <= offset + size;

        if (!memory_region_is_mapped(&vmem->memslots[i])) {
            continue;
        }
        if (whole ||
            virtio_mem_is_range_unplugged(vmem, vmem->addr + start, length)) {
            memory_region_del_subregion(vmem->mr, &vmem->memslots[i]);
        }
    }
    memory_region_transaction_commit();
}

static void virtio_mem_resize_usable_region(VirtIOMEM *vmem,
                                            uint64_t requested_size,
                                            bool can_shrink)
{
    uint64_t size = 0;

    if (requested_size != 0) {
        size = MIN(memory_region_size(&vmem->memdev->mr),
                   requested_size + VIRTIO_MEM_USABLE_EXTENT);
        size = QEMU_ALIGN_UP(size, vmem->block_size);
    }
    if (can_shrink || size >= vmem->usable_region_size) {
        vmem->usable_region_size = size;
    }
}
