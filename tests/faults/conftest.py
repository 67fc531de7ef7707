"""What do the tests of faults run on? Either real broker, as the tests of messaging do."""

from __future__ import annotations

import pytest

from tests.messaging.conftest import on_broker, rabbitmq_url, until

pytest.register_assert_rewrite("tests.faults.notified")

__all__ = ["on_broker", "rabbitmq_url", "until"]
