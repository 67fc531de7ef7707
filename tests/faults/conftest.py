"""What do the tests of faults run on? Either real broker, as the tests of messaging do."""

from __future__ import annotations

from tests.messaging.conftest import on_broker, rabbitmq_url, until

__all__ = ["on_broker", "rabbitmq_url", "until"]
