"""Which views are kept up to date? A new one is a file beside this, and a line here."""

from __future__ import annotations

from projections.budget import BUDGET
from projections.confidential import CONFIDENTIAL
from projections.portfolio import PORTFOLIO
from projections.programmes import PROGRAMMES
from projections.queue import QUEUE
from projections.register import REGISTER
from projections.status import STATUS
from projections.view import View

__all__ = ["VIEWS"]

VIEWS: tuple[View, ...] = (STATUS, QUEUE, BUDGET, PROGRAMMES, PORTFOLIO, CONFIDENTIAL, REGISTER)
