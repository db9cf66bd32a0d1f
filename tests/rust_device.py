"""A device in Rust, of the shape that verify-source reads, and ways to get it wrong."""

DEVICE = """
use crate::logger::{error, warn};

pub struct VirtioMem {
    config: virtio_mem_config,
    plugged_blocks: BitVec,
}

impl VirtioMem {
    fn bytes(&self, nb_blocks: usize) -> u64 {
        usize_to_u64(nb_blocks) * self.config.block_size
    }

    fn validate_range(&self, range: &RequestedRange) -> Result<(), VirtioMemError> {
        let len = self.bytes(range.nb_blocks);
        if range.addr.0 % self.config.block_size != 0 || range.nb_blocks == 0 {
            return Err(VirtioMemError::InvalidRange(*range));
        }
        if range.addr.0 < self.config.addr {
            return Err(VirtioMemError::InvalidRange(*range));
        }
        let start = range.addr.0 - self.config.addr;
        if start >= self.config.usable_region_size {
            return Err(VirtioMemError::InvalidRange(*range));
        }
        start
            .checked_add(len)
            .filter(|&end| end <= self.config.usable_region_size)
            .ok_or(VirtioMemError::InvalidRange(*range))
            .map(|_| ())
    }

    fn span(&self, range: &RequestedRange) -> Range<usize> {
        let first = u64_to_usize((range.addr.0 - self.config.addr) / self.config.block_size);
        first..(first + range.nb_blocks)
    }

    fn update(&mut self, range: &RequestedRange, plug: bool) -> Result<(), VirtioMemError> {
        let len = self.bytes(range.nb_blocks);
        let blocks = self.span(range);
        self.plugged_blocks[blocks].fill(plug);
        if plug {
            self.config.plugged_size += len;
        } else {
            self.config.plugged_size -= len;
        }
        self.update_kvm_slots(range)?;
        if !plug && let Err(err) = self.guest_memory().discard_range(range.addr, u64_to_usize(len))
        {
            error!("memory stays: {}", err);
        }
        Ok(())
    }

    fn plug(&mut self, range: &RequestedRange) -> Result<(), VirtioMemError> {
        self.validate_range(range)?;
        let len = self.bytes(range.nb_blocks);
        if self.config.plugged_size + len > self.config.requested_size {
            return Err(VirtioMemError::PlugRequestIsTooBig);
        }
        let blocks = self.span(range);
        match self.plugged_blocks[blocks].count_ones() {
            0 => self.update(range, true),
            _ => Err(VirtioMemError::PlugRequestBlockStateInvalid),
        }
    }

    fn unplug(&mut self, range: &RequestedRange) -> Result<(), VirtioMemError> {
        self.validate_range(range)?;
        let blocks = self.span(range);
        if self.plugged_blocks[blocks].count_ones() != range.nb_blocks {
            return Err(VirtioMemError::UnplugRequestBlockStateInvalid);
        }
        self.update(range, false)
    }

    fn handle_plug_request(
        &mut self, range: &RequestedRange, resp_addr: GuestAddress, used_idx: u16,
    ) -> Result<(), VirtioMemError> {
        METRICS.plug_count.inc();
        let response = match self.plug(range) {
            Err(err) => {
                error!("PLUG refused: {}", err);
                Response::error()
            }
            Ok(()) => Response::ack(),
        };
        self.write_response(response, resp_addr, used_idx)
    }

    fn handle_unplug_request(
        &mut self, range: &RequestedRange, resp_addr: GuestAddress, used_idx: u16,
    ) -> Result<(), VirtioMemError> {
        let response = if self.unplug(range).is_ok() { Response::ack() } else { Response::error() };
        self.write_response(response, resp_addr, used_idx)
    }

    fn write_response(
        &mut self, resp: Response, resp_addr: GuestAddress, used_idx: u16,
    ) -> Result<(), VirtioMemError> {
        self.put(resp, resp_addr, used_idx)
    }

    fn status(&self) -> u64 {
        self.config.plugged_size
    }
}
"""

CHECK, PLUG, UNPLUG = "validate_range", "handle_plug_request", "handle_unplug_request"

