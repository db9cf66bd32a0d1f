"""All edits that leave what the device does as it was."""

from source_edits.harmless_blocks import BLOCKS
from source_edits.harmless_memslots import MEMSLOTS
from source_edits.harmless_queue import QUEUE
from source_edits.harmless_requests import REQUESTS
from source_edits.harmless_sizes import SIZES

HARMLESS = (*REQUESTS, *BLOCKS, *MEMSLOTS, *SIZES, *QUEUE)
