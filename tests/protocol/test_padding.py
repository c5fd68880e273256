"""Padded batch sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BatchSizeInvalid
from protocol.padding import PADDED_SIZES, padded_size


@given(st.integers(1, 10_000))
def test_a_batch_grows_to_the_next_size_and_no_further(count: int) -> None:
    size = padded_size(count)
    assert size in PADDED_SIZES
    assert size >= count
    assert all(smaller < count for smaller in PADDED_SIZES if smaller < size)


def test_the_sizes_are_those_of_the_design() -> None:
    assert PADDED_SIZES == (8, 64, 512, 1_000, 2_000, 5_000, 10_000)
    assert {padded_size(count) for count in range(1, 10_001)} == set(PADDED_SIZES)


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_no_batch_and_too_large_a_batch_are_refused(count: int) -> None:
    with pytest.raises(BatchSizeInvalid) as caught:
        padded_size(count)
    assert (caught.value.size, caught.value.maximum) == (count, 10_000)
