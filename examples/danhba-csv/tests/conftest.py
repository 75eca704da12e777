"""Makes the contract's assertions show their values when they fail."""

import pytest

pytest.register_assert_rewrite("danhba.testing")