WRONG: dict[str, tuple[str, str, str]] = {
    "no alignment": (CHECK, "range.addr.0 % self.config.block_size != 0 || ", ""),
    "an empty range is fine": (CHECK, " || range.nb_blocks == 0", ""),
    "the range may not end at the end": (CHECK, "|&end| end <=", "|&end| end <"),
    "the whole region is usable": (
        CHECK,
        "|&end| end <= self.config.usable_region_size",
        "|&end| end <= self.config.region_size",
    ),
    "the last byte counts": (CHECK, ".checked_add(len)", ".checked_add(len - 1)"),
    "the end wraps": (CHECK, ".checked_add(len)", ".checked_add(0)"),
    "the check changes the device": (
        CHECK,
        "let start = range",
        "self.config.usable_region_size += 1;\n        let start = range",
    ),
    "addresses count from 0": (CHECK, "range.addr.0 - self.config.addr;\n", "range.addr.0;\n"),
    "one block too many is plugged": (
        PLUG,
        "self.config.plugged_size + len > self.config.requested_size",
        "self.config.plugged_size > self.config.requested_size",
    ),
    "the requested size is out of reach": (PLUG, "+ len > self", "+ len >= self"),
    "PLUG takes blocks away": (PLUG, "self.update(range, true)", "self.update(range, false)"),
    "blocks that are plugged": (PLUG, "            0 => self", "            _ => self"),
    "what is plugged is not counted": (PLUG, "self.config.plugged_size += len;", ""),
    "another size is counted": (
        PLUG,
        "self.config.plugged_size += len",
        "self.config.requested_size += len",
    ),
    "PLUG discards": (PLUG, "if !plug && let Err", "if let Err"),
    "PLUG is refused with success": (PLUG, "Response::error()\n            }", "Response::ack() }"),
    "nobody is answered": (
        PLUG,
        "used_idx)\n    }\n\n    fn handle_un",
        "0)\n    }\n\n    fn handle_un",
    ),
    "blocks that are not plugged": (
        UNPLUG,
        ".count_ones() != range.nb_blocks",
        ".count_ones() == 0",
    ),
    "memory is given back first": (
        UNPLUG,
        "self.update_kvm_slots(range)?;",
        "if !plug { self.guest_memory().discard_range(range.addr, 0); }\n"
        "        self.update_kvm_slots(range)?;",
    ),
    "memory is kept": (UNPLUG, "!plug && let Err", "plug && let Err"),
    "memslots are kept": (UNPLUG, "self.update_kvm_slots(range)?;", ""),
    "UNPLUG without a check": (
        UNPLUG,
        "fn unplug(&mut self, range: &RequestedRange) -> Result<(), VirtioMemError> {\n"
        "        self.validate_range(range)?;",
        "fn unplug(&mut self, range: &RequestedRange) -> Result<(), VirtioMemError> {",
    ),
    "answers exchanged": (
        UNPLUG,
        "{ Response::ack() } else { Response::error() }",
        "{ Response::error() } else { Response::ack() }",
    ),
    "what is unplugged is counted": (UNPLUG, "plugged_size -= len", "plugged_size += len"),
}
"""The function that differs, and one replacement in the text."""
UNREAD: dict[str, tuple[str, str, str]] = {
    "a name of its own": (
        CHECK,
        "pub struct",
        "fn u64_to_usize(x: u64) -> usize { 0 }\npub struct",
    ),
    "a macro of its own": (CHECK, "pub struct", "macro_rules! error { () => {} }\npub struct"),
    "an import under another name": (CHECK, "{error, warn}", "{other as error, warn}"),
    "a function under a condition": (
        CHECK,
        "    fn validate_range",
        '    #[cfg(feature = "strict")]\n    fn validate_range',
    ),
    "a statement under a condition": (
        CHECK,
        "        let start = range",
        "        #[cfg(test)]\n        return Ok(());\n        let start = range",
    ),
    "defined again": (CHECK, "fn span(", "fn validate_range(&self) {}\n    fn span("),
    "a log that does something": (
        PLUG,
        'error!("PLUG refused: {}", err)',
        'error!("{}", self.config.plugged_size += 1)',
    ),
    "a function of another type": (
        CHECK,
        "        let start = range",
        "        Helper::wipe(self);\n        let start = range",
    ),
    "a narrow number": (CHECK, "let len = self.bytes(range", "let len = 0 + self.bytes2(range"),
    "a cast": (CHECK, "self.bytes(range.nb_blocks);", "self.bytes(range.nb_blocks) as u32;"),
    "memslots of other blocks": (
        UNPLUG,
        "self.update_kvm_slots(range)?;",
        "self.update_kvm_slots(&RequestedRange { addr: range.addr, nb_blocks: 1 })?;",
    ),
    "memslots ahead of blocks": (
        PLUG,
        "let blocks = self.span(range);\n        self.plugged_blocks[blocks].fill(plug);",
        "self.update_kvm_slots(range)?;\n        let blocks = self.span(range);\n"
        "        self.plugged_blocks[blocks].fill(plug);",
    ),
    "a loop": (CHECK, "let start = range", "loop { break; }\n        let start = range"),
}
"""What is not understood; what it does is never guessed."""
HARMLESS: tuple[tuple[str, str], ...] = (
    (
        "range.addr.0 % self.config.block_size != 0",
        "!range.addr.0.is_multiple_of(self.config.block_size)",
    ),
    ("if range.addr.0 < self.config.addr {", "if self.config.addr > range.addr.0 {"),
    ("start >= self.config.usable_region_size", "!(start < self.config.usable_region_size)"),
    (".filter(|&end| end <= self", ".filter(|end| !(*end > self"),
    (
        "usable_region_size)\n            .ok_or(",
        "usable_region_size))\n            .ok_or_else(|_| ",
    ),
    (
        "first..(first + range.nb_blocks)",
        "let past = range.nb_blocks + first;\n        first..past",
    ),
    (
        "usize_to_u64(nb_blocks) * self.config.block_size",
        "(self.config.block_size * (nb_blocks as u64))",
    ),
    (
        "            0 => self.update(range, true),\n"
        "            _ => Err(VirtioMemError::PlugRequestBlockStateInvalid),",
        "            0 => {}\n"
        "            _ => return Err(VirtioMemError::PlugRequestBlockStateInvalid),",
    ),
    (
        "\n        }\n    }\n\n    fn unplug(",
        "\n        }\n        self.update(range, true)\n    }\n\n    fn unplug(",
    ),
    ("            Ok(()) => Response::ack(),", "            _ => Response::ack(),"),
    ('error!("PLUG refused: {}", err);', 'warn!("no: {} of {}", err, self.config.addr);'),
)
"""Replacements that change nothing."""


def edited(old: str, new: str, text: str = DEVICE) -> str:
    """The text with one replacement."""
    assert old in text, old
    return text.replace(old, new, 1)
