/*
 * What surrounds the blocks of a device without memslots of its own, in as few
 * words as the rules allow, written for the tests of verify-source.
 */
#define BACKING (vmem->memdev->mr.ram_block)

static bool virtio_mem_is_busy(void)
{
    return migration_is_running() || migration_in_incoming_postcopy();
}

static void virtio_mem_resize_usable_region(VirtIOMEM *vmem, uint64_t wanted,
                                            bool can_shrink)
{
    uint64_t reach = wanted + VIRTIO_MEM_USABLE_EXTENT;
    uint64_t usable = 0;

    if (wanted) {
        reach = MIN(memory_region_size(&vmem->memdev->mr), reach);
        usable = QEMU_ALIGN_UP(reach, vmem->block_size);
    }
    if (can_shrink || usable >= vmem->usable_region_size) {
        vmem->usable_region_size = usable;
    }
}

static int give_back(VirtIOMEM *vmem, uint64_t offset, uint64_t size)
{
    return ram_block_discard_range(BACKING, offset, size) ? -EBUSY : 0;
}

static int take(VirtIOMEM *vmem, uint64_t offset, uint64_t size)
{
    void *from = memory_region_get_ram_ptr(&vmem->memdev->mr) + offset;
    int fd = memory_region_get_fd(&vmem->memdev->mr);
    Error *why = NULL;

    if (qemu_prealloc_mem(fd, from, size, 1, NULL, false, &why)) {
        return 0;
    }
    warn_report_err(why);
    return -EBUSY;
}

static int virtio_mem_set_block_state(VirtIOMEM *vmem, uint64_t gpa,
                                      uint64_t size, bool plug)
{
    uint64_t offset = gpa - vmem->addr;
    int failed = 0;

    if (virtio_mem_is_busy()) {
        return -EBUSY;
    }
    if (!plug) {
        failed = give_back(vmem, offset, size);
        if (failed) {
            goto out;
        }
        virtio_mem_notify_unplug(vmem, offset, size);
        virtio_mem_set_range_unplugged(vmem, gpa, size);
        goto out;
    }
    if (vmem->prealloc) {
        failed = take(vmem, offset, size);
    }
    if (!failed) {
        failed = virtio_mem_notify_plug(vmem, offset, size);
    }
    if (failed) {
        give_back(vmem, offset, size);
    } else {
        virtio_mem_set_range_plugged(vmem, gpa, size);
    }
out:
    return failed ? -EBUSY : 0;
}

static int virtio_mem_unplug_all(VirtIOMEM *vmem)
{
    uint64_t whole = qemu_ram_get_used_length(BACKING);

    if (vmem->size) {
        if (virtio_mem_is_busy() || give_back(vmem, 0, whole)) {
            return -EBUSY;
        }
        virtio_mem_notify_unplug_all(vmem);
        bitmap_zero(vmem->bitmap, vmem->bitmap_size);
        vmem->size = 0;
        notifier_list_notify(&vmem->size_change_notifiers, &vmem->size);
    }
    virtio_mem_resize_usable_region(vmem, vmem->requested_size, true);
    return 0;
}

static void virtio_mem_send_response_simple(VirtIOMEM *vmem,
                                            VirtQueueElement *elem, uint16_t type)
{
    struct virtio_mem_resp resp = { .type = cpu_to_le16(type) };

    virtio_mem_send_response(vmem, elem, &resp);
}

static int virtio_mem_state_change_request(VirtIOMEM *vmem, uint64_t gpa,
                                           uint16_t nb_blocks, bool plug)
{
    return VIRTIO_MEM_RESP_NACK;
}

static void virtio_mem_plug_request(VirtIOMEM *vmem, VirtQueueElement *elem,
                                    struct virtio_mem_req *req)
{
    uint16_t count = le16_to_cpu(req->u.plug.nb_blocks);
    uint64_t from = le64_to_cpu(req->u.plug.addr);

    virtio_mem_send_response_simple(
        vmem, elem, virtio_mem_state_change_request(vmem, from, count, true));
}

static void virtio_mem_unplug_all_request(VirtIOMEM *vmem, VirtQueueElement *elem)
{
    uint16_t type = VIRTIO_MEM_RESP_ACK;

    switch (virtio_mem_unplug_all(vmem)) {
    case 0:
        break;
    default:
        type = VIRTIO_MEM_RESP_BUSY;
        break;
    }
    virtio_mem_send_response_simple(vmem, elem, type);
}

static void virtio_mem_get_config(VirtIODevice *vdev, uint8_t *data)
{
    VirtIOMEM *vmem = VIRTIO_MEM(vdev);
    struct virtio_mem_config *config = (void *)data;

    config->node_id = cpu_to_le16(vmem->node);
    config->addr = cpu_to_le64(vmem->addr);
    config->region_size = cpu_to_le64(memory_region_size(&vmem->memdev->mr));
    config->block_size = cpu_to_le64(vmem->block_size);
    config->usable_region_size = cpu_to_le64(vmem->usable_region_size);
    config->plugged_size = cpu_to_le64(vmem->size);
    config->requested_size = cpu_to_le64(vmem->requested_size);
}
