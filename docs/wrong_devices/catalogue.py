"""Every fault by its name."""

import answers
import events
import failing
import layouts
import lives
import mappings
import memory
import queues
import requests
import sizes
import views
from fault import Fault, name_of

MODULES = (layouts, mappings, requests, answers, sizes, events, memory, queues, failing, lives)
MODULES += (views,)
FAULTS = {
    name_of(found): found
    for module in MODULES
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, Fault) and found.found_by
}
