#!/usr/bin/env python3
"""`python3 docs/wrong_devices --fault NAME`: a device that is wrong in one way, for slotproof.

Without a fault it is right. It speaks the protocol of ../protocol.md and needs only Python.
"""

import argparse
import json
import sys

from catalogue import FAULTS
from device import EVENTS, FAILURES, REQUESTS, VIEWS, Device, Refused
from guest import Guest
from small import LIMITS, SmallMemslots


def shown(device, answer, more):
    return {"see": {"answer": answer} | device.show() | more}


def after(device, guest, body, said, state, used=None):
    """What is seen once an operation was carried out."""
    more = {} if state is None else {"state": state}
    length = device.used(said) if used is None and body["op"] in REQUESTS else used
    if length is not None:
        more["used"] = length
    if not device.gone:
        seen = {"answer": said} | device.show()
        more |= {"notified": device.notified, "told": device.told}
        more["memory"] = guest.use(device, body, seen)
    return shown(device, said, more)


def batch(device, guest, requests):
    """What is seen of requests that came together; of all but the last only the response."""
    done = device.together(requests)
    seen = []
    for body, (said, state, used) in zip(requests[:-1], done[:-1], strict=True):
        shows = {"answer": said, "state": state, "used": used}
        seen.append({name: value for name, value in shows.items() if value is not None})
        guest.forget(device, body, {"answer": said, "size": 0 if body["op"] == "unplug-all" else 1})
    return [*seen, after(device, guest, requests[-1], *done[-1])["see"]]


def main():
    parser = argparse.ArgumentParser(description="A device that is wrong in one way.")
    parser.add_argument("--fault", choices=sorted(FAULTS), help="be wrong in this way")
    parser.add_argument("--small", action="store_true", help="a right device unlike QEMU's")
    parser.add_argument(
        "--queue",
        action="store_true",
        help="the right device, all of it seen",
    )
    parser.add_argument("--list", action="store_true", help="print every fault as JSON")
    chosen = parser.parse_args()
    if chosen.list:
        print(json.dumps([fault.described() for fault in FAULTS.values()]))
        return
    built = FAULTS[chosen.fault] if chosen.fault else SmallMemslots if chosen.small else Device
    device = guest = None
    for line in sys.stdin:
        ((kind, body),) = json.loads(line).items()
        if kind == "hello":
            able = REQUESTS + EVENTS + FAILURES + VIEWS + built.more
            able += ("batch", "used", "fail-memslot") if chosen.queue else ()
            answer = {"hello": {**body, "name": "wrong device", "capabilities": able}}
            if chosen.small:
                answer["hello"]["limits"] = LIMITS
        elif kind == "start":
            try:
                device, guest = built(body["config"]), Guest()
                more = {"constants": device.constants()}
                if device.own:
                    more["slots"] = device.layout()
                answer = shown(device, "done", more)
            except Refused as reason:
                answer = {"refuse": str(reason)}
        elif kind == "do":
            answer = after(device, guest, body, *device.do(body))
        elif kind == "together":
            answer = {"seen": batch(device, guest, body)}
        else:
            break
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
