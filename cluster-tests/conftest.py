"""Makes failed assertions inside the harness say what they compared, as those in tests do."""

import pytest

pytest.register_assert_rewrite("squorum_tests")
