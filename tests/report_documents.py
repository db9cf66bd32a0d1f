"""Documents that the tests of the report share: a quick run of each command."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from driver_player import Player

from conformance.check.catalogue import Caught, Fault
from conformance.cli import slotproof
from conformance.commands.check_catalogue import catalogue_document
from conformance.commands.check_driver import rule_results
from conformance.commands.mutants import mutants_json
from conformance.commands.provenance import made
from conformance.commands.verify_source import VERIFY_SOURCE_VERSION
from conformance.drive.campaign import drive
from conformance.drive.lists import event_list
from conformance.drive.schema import document
from conformance.judge.driver.rules import DRIVER_RULES
from model.arithmetic import MIB
from smt_proofs.mutation.alike import explain_all
from smt_proofs.source.findings import Finding, Verdict

EXAMPLE = f"cmd:{sys.executable} {Path(__file__).parents[1] / 'docs' / 'example_device.py'}"

BUG = "forget-activate"
"""A failure that takes several memslots to show."""


KEEPING = ("check", "explore", "prove")
"""Commands that keep failing traces."""
REFUTED = (
    "migration_in_keeps_plugged_in_mapped",
    "migration_in_keeps_plugged_in_mapped_exactly_if_nothing_plugged",
)
"""What the patch does not keep, and the weakest hypothesis under which it does."""
MUTANTS = (
    "arithmetic.minimum:lt-a-b-becomes-le",
    "answers.request_size:mul-blocks-block-becomes-add",
)


def run(*words: object) -> Result:
    """A command, which must not end in a traceback."""
    result = CliRunner().invoke(slotproof, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def printed(*words: str, place: Path) -> str:
    """What a command prints; failing traces go to a folder in `place`."""
    extra = ("--failures", place / "failures") if words[0] in KEEPING else ()
    result = run(*words, *extra)
    assert result.exit_code in (0, 1), result.output
    assert json.loads(result.stdout)["command"] == words[0]
    return result.stdout


def driver_document(fault: str) -> dict[str, Any]:
    """What a check of a driver with that fault prints."""
    rules = frozenset(rule.id for rule in DRIVER_RULES)
    player = Player(fault)
    report = drive(player, (event_list(1, n, 8, player.able) for n in range(1, 6)), rules)
    results = {one.id: (one.verdict, one.message) for one in rule_results(report, {})}
    return document(report, "10.0.2", 1, results, report.failing is None, None, None)


def source_document() -> dict[str, Any]:
    """What verify-source prints of a source with a function that differs; deciding it takes
    minutes."""
    finding = Finding(
        function="virtio_mem_deactivate_unplugged_memslots",
        rule="mapped_after_unplug",
        file="hw/virtio/virtio-mem.c",
        line=547,
        verdict=Verdict.DIFFERS,
        mapping="plugged",
        inputs={
            "region": 8 * MIB,
            "block": 2 * MIB,
            "slot_size": 6 * MIB,
            "count": 2,
            "busy": True,
            "plugged": [[0, 4]],
            "mapped": [[0, 2]],
        },
        what="mapped memslots",
        source_says="[1, 2)",
        model_says="[0, 2)",
        confirmed=True,
        change="changed by the patch",
        after={
            "source": {"plugged": [[0, 4]], "mapped": [[1, 2]]},
            "model": {"plugged": [[0, 4]], "mapped": [[0, 2]]},
        },
    )
    equal = replace(
        finding,
        after=None,
        function="virtio_mem_is_busy",
        verdict=Verdict.EQUAL,
        inputs=None,
        since="2026-01-31",
    )
    return {
        "schema": VERIFY_SOURCE_VERSION,
        "command": "verify-source",
        "file": "series.mbox",
        "is_patch": True,
        "base": "qemu",
        "profile": "qemu",
        "inferred": True,
        "solver": "z3",
        "seconds": 1.0,
        "exit_code": 1,
        "made": made(),
        "remembered": 1,
        "decided": 1,
        "oldest": "2026-01-31",
        "functions": [asdict(f) | {"verdict": f.verdict.value} for f in (finding, equal)],
        "not_covered": [],
        "uncovered": [],
        "other_files": [],
    }


CAUGHT = [
    Caught(Fault("found", "It forgets.", ("answer",)), 1, "answer", 3, steps=2),
    Caught(Fault("missed", "It lies.", ("answer",)), 1, None, 9),
]
"""A wrong device that is found and one that is not."""


def documents(place: Path) -> list[Path]:
    """Files with a document each: proofs, a check that holds, two that fail, a source that differs,
    a small device, metadata, a driver that fails."""
    commands = {
        "prove": ["prove", "default_block_covers_pages", "slots_no_smaller_than_minimum"],
        "prove-seed-v2": ["prove", "--profile", "seed-v2", *REFUTED, "migration_in_never_wraps"],
        "check-qemu": ["check", "--traces", "5"],
        "check-seed-v2": ["check", "--profile", "seed-v2"],
        "check-example": [
            "check",
            "--target",
            f"{EXAMPLE} --bug forget-activate",
            "--traces",
            "20",
        ],
        "compare": ["compare", "seed-v2", "qemu", "--blocks", "2", "--slots", "2"],
        "explore": ["explore", "--blocks", "2", "--slots", "2"],
        "metadata": ["metadata", "--region", "1T", "--plugged", "1G"],
    }
    files = []
    for name, words in commands.items():
        file = place / f"{name}.json"
        file.write_text(printed(*words, "--json", place=place), encoding="utf-8")
        files.append(file)
    driver = place / "check-driver.json"
    driver.write_text(json.dumps(driver_document("unplugs-more")), encoding="utf-8")
    source = place / "source.json"
    source.write_text(json.dumps(source_document()), encoding="utf-8")
    catalogue = place / "catalogue.json"
    catalogue.write_text(json.dumps(catalogue_document(CAUGHT)), encoding="utf-8")
    mutants = place / "mutants.json"
    judged = mutants_json(explain_all(names=MUTANTS))
    mutants.write_text(json.dumps(judged), encoding="utf-8")
    return [*files, driver, source, catalogue, mutants]
