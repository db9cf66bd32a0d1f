"""Looks for inputs at which source and model differ, by running both on machine integers.

After a few inputs at random come those that the solver has in mind, then many at random. The
devices tried have few blocks and few memslots, of any size, where sets are involved; where a
function only computes half of the numbers lie at or beside a power of two or each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import chain, cycle, islice
from random import Random
from typing import Any, Final

from model.arithmetic import GIB, MIB
from model.extents import Extents
from model.machine_ints import INTS
from model.profiles import Mapping, Profile
from smt_proofs.source.case import Case, Claim
from smt_proofs.source.core_claims import machines
from smt_proofs.source.evaluation import Lookup, UndefinedError
from smt_proofs.source.inputs import FLAGS, NARROW, Inputs
from smt_proofs.source.ir import Function
from smt_proofs.source.realistic import believable
from smt_proofs.source.rules import Rule
from smt_proofs.source.runs import EndlessError, TrialRun

SEED: Final = 1
FEW: Final = 300
TRIES: Final = 8_000
GEOMETRY: Final = frozenset({"region", "block", "slot_size", "count", "page", "default_block"})
WORD: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Witness:
    """Inputs at which source and model differ, and what each says of `what`.

    `after` are the sets that each side leaves, by side and name; nothing where a run has no end.
    """

    mapping: Mapping
    inputs: Inputs
    what: str
    source: Any
    model: Any
    after: dict[str, dict[str, Extents]] = field(default_factory=dict)


def find(
    rule: Rule,
    function: Function,
    functions: Lookup,
    profile: Profile,
    mappings: list[Mapping],
    guessed: Iterable[tuple[Mapping, Inputs]] | None = None,
) -> Witness | None:
    """The first difference found, None where none is. Raises UnsupportedError.

    `guessed` are the inputs that the solver has in mind; without any, only a few are tried.
    """
    tried: Iterable[tuple[Mapping, Inputs]] = islice(_random(rule, mappings), FEW)
    if guessed is not None:
        more = islice(_random(rule, mappings), FEW, TRIES)
        tried = chain(tried, guessed, more)
    for mapping, x in tried:
        found = differs(rule, function, functions, profile, mapping, x)
        if found is not None:

            def again(x: Inputs, mapping: Mapping = mapping) -> Witness | None:
                return differs(rule, function, functions, profile, mapping, x)

            return simplified(believable(found, again, arithmetic=rule.arithmetic), again)
    return None


def _random(rule: Rule, mappings: list[Mapping]) -> Iterator[tuple[Mapping, Inputs]]:
    random = Random(SEED)
    for mapping in cycle(mappings):
        x = numbers(random) if rule.arithmetic else device(random)
        yield mapping, machines(random, x) if rule.core else x


def simplified(witness: Witness, again: Callable[[Inputs], Witness | None]) -> Witness:
    """The witness with all inputs at nothing that may be: what is left matters.

    The device itself stays as it is.
    """
    for one in fields(Inputs):
        if one.name in GEOMETRY:
            continue
        value = getattr(witness.inputs, one.name)
        nothing = type(value)()
        if value != nothing:
            x = replace(witness.inputs, **{one.name: nothing})
            simpler = again(x)
            witness = witness if simpler is None else simpler
    return witness


def differs(
    rule: Rule,
    function: Function,
    functions: Lookup,
    profile: Profile,
    mapping: Mapping,
    x: Inputs,
) -> Witness | None:
    """What differs at these inputs, None where nothing does or the hypotheses do not hold."""
    try:
        if not all(holds for _, holds in rule.hypotheses(INTS, x)):
            return None
        case = Case(INTS, x, profile, mapping, TrialRun, functions, function)
        claims = rule.claims(case)
    except UndefinedError as error:
        return Witness(mapping, x, "what C may do", str(error), "nothing of the kind")
    except (EndlessError, ZeroDivisionError):
        return None
    bad: Claim | None = next((claim for claim in claims if not claim.holds), None)
    if bad is None:
        return None
    return Witness(mapping, x, bad.what, bad.source, bad.model, left(case, claims))


def left(case: Case, claims: list[Claim]) -> dict[str, dict[str, Extents]]:
    """The sets after the call: where the model says nothing of one, it stays as it was."""
    wanted = {claim.what: claim.model for claim in claims}
    run, x = case.run, case.x
    return {
        "source": {"plugged": run.plugged, "mapped": run.mapped},
        "model": {
            "plugged": wanted.get("plugged blocks", x.plugged),
            "mapped": wanted.get("mapped memslots", x.mapped),
        },
    }


def numbers(random: Random) -> Inputs:
    """Numbers of any size, related to each other more often than chance would have it."""
    block = 1 << random.choice([0, 1, 12, 20, 21, 21, 22, 30, 31, 33, random.randrange(64)])
    if random.random() < 0.1:
        block = random.choice([0, 3 * MIB, random.randrange(WORD)])
    unit = block or 2 * MIB
    region = _number(random, unit)
    if random.random() < 0.7:
        region = region // unit * unit
    limit = random.choice([0, 1, 2, 3, 7, 255, 256, 257, 65535, 65536, random.randrange(1 << 32)])
    page = random.choice([4096, 4096, unit, unit // 2, 2 * unit % WORD, MIB, GIB])
    addr = _number(random, unit) // unit * unit
    usable = _number(random, unit)
    length = random.choice([0, 1, unit, region, usable, _number(random, unit)])
    gpa = random.choice([0, addr, addr + usable, addr + usable - length, _number(random, unit)])
    thp = random.choice([MIB, 2 * MIB, page % (1 << 32), 32 * MIB])
    return _inputs(
        random,
        region=region,
        block=block,
        limit=limit,
        page=page,
        host_page=random.choice([page, 4096]),
        thp=thp,
        default_block=random.choice([2 * MIB, page or 1, GIB]),
        addr=addr,
        usable=usable,
        length=length,
        gpa=(gpa + random.choice([0, 0, 1, -1, unit, -unit])) % WORD,
        plugged=Extents(),
        mapped=Extents(),
        kvm=False,
    )


def _number(random: Random, unit: int) -> int:
    """A word: around a power of two, a number of units, or any."""
    match random.randrange(5):
        case 0:
            return ((1 << random.randrange(65)) + random.choice([-1, 0, 1])) % WORD
        case 1:
            return (unit * random.randrange(1, 5000)) % WORD
        case 2:
            return (GIB * random.randrange(1, 5000) + random.choice([0, 0, unit])) % WORD
        case 3:
            return (-unit * random.randrange(4)) % WORD
    return random.randrange(WORD)


def device(random: Random) -> Inputs:
    """A device of few blocks in some state, and a request that often hits it."""
    block = random.choice([2, 4, 16, MIB, 2 * MIB, 1 << random.randrange(28, 48)])
    group, count = random.randint(1, 4), random.randint(1, 4)
    blocks = group * (count - 1) + random.randint(1, group)
    region = blocks * block
    addr = block * random.choice([random.randint(0, 9), (1 << random.randrange(32, 48)) // block])
    plugged = _some(random, blocks)
    holding = Extents()
    for index in plugged.members(0, blocks):
        holding = holding.with_range(index // group, index // group + 1)
    mapped = random.choice([holding, _some(random, count), _all(count)])
    size = random.choice([len(plugged) * block, len(plugged) * block, 0])
    requested = random.choice([0, block * random.randint(0, blocks), region])
    usable = random.choice([region, block * random.randint(0, blocks)])
    at, end = sorted((random.randint(0, blocks), random.randint(0, blocks)))
    odd = random.choice([0] * 6 + [1, block // 2])
    length = (end - at) * block
    return _inputs(
        random,
        region=region,
        block=block,
        addr=addr,
        extent=random.choice([0, block, 3 * block, block + 1]),
        slot_size=group * block,
        count=count,
        usable=usable,
        requested=requested,
        size=size,
        asked=random.choice([0, requested, block * random.randint(0, blocks), region])
        + random.choice([0, 0, 0, 1, block // 2]),
        gpa=(addr + at * block + odd) % WORD,
        offset=at * block + odd,
        length=length + odd * random.randint(0, 1),
        node=random.choice([0, 1, random.randrange(1 << 32)]),
        reset=random.randrange(4),
        answer=random.randrange(4),
        failure=random.choice([0, 21, random.randrange(1 << 31)]),
        request=random.choice([0, 1, 2, 3, 4, random.randrange(1 << 16)]),
        sent=random.choice([24, 24, 23, 25, 0, random.randrange(1 << 16)]),
        room=random.choice([10, 10, 9, 11, 24, 0, random.randrange(1 << 16)]),
        blocks=random.choice([end - at, end - at, end - at, 0, 1]),
        plugged=plugged,
        mapped=mapped,
        kvm=False,
    )


def _some(random: Random, end: int) -> Extents:
    """Some of the indices below `end`."""
    share = random.choice([0.0, 0.3, 0.8, 1.0])
    return Extents().with_only(0, end, [i for i in range(end) if random.random() < share])


def _all(end: int) -> Extents:
    return Extents().with_range(0, end)


def _inputs(random: Random, **given: Any) -> Inputs:
    """The record; where not given, flags are mostly as in a device that works, the rest 0."""
    values: dict[str, Any] = {}
    for one in fields(Inputs):
        name = one.name
        if name in FLAGS and name not in given:
            values[name] = random.random() < (0.9 if name in ("option", "memdev", "ram") else 0.3)
        else:
            values[name] = given.get(name, 0)
    # Words of fewer bits, and at least a memslot, as every hypothesis asks.
    for name, bits in NARROW.items():
        values[name] &= (1 << bits) - 1
    values["default_block"] = values["default_block"] or 1
    values["slot_size"] = values["slot_size"] or max(values["region"], 1)
    values["count"] = values["count"] or 1
    return Inputs(**values)
