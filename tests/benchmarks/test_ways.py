"""Requests by each way to a device; run with `make bench`, measured and never asserted."""

import pytest
import ways
from pytest_benchmark.fixture import BenchmarkFixture

from conformance.targets.driver.bus import DriverError

REQUESTS = 100


@pytest.mark.parametrize("observed", [False, True], ids=["alone", "memslots observed"])
@pytest.mark.parametrize("name", ways.WAYS)
def test_requests(benchmark: BenchmarkFixture, name: str, observed: bool) -> None:
    benchmark.extra_info["steps"] = REQUESTS
    try:
        with ways.WAYS[name](observed) as way:
            done = benchmark.pedantic(ways.requests, (way, REQUESTS), rounds=3, warmup_rounds=1)
    except DriverError as error:
        pytest.skip(str(error))
    assert done == REQUESTS
