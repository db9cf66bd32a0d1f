"""What is done once a migration has loaded the device's state (B.4)."""

from source_edits.edit import FILE, edit

LOAD = (
    edit(
        "a failure of the blocks is lost after loading",
        "B.4",
        "post_load",
        ("if (ret) { return ret; }", ""),
    ),
    edit(
        "shared memory is discarded after loading",
        "B.4",
        "post_load",
        ("if (migrate_ram_is_ignored(", "if (!migrate_ram_is_ignored("),
    ),
    edit(
        "memory still to come is discarded",
        "B.4",
        "post_load",
        ("if (migration_in_incoming_postcopy()) { return 0; }", ""),
    ),
    edit(
        "a failure to discard is no failure",
        "B.4",
        "post_load",
        (
            "return virtio_mem_restore_unplugged(vmem);",
            "virtio_mem_restore_unplugged(vmem); return 0;",
        ),
    ),
    edit(
        "a failure is told as a positive number",
        "B.4",
        "post_load",
        (
            "return virtio_mem_restore_unplugged(vmem);",
            "return virtio_mem_restore_unplugged(vmem) ? EINVAL : 0;",
        ),
    ),
    edit(
        "memory is discarded ahead of the blocks",
        "B.4",
        "post_load",
        (
            "int ret; if (",
            "int ret = virtio_mem_restore_unplugged(vmem); if (ret) { return ret; } if (",
        ),
        ("return virtio_mem_restore_unplugged(vmem);", "return 0;"),
    ),
    edit(
        "a requested size of before",
        "B.4",
        "post_load",
        ("int ret; if (", "int ret; vmem->requested_size = vmem->size; if ("),
    ),
    edit(
        "no memory is taken early",
        "B.4",
        "post_load_early",
        ("if (!vmem->prealloc) {", "if (vmem->prealloc) {"),
    ),
    edit(
        "memory that cannot be taken is no failure",
        "B.4",
        "post_load_early",
        ("if (ret) { return ret; }", ""),
    ),
    edit(
        "all memory is discarded where postcopy cannot come",
        "B.4",
        "post_load_early",
        ("if (migration_incoming_postcopy_advised()) {", "{"),
    ),
    edit(
        "half of the memory is discarded early",
        "B.4",
        "post_load_early",
        (
            "ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb))",
            "ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb) / 2)",
        ),
    ),
    edit(
        "no early blocks without preallocation",
        "B.4",
        "post_load_early",
        ("if (!vmem->prealloc) { goto post_load_bitmap; }", "if (!vmem->prealloc) { return 0; }"),
    ),
    edit(
        "memory is given back where it was to be taken",
        "B.4",
        "post_load_early",
        ("virtio_mem_prealloc_range_cb", "virtio_mem_discard_range_cb"),
    ),
    edit(
        "plugged memory is discarded after loading",
        "B.4",
        "restore_unplugged",
        ("virtio_mem_for_each_unplugged_range(", "virtio_mem_for_each_plugged_range("),
    ),
    edit(
        "unplugged memory is taken after loading",
        "B.4",
        "restore_unplugged",
        ("virtio_mem_discard_range_cb", "virtio_mem_prealloc_range_cb"),
    ),
    edit(
        "a range that cannot be discarded is no failure",
        "B.4",
        "discard_range_cb",
        ("? -EINVAL : 0;", "? 0 : 0;"),
    ),
    edit(
        "a range is discarded from the start",
        "B.4",
        "discard_range_cb",
        ("(rb, offset, size)", "(rb, 0, size)"),
    ),
    edit(
        "an area one byte on is taken",
        "B.4",
        "prealloc_range_cb",
        ("+ offset;", "+ offset + 1;"),
    ),
    edit(
        "an error of early memory is not told",
        "B.4",
        "prealloc_range_cb",
        ("error_report_err(local_err);", ""),
    ),
    edit(
        "memslots of another range are mapped after loading",
        "B.4",
        "activate_memslot_range_cb",
        ("(vmem, offset, size);", "(vmem, size, offset);"),
    ),
    edit(
        "memslots of the first range alone are mapped after loading",
        "B.4",
        "activate_memslot_range_cb",
        ("return 0;", "return 1;"),
    ),
    edit(
        "nothing is plugged after early loading",
        "B.4",
        "post_load_early",
        (
            "int ret; if",
            "int ret; vmem->size = 0; if",
        ),
    ),
    edit(
        "memory that cannot be taken is all given back",
        "B.4",
        "post_load_early",
        (
            "if (ret) { return ret; }",
            "if (ret) { ram_block_discard_range(rb, 0, qemu_ram_get_used_length(rb)); "
            "return ret; }",
        ),
    ),
    edit(
        "the blocks are followed twice",
        "B.4",
        "post_load_early",
        (
            "return virtio_mem_post_load_bitmap(vmem);",
            "virtio_mem_post_load_bitmap(vmem); return virtio_mem_post_load_bitmap(vmem);",
        ),
    ),
    edit(
        "a later version is not loaded",
        "B.4",
        "post_load",
        (
            "int ret; if",
            "int ret; if (version_id > 1) { return 0; } if",
        ),
    ),
    edit(
        "the usable region shrinks after loading",
        "B.4",
        "post_load",
        (
            "return virtio_mem_restore_unplugged(vmem);",
            "virtio_mem_resize_usable_region(vmem, vmem->requested_size, true); "
            "return virtio_mem_restore_unplugged(vmem);",
        ),
    ),
    edit(
        "early memory is taken some time later",
        "B.4",
        "prealloc_range_cb",
        (
            "size, 1, NULL, false,",
            "size, 1, NULL, true,",
        ),
    ),
    edit(
        "part of a range is discarded",
        "B.4",
        "discard_range_cb",
        (
            "(rb, offset, size) ?",
            "(rb, offset, size & ~(vmem->block_size)) ?",
        ),
    ),
    edit(
        "the function for each range is a macro of another",
        "B.4",
        "restore_unplugged",
        (
            FILE,
            "static int virtio_mem_restore_unplugged(",
            "#define virtio_mem_discard_range_cb virtio_mem_prealloc_range_cb\nstatic "
            "int virtio_mem_restore_unplugged(",
        ),
    ),
)
