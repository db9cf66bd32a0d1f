"""All edits that change what the device does."""

from source_edits.changing_between import BETWEEN
from source_edits.changing_calls import CALLS
from source_edits.changing_helpers import HELPERS
from source_edits.changing_host import HOST
from source_edits.changing_listeners import LISTENERS
from source_edits.changing_load import LOAD
from source_edits.changing_logic import LOGIC
from source_edits.changing_names import NAMES
from source_edits.changing_queue import QUEUE
from source_edits.changing_requests import REQUESTS
from source_edits.changing_text import HIDDEN, OUTSIDE
from source_edits.changing_types import TYPES

CHANGING = (
    *HOST,
    *TYPES,
    *NAMES,
    *CALLS,
    *HELPERS,
    *REQUESTS,
    *LISTENERS,
    *QUEUE,
    *LOAD,
    *LOGIC,
    *HIDDEN,
    *OUTSIDE,
    *BETWEEN,
)
