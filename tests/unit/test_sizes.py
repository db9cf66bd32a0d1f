"""Sizes on the command line."""

import pytest

from conformance.traces.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("4096B", 4096),
        ("1K", 1 << 10),
        ("2m", 2 << 20),
        ("2MiB", 2 << 20),
        ("2MB", 2 << 20),
        ("5G", 5 << 30),
        ("1t", 1 << 40),
        ("3P", 3 << 50),
        ("15E", 15 << 60),
        (" 7G ", 7 << 30),
        ("0x10", 16),
        ("0X100000000", 4 << 30),
        ("0x1e", 30),
        ("0xffffffffffffffff", (1 << 64) - 1),
        ("18446744073709551615", (1 << 64) - 1),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "G", "5G+1", "-1", "1.5G", "0x", "0xG", "0x10G", "1 G", "1KK", "1Z", "1i", "٣G", "9" * 30],
)
def test_nonsense_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size") as caught:
        parse_size(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["16E", "0x10000000000000000", "18446744073709551616", "99999999999E"]
)
def test_a_size_of_more_than_64_bits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (4097, "4097 B"),
        (1280 << 20, "1280 MiB"),
        (1 << 40, "1 TiB"),
        (1 << 60, "1 EiB"),
    ],
)
def test_a_size_is_shown_in_the_largest_whole_unit(size: int, text: str) -> None:
    assert format_size(size) == text
