"""How long an update of memslots takes, 256 dynamic ones against a static one; run with `make
bench`, measured and never asserted."""

from collections.abc import Iterator

import pytest
import updates
from pytest_benchmark.fixture import BenchmarkFixture

from conformance.metadata.kvm import KvmError
from conformance.targets.qemu.accel import kvm_missing
from conformance.targets.qemu.process import QemuError

KINDS = pytest.mark.parametrize("static", [True, False], ids=["static", "256 dynamic"])


@pytest.fixture(autouse=True)
def there() -> Iterator[None]:
    if (missing := kvm_missing()) is not None:
        pytest.skip(missing)
    try:
        yield
    except (KvmError, QemuError) as error:
        pytest.skip(str(error))


@KINDS
def test_a_memslot_more(benchmark: BenchmarkFixture, static: bool) -> None:
    with updates.machine(static) as made:
        benchmark.pedantic(updates.one_more, (made,), rounds=20, warmup_rounds=1)


@KINDS
def test_dirty_logging_starts_and_ends(benchmark: BenchmarkFixture, static: bool) -> None:
    with updates.machine(static) as made:
        benchmark.pedantic(updates.logged, (made, static), rounds=5, warmup_rounds=1)


@KINDS
def test_plug_and_unplug_in_a_qemu(benchmark: BenchmarkFixture, static: bool) -> None:
    with updates.qemu(static) as guest:
        benchmark.pedantic(updates.plug_and_unplug, (guest,), rounds=20, warmup_rounds=1)
