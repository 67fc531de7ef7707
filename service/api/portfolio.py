"""What did it all come to? Sums by theme, municipality and subregion."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service import figures
from service.api.answers import Answer
from service.api.answers_schema import Shape, listed, maybe, money, named, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code
from service.api.moments_schema import MomentQuery, moment_of
from service.api.waiting import seen, wait_for
from service.identity.permissions import check, needs

api = Resource("portfolio", "Sums over all proposals")


class PortfolioQuery(MomentQuery):
    programme = Code(load_default=None)


class AmountsSchema(Shape):
    promised = money()
    granted = money()
    own = money()
    total = money()


class RatiosSchema(Shape):
    promised = maybe()
    granted = maybe()
    own = maybe()
    total = maybe("Co-financing divided by what was requested; null when nothing was requested")


class FiguresSchema(Shape):
    proposals = whole()
    requested = money()
    awarded = money("Committed and held back together")
    committed = money()
    held_back = money()
    cofinancing = named(AmountsSchema)
    multiplier = named(RatiosSchema)


class ThemeFiguresSchema(FiguresSchema):
    theme = text()


class MunicipalityFiguresSchema(FiguresSchema):
    municipality = text()


class SubregionFiguresSchema(FiguresSchema):
    subregion = text()


class PortfolioSchema(Shape):
    total = named(FiguresSchema)
    themes = listed(
        ThemeFiguresSchema,
        "By theme as a case names it: what counts under a part of a theme does not count under the whole",
    )
    municipalities = listed(MunicipalityFiguresSchema)
    subregions = listed(SubregionFiguresSchema)
    counts_fully = fields.Boolean(
        required=True,
        metadata={
            "description": "A case counts fully under each of its themes, municipalities and subregions, so the "
            "entries of one list may add up to more than the total"
        },
    )


@api.question("/portfolio", query=PortfolioQuery, shows=PortfolioSchema)
@needs("read-portfolio")
def read_portfolio(call: Call, given: dict[str, Any]) -> Answer:
    """Read the sums over all proposals, now or at a moment"""
    check(call.person, "read-portfolio")
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        wait_for(call.parts, moment.position)
        hidden = call.scope.hidden(connection)
        sums = figures.portfolio(connection, moment, given["programme"], hidden)
    return Answer(sums, position=position if moment.position is None else moment.position)
