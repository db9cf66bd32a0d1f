"""The published schema files, built from the code's own tables so that they cannot drift.

`python -m conformance.commands.schema_files` writes them to `conformance/schema/`; a test compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from conformance.check.refuted_schema import refuted_schema
from conformance.check.schema import check_schema
from conformance.commands.check_catalogue import catalogue_schema
from conformance.commands.schema import decide_schema, mutants_schema, prove_schema
from conformance.commands.schema_verify import verify_against_schema, verify_source_schema
from conformance.drive.schema import check_driver_schema
from conformance.explore.schema import compare_schema, coverage_schema, explore_schema
from conformance.metadata.schema import metadata_schema
from conformance.targets.schema import protocol_schema
from conformance.traces.vocabulary import trace_schema

SCHEMAS: Final = {
    "trace-v1.json": trace_schema,
    "protocol-v1.json": protocol_schema,
    "check-v1.json": check_schema,
    "catalogue-v1.json": catalogue_schema,
    "check-driver-v1.json": check_driver_schema,
    "refuted-v1.json": refuted_schema,
    "decide-v1.json": decide_schema,
    "prove-v2.json": prove_schema,
    "mutants-v1.json": mutants_schema,
    "explore-v1.json": explore_schema,
    "compare-v1.json": compare_schema,
    "coverage-v1.json": coverage_schema,
    "metadata-v2.json": metadata_schema,
    "verify-source-v1.json": verify_source_schema,
    "verify-against-v1.json": verify_against_schema,
}
FOLDER: Final = Path(__file__).parents[1] / "schema"


def text_of(name: str) -> str:
    """The bytes of one schema file, as text."""
    return json.dumps(SCHEMAS[name](), indent=2) + "\n"


if __name__ == "__main__":
    for file_name in SCHEMAS:
        FOLDER.joinpath(file_name).write_text(text_of(file_name))
