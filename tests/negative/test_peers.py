"""What other devices do against VIRTIO's text is found from a random seed and made small."""

from pathlib import Path

import pytest

from conformance.check.campaign import check
from conformance.check.scenarios import SCENARIOS
from conformance.check.shrink import shrink
from conformance.check.suite import (
    as_expected,
    claim_results,
    judge_for,
    read_expected,
    run_scenario,
)
from conformance.judge.finding import Kind
from conformance.judge.judge import CLAIMS, Judge
from conformance.judge.verdict import FAILURES, Verdict
from conformance.judge.virtio.rules import RULES
from conformance.targets.reference import ReferenceTarget
from model.observation import Observation
from model.profiles import CLOUD_HYPERVISOR, FIRECRACKER, QEMU, Profile
from model.state import Config
from smt_proofs.transitions.refuted import REFUTED

pytestmark = pytest.mark.slow

KNOWN = Path(__file__).parents[2] / "docs" / "known-faults"
BINDING = frozenset(rule.id for rule in RULES if rule.binding)
SEED = 20261125


@pytest.mark.parametrize(
    ("profile", "rule", "message"),
    [
        (FIRECRACKER, "config-usable-covers-requested", "usable 0 is below requested"),
        (FIRECRACKER, "plug-done-is-ack", "answered error, yet the plugged size changed"),
        (CLOUD_HYPERVISOR, "plug-misaligned-is-error", "allowed error, seen nack"),
        (CLOUD_HYPERVISOR, "plug-empty-is-error", "allowed error, seen nack"),
        (CLOUD_HYPERVISOR, "plug-outside-is-error", "allowed error, seen nack"),
        (CLOUD_HYPERVISOR, "plug-plugged-is-error", "allowed error, seen nack"),
        (CLOUD_HYPERVISOR, "state-unplugged", "allowed unplugged, seen plugged"),
        # Unplugging what was never counted: the plugged size goes below 0.
        (CLOUD_HYPERVISOR, "unusable-blocks-unplugged", "exceeds usable"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_deviation_is_found_and_made_small(profile: Profile, rule: str, message: str) -> None:
    target = ReferenceTarget()
    judge = Judge(exact=False, rules=frozenset({rule}))
    report = check(target, profile, seed=SEED, traces=400, steps=60, judge=judge)
    assert report.failing is not None
    small = shrink(target, report.failing)
    assert small.finding is not None
    assert (small.finding.kind, small.finding.what) == (Kind.VIRTIO, rule)
    assert message in small.finding.message
    assert len(small.steps) <= 5


@pytest.mark.parametrize(
    ("profile", "broken"),
    [
        (QEMU, {"plug-plugged-is-error"}),
        (
            FIRECRACKER,
            {
                "config-usable-covers-requested",
                "plug-done-is-ack",
                "memslot-of-plugged-mapped",
            },
        ),
        (
            CLOUD_HYPERVISOR,
            {
                "plug-misaligned-is-error",
                "plug-empty-is-error",
                "plug-outside-is-error",
                "plug-plugged-is-error",
                # All of these come from blocks that a failed PLUG left marked and uncounted.
                "state-unplugged",
                "state-mixed",
                "config-plugged-size",
                "plug-in-plugged-size",
                "plug-enough-is-rejected",
                "unplug-in-plugged-size",
                "unplug-unplugged-is-error",
                "unusable-blocks-unplugged",
                "listeners-know-plugged",
                "memory-given-back",
            },
        ),
    ],
    ids=["qemu", "firecracker", "cloud-hypervisor"],
)
def test_no_rule_is_broken_but_those_known(profile: Profile, broken: set[str]) -> None:
    judge = Judge(exact=False)
    report = check(ReferenceTarget(), profile, seed=SEED, traces=400, steps=60, judge=judge)
    assert set(report.breached) & BINDING == broken


@pytest.mark.parametrize(("profile", "seed"), [(FIRECRACKER, 1), (CLOUD_HYPERVISOR, 2)])
def test_a_device_equal_to_a_peer_passes_with_the_known_faults_of_its_profile(
    profile: Profile, seed: int
) -> None:
    """All of them show, what is refuted is among them, and without one the check fails."""
    known = read_expected(KNOWN / f"exact-{profile.name}.toml")
    assert {row.claim for row in REFUTED if row.profile == profile.name} <= known.keys()
    judge = judge_for("exact", known)
    report = check(ReferenceTarget(), profile, seed=seed, traces=100, steps=60, judge=judge)
    assert report.failing is None
    shown = {result.id: result.verdict for result in claim_results(report, known)}
    assert shown == dict.fromkeys(known.keys() & CLAIMS, Verdict.FAIL)
    ran = [run_scenario(one, ReferenceTarget(), profile, judge) for one in SCENARIOS]
    told = {result.id: result.verdict for result in as_expected(ran, known)}
    assert not FAILURES & set(told.values())
    assert {id for id in told if told[id] is Verdict.EXPECTED} == known.keys() - CLAIMS
    fewer = judge_for("exact", known.keys() - {"plug-does"})
    report = check(ReferenceTarget(), profile, seed=seed, traces=100, steps=60, judge=fewer)
    assert report.finding is not None and report.finding.what == "plug-does"


class As(ReferenceTarget):
    """A device of another profile than the one that it is checked by."""

    def __init__(self, profile: Profile) -> None:
        super().__init__()
        self.profile = profile

    def fitted(self, profile: Profile, config: Config) -> Config:
        region = config.block * 64
        return Config(region=region, block=config.block, limit=1, requested=region)

    def start(self, profile: Profile, config: Config) -> Observation:
        return super().start(self.profile, config)


def test_error_for_too_much_is_no_deviation_but_another_profile() -> None:
    """VIRTIO names no response for a PLUG beyond the requested size."""
    target = As(FIRECRACKER)
    target.capabilities = frozenset({"plug", "size", "state"})  # type: ignore[misc]
    report = check(target, QEMU, seed=SEED, traces=50, steps=60)
    assert report.failing is not None
    small = shrink(target, report.failing)
    assert small.finding is not None and len(small.steps) <= 5
    assert small.finding.kind is Kind.DIVERGENCE
