"""Who signed in, or tried to, and from where? For the administrator who looks into misuse."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from service.identity import people, sign_ins
from service.identity.permissions import check, needs
from service.web import visit
from service.web.rendering import page

area = Blueprint("sign_in_record", __name__)

MOST = 50


@area.get("/admin/sign-ins")
@needs("read-sign-ins")
def index() -> Response:
    """The latest first: of everybody, or by `person` and `outcome` in the address."""
    check(visit.person(), "read-sign-ins")
    given = request.args.get("outcome")
    outcome = given if given in sign_ins.OUTCOMES else None
    whose = request.args.get("person", "")
    person = whose if whose.isprintable() and 0 < len(whose) <= 100 else None
    from_ = request.args.get("before", "")
    before = int(from_) if from_.isascii() and from_.isdigit() and len(from_) < 19 else None
    with visit.parts().pool.connection() as connection:
        found = sign_ins.recent(connection, person=person, outcome=outcome, before=before, most=MOST + 1)
        names = people.names(connection, [each.person for each in found if each.person])
    last = found[MOST - 1].id if len(found) > MOST else None
    return page(
        "sign_ins/index.html",
        found=found[:MOST],
        names=names,
        outcome=outcome,
        person_id=person,
        outcomes=sign_ins.OUTCOMES,
        days=sign_ins.KEPT.days,
        next=last and url_for("web.sign_in_record.index", person=person, outcome=outcome, before=last),
    )
