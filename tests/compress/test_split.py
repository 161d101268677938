"""Families are held out whole."""

from __future__ import annotations

import numpy as np

from pipeline.compress.split import SplitParams, is_held_out


def test_named_families_are_held_out_and_about_a_share_of_the_others():
    params = SplitParams(held_out=("resnet",), share=0.2)
    assert is_held_out("resnet", params)
    assert is_held_out("sepreresnet", params)
    shares = np.mean([is_held_out(f"family{n}", params) for n in range(2000)])
    assert 0.17 < shares < 0.23
    assert is_held_out("family1", params) == is_held_out("family1", params)
    nothing = SplitParams(held_out=(), share=0.0)
    assert not any(is_held_out(f"family{n}", nothing) for n in range(100))
