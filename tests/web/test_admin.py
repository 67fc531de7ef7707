"""People and roles: who is added, changed or shut out is so at once, and nobody shuts out themselves by accident."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from service.identity import people, undeliverable
from service.identity.people import Person
from service.web.cookies import SESSION as COOKIE
from tests.web.conftest import PHONE, Opener, Site, Visitor, violations

NEW = "/admin/people/new"


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Nienke Nieuw",
        "email": "nienke@example.org",
        "roles": ["auditor"],
        "organisation.name": "",
        "organisation.kind": "",
        **changes,
    }


def added(site: Site, by: str = "admin", **changes: Any) -> tuple[Visitor, Person]:
    """Somebody new, and who added them."""
    admin = site.visitor(by)
    admin.text(NEW)
    response = admin.post(NEW, fields(**changes))
    assert response.status_code == 303, response.get_data(as_text=True)
    return admin, known(site, response.location.rpartition("/")[2])


def known(site: Site, id: str) -> Person:
    with psycopg.connect(site.service.settings.database_url) as connection:
        found = people.get(connection, id)
    assert found is not None
    return found


def test_an_administrator_adds_somebody_who_signs_in_once_there_is_a_password(site: Site) -> None:
    admin, person = added(site)
    assert (person.name, person.roles) == ("Nienke Nieuw", {"auditor"})
    html = admin.text(f"/admin/people/{person.id}")
    assert "Stel hieronder een wachtwoord in" in html
    assert "niet ingesteld" in html
    secret = "een lang wachtwoord"
    response = admin.post(f"/admin/people/{person.id}/password", {"password": secret})
    assert response.status_code == 303
    signing_in = site.visitor(None)
    signing_in.get("/sign-in")
    response = signing_in.post("/sign-in", {"email": "NIENKE@example.org", "password": secret})
    assert (response.status_code, response.location) == (303, "/")


def test_an_address_that_refused_mail_is_tried_again_by_the_administrator(site: Site) -> None:
    admin, person = added(site, email="geweigerd@example.org")
    page = f"/admin/people/{person.id}"
    assert "geen mail aan" not in admin.text(page)
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        undeliverable.note(connection, person.email, "550 5.1.1 <b>gone</b>")
    html = admin.text(page)
    assert "Dit adres neemt sinds" in html
    assert "550 5.1.1 &lt;b&gt;gone" in html
    assert admin.post(f"{page}/deliverable", {}).status_code == 303
    html = admin.text(page)
    assert "Er gaat weer mail naar dit adres" in html
    assert "neemt sinds" not in html


@pytest.mark.parametrize("who", ["submitter", "taskforce", "treasurer", "auditor", "integration"])
def test_people_are_for_the_office_only(site: Site, who: str) -> None:
    visitor = site.visitor(who)
    person = site.service.people["auditor"]
    for path in ("/admin", NEW, f"/admin/people/{person.id}"):
        response = visitor.get(path)
        assert response.status_code == 403, path
        assert "beheerder" in response.get_data(as_text=True)
    visitor.text("/programmes")
    for path in (NEW, *(f"/admin/people/{person.id}{act}" for act in ("", "/password", "/end"))):
        visitor.text("/programmes")
        assert visitor.post(path, fields(roles=["admin"])).status_code == 403, path
    assert known(site, person.id) == person


def test_a_secretary_adds_somebody_changes_them_and_ends_their_access(site: Site) -> None:
    secretary, person = added(site, "secretary", email="bijzetel@example.org", roles=["treasurer"])
    assert 'href="/admin"' in secretary.text("/")
    path = f"/admin/people/{person.id}"
    secretary.text(path)
    changed = fields(email="bijzetel@example.org", roles=["member"], bodies=["db"])
    assert secretary.post(path, changed).status_code == 303
    assert (known(site, person.id).roles, known(site, person.id).bodies) == ({"member"}, {"db"})
    secretary.text(path)
    assert secretary.post(f"{path}/password", {"password": "een lang wachtwoord"}).status_code == 303
    secretary.text(path)
    assert secretary.post(f"{path}/end", {}).status_code == 303


@pytest.mark.parametrize("role", ["admin", "auditor", "integration"])
def test_who_watches_the_others_is_for_an_administrator_to_change(site: Site, role: str) -> None:
    secretary, person = site.visitor("secretary"), site.service.people[role]
    path = f"/admin/people/{person.id}"
    html = secretary.text(path)
    assert person.email in html
    assert "Alleen een beheerder kan iemand wijzigen die beheerder, controleur of koppeling is" in html
    assert f'action="{path}' not in html
    for act, sent in (
        ("", fields(name="Anders", email=person.email, roles=[])),
        ("/password", {"password": "een lang wachtwoord"}),
        ("/end", {}),
    ):
        secretary.text("/programmes")
        response = secretary.post(path + act, sent)
        assert response.status_code == 403, act
        assert "beheerder" in response.get_data(as_text=True)
    assert known(site, person.id) == person


@pytest.mark.parametrize("role", ["admin", "auditor", "integration"])
def test_a_secretary_makes_nobody_one_of_those(site: Site, role: str) -> None:
    secretary = site.visitor("secretary")
    assert f'value="{role}"' not in secretary.text(NEW)
    response = secretary.post(NEW, fields(email=f"wil-{role}@example.org", roles=["treasurer", role]))
    assert response.status_code == 403
    html = response.get_data(as_text=True)
    assert "Alleen een beheerder kan iemand beheerder, controleur of koppeling maken" in html
    assert f'value="wil-{role}@example.org"' in html
    with psycopg.connect(site.service.settings.database_url) as connection:
        assert people.by_email(connection, f"wil-{role}@example.org") is None
    _, person = added(site, "secretary", email=f"wordt-{role}@example.org", roles=["treasurer"])
    path = f"/admin/people/{person.id}"
    secretary.text(path)
    assert secretary.post(path, fields(email=person.email, roles=[role])).status_code == 403
    assert known(site, person.id) == person


def test_a_secretary_gives_no_right_to_themselves(site: Site) -> None:
    me = site.service.people["secretary"]
    secretary = site.visitor("secretary")
    path = f"/admin/people/{me.id}"
    own = {"name": me.name, "email": me.email, "bodies": sorted(me.bodies)}
    for wanted in (
        {"roles": ["secretary", "treasurer"]},
        {"roles": ["secretary", "member"], "bodies": ["db"]},
        {"roles": ["secretary"], "organisation.name": "Stichting Submitter", "organisation.kind": "company"},
    ):
        secretary.text(path)
        response = secretary.post(path, fields(**{**own, **wanted}))
        assert response.status_code == 403
        assert "Je kunt je eigen rollen, organen en organisatie niet wijzigen" in response.get_data(
            as_text=True
        )
        assert known(site, me.id) == me
    secretary.text(path)
    assert secretary.post(path, fields(**{**own, "name": "Sanne"}, roles=["secretary"])).status_code == 303
    assert known(site, me.id).name == "Sanne"
    secretary.text(path)
    assert secretary.post(path, fields(**own, roles=["secretary"])).status_code == 303


def test_people_are_found_by_name_address_and_role(site: Site) -> None:
    admin, person = added(site, name="Zoë Zoekbaar", email="zz@elders.example", roles=["treasurer"])
    for query in ("q=zoekb", "q=ZZ%40elders", "q=zo&role=treasurer"):
        assert person.id in admin.text(f"/admin?{query}"), query
    for query in ("q=zoekb&role=auditor", "q=%25", "q=niemand"):
        assert person.id not in admin.text(f"/admin?{query}"), query
    assert "Niemand gevonden" in admin.text("/admin?q=niemand%00heet-zo&page=0")


def test_what_is_wrong_stands_beside_the_field_and_everything_typed_is_still_there(site: Site) -> None:
    admin = site.visitor("admin")
    admin.text(NEW)
    response = admin.post(
        NEW, fields(name="", email="geen adres", roles=["member"], **{"organisation.name": "Iets"})
    )
    html = response.get_data(as_text=True)
    assert response.status_code == 400
    for name in ("name", "email"):
        assert f'id="person-{name}-error"' in html
    assert 'value="geen adres"' in html
    assert 'value="Iets"' in html
    assert re.search(r'value="member" checked', html)
    response = admin.post(NEW, fields(email="lid@example.org", roles=["member"]))
    assert response.status_code == 400
    assert "Een lid hoort bij minstens één orgaan" in response.get_data(as_text=True)
    response = admin.post(NEW, fields(email="ADMIN@example.org"))
    assert response.status_code == 409
    assert "Er is al iemand met dit e-mailadres" in response.get_data(as_text=True)
    for wrong in ({"roles": ["boss"]}, {"bodies": ["bestaat-niet"]}, {"iets": "anders"}):
        assert admin.post(NEW, fields(email="x@example.org", **wrong)).status_code == 400, wrong
    assert admin.get("/admin/people/person-none").status_code == 404


def test_a_submitter_belongs_to_the_organisation_of_that_name(site: Site) -> None:
    proposal = site.submitted(title="Van de stichting")
    _, person = added(
        site,
        name="Collega",
        email="collega@example.org",
        roles=["submitter"],
        **{"organisation.name": "stichting submitter", "organisation.kind": "company"},
    )
    assert person.organisation == site.service.people["submitter"].organisation
    site.service.people["collega"] = person  # type: ignore[index]
    assert site.visitor("collega").get("/programmes").status_code == 200
    assert proposal


def test_a_role_that_was_taken_away_is_gone_on_the_next_page(site: Site) -> None:
    admin, person = added(site, email="even@example.org", roles=["secretary"])
    site.service.people["even"] = person  # type: ignore[index]
    visitor = site.visitor("even")
    assert visitor.get("/desk").status_code == 200
    admin.text(f"/admin/people/{person.id}")
    changed = fields(email="even@example.org", roles=["member"], bodies=["poho", "db"])
    assert admin.post(f"/admin/people/{person.id}", changed).status_code == 303
    assert known(site, person.id).bodies == {"poho", "db"}
    assert visitor.get("/desk").status_code == 403
    # Without any role somebody is out at once.
    admin.text(f"/admin/people/{person.id}")
    assert (
        admin.post(f"/admin/people/{person.id}", fields(email="even@example.org", roles=[])).status_code
        == 303
    )
    assert visitor.get("/programmes").status_code == 303


def test_ending_all_access_ends_sessions_and_tokens(site: Site) -> None:
    from datetime import timedelta

    from service.identity import tokens

    admin, person = added(site, email="weg@example.org")
    site.service.people["weg"] = person  # type: ignore[index]
    visitor = site.visitor("weg")
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        token, _ = tokens.create(connection, person.id, timedelta(hours=1))
    html = admin.text(f"/admin/people/{person.id}")
    assert "op 1 apparaat" in html
    assert "1 token" in html
    assert admin.post(f"/admin/people/{person.id}/end", {}).status_code == 303
    assert visitor.get("/programmes").status_code == 303
    with psycopg.connect(site.service.settings.database_url) as connection:
        assert tokens.owner(connection, token) is None


def test_a_password_that_is_too_short_is_refused_and_never_shown(site: Site) -> None:
    admin, person = added(site, email="kort@example.org")
    site.service.people["kort"] = person  # type: ignore[index]
    visitor = site.visitor("kort")
    path = f"/admin/people/{person.id}"
    admin.text(path)
    response = admin.post(f"{path}/password", {"password": "kort-geheim"})
    assert response.status_code == 400
    assert "minstens 12 tekens" in response.get_data(as_text=True)
    assert "kort-geheim" not in response.get_data(as_text=True)
    assert admin.post(f"{path}/password", {"password": ""}).status_code == 400
    assert visitor.get("/programmes").status_code == 200
    assert admin.post(f"{path}/password", {"password": "lang genoeg nu"}).status_code == 303
    assert visitor.get("/programmes").status_code == 303, "a new password signs out everywhere"


def test_who_chairs_a_body_or_is_the_contact_of_a_municipality_is_kept_with_the_person(site: Site) -> None:
    admin, person = added(
        site,
        email="voorzitter@example.org",
        roles=["member"],
        bodies=["db", "poho"],
        chairs=["db"],
        municipalities=["GM0794", "GM0772"],
    )
    assert (person.chairs, person.municipalities) == ({"db"}, {"GM0794", "GM0772"})
    path = f"/admin/people/{person.id}"
    html = admin.text(path)
    assert "Helmond" in html
    for name, code, is_so in (
        ("chairs", "db", True),
        ("chairs", "poho", False),
        ("municipalities", "GM0794", True),
    ):
        assert bool(re.search(rf'name="{name}" value="{code}" checked', html)) == is_so
    mine: dict[str, Any] = {"email": "voorzitter@example.org", "roles": ["member"]}
    for wrong, said in (
        ({"bodies": ["poho"], "chairs": ["db"]}, "Een voorzitter is ook lid van het orgaan"),
        ({"bodies": ["db"], "municipalities": ["GM9999"]}, "Een van deze gemeenten bestaat niet meer"),
    ):
        response = admin.post(path, fields(**mine, **wrong))
        assert response.status_code == 400
        assert said in response.get_data(as_text=True)
        admin.text(path)
    assert known(site, person.id) == person
    assert admin.post(path, fields(**mine, bodies=["db"])).status_code == 303
    assert known(site, person.id).chairs == known(site, person.id).municipalities == frozenset()


def test_administrators_cannot_take_away_their_own_role(site: Site) -> None:
    admin = site.visitor("admin")
    me = site.service.people["admin"]
    path = f"/admin/people/{me.id}"
    admin.text(path)
    response = admin.post(path, fields(name=me.name, email=me.email, roles=["auditor"]))
    assert response.status_code == 403
    assert "Je kunt je eigen rol als beheerder niet weghalen" in response.get_data(as_text=True)
    assert known(site, me.id) == me
    admin.text(path)
    assert (
        admin.post(path, fields(name=me.name, email=me.email, roles=["admin", "auditor"])).status_code == 303
    )
    admin.text(path)
    assert admin.post(path, fields(name=me.name, email=me.email, roles=["admin"])).status_code == 303


def test_what_another_administrator_changed_meanwhile_is_not_undone(site: Site) -> None:
    one, person = added(site, email="twee@example.org")
    other = site.visitor("admin")
    path = f"/admin/people/{person.id}"
    one.text(path)
    other.text(path)
    assert other.post(path, fields(email="twee@example.org", roles=["treasurer"])).status_code == 303
    response = one.post(path, fields(email="twee@example.org", name="Andere naam"))
    assert response.status_code == 412
    assert "Iemand anders heeft dit intussen gewijzigd" in response.get_data(as_text=True)
    assert 'value="Andere naam"' in response.get_data(as_text=True)
    assert known(site, person.id).roles == {"treasurer"}


def test_a_form_without_its_own_token_changes_nothing(site: Site) -> None:
    client = site.service.app.test_client()
    client.set_cookie(COOKIE, site.token("admin"))
    assert client.post(NEW, data=fields(email="csrf@example.org")).status_code == 409
    with psycopg.connect(site.service.settings.database_url) as connection:
        assert people.by_email(connection, "csrf@example.org") is None


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, None), ("en", True, PHONE)])
def test_the_pages_of_people_are_for_everybody(
    opened: Opener, site: Site, locale: str, dark: bool, viewport: dict[str, int] | None
) -> None:
    options = {"viewport": viewport} if viewport else {}
    for path in ("/admin", f"/admin/people/{site.service.people['db'].id}", NEW):
        page = opened("admin", path, locale=locale, dark=dark, **options)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    page.click("form#person button[type=submit]")
    page.wait_for_selector("[data-errors]")
    assert violations(page) == []


def test_the_page_of_a_person_says_who_changed_what_when(site: Site) -> None:
    admin, person = added(site, email="spoor@example.org", roles=["member"], bodies=["poho"])
    path = f"/admin/people/{person.id}"
    admin.text(path)
    assert admin.post(path, fields(email="spoor@example.org", roles=["auditor"])).status_code == 303
    html = admin.text(path)
    assert "Rollen: lid → controleur" in html.lower().replace("rollen", "Rollen")
    assert html.count("Admin (beheerder)") == 2
    none = site.service.people["auditor"]
    assert "nog niets veranderd" in admin.text(f"/admin/people/{none.id}")


def test_auditors_find_what_was_changed_of_somebody_by_kind_and_by_address(site: Site) -> None:
    _, person = added(site, name="Wie Gezocht", email="gezocht@example.org", roles=["treasurer"])
    auditor = site.visitor("auditor")
    for query in ("kind=PersonAdded", "about=gezocht%40example.org", f"about={person.id}"):
        html = auditor.text(f"/audit?{query}")
        assert "Wie Gezocht" in html, query
        assert "Iemand is toegevoegd" in html, query
        assert f"/admin/people/{person.id}" not in html


def test_a_seat_is_kept_with_the_person_and_one_of_another_body_is_refused(site: Site) -> None:
    seat = {"seats.0.body": "poho", "seats.0.municipality": "GM0794"}
    admin, person = added(site, email="zetel@example.org", roles=["member"], bodies=["poho"], **seat)
    assert person.seats == {("poho", "GM0794")}
    path = f"/admin/people/{person.id}"
    assert re.search(r'<option value="GM0794" selected', admin.text(path))
    response = admin.post(path, fields(email="zetel@example.org", roles=["member"], bodies=["db"], **seat))
    assert response.status_code == 400
    assert "Een zetel hoort bij een orgaan waarvan iemand lid is" in response.get_data(as_text=True)


def test_somebody_is_erased_in_two_steps_with_a_ground(site: Site) -> None:
    admin, person = added(site, name="Wis Mij", email="wismij@example.org")
    site.service.people["wismij"] = person  # type: ignore[index]
    visitor = site.visitor("wismij")
    path = f"/admin/people/{person.id}/erasure"
    html = admin.text(path)
    assert "Dit kan niet ongedaan worden gemaakt" in html
    for wrong, said in (({"ground": "request"}, "Vink aan"), ({"sure": "true"}, "erase-ground-error")):
        response = admin.post(path, wrong)
        assert response.status_code == 400
        assert said in response.get_data(as_text=True)
    assert known(site, person.id) == person
    response = admin.post(path, {"ground": "request", "sure": "true"})
    assert response.status_code == 200
    assert "De gegevens zijn gewist" in response.get_data(as_text=True)
    assert admin.get(f"/admin/people/{person.id}").status_code == 404
    assert "Wis Mij" not in admin.text("/admin")
    assert visitor.get("/programmes").status_code == 303
    html = site.visitor("auditor").text(f"/audit?about={person.id}")
    assert "gewiste persoon" in html
    assert "de persoon vraagt het" in html


def test_administrators_do_not_erase_themselves(site: Site) -> None:
    admin, me = site.visitor("admin"), site.service.people["admin"]
    assert f"/admin/people/{me.id}/erasure" not in admin.text(f"/admin/people/{me.id}")
    admin.text(f"/admin/people/{me.id}/erasure")
    response = admin.post(f"/admin/people/{me.id}/erasure", {"ground": "request", "sure": "true"})
    assert response.status_code == 409
    assert "Je kunt jezelf niet wissen" in response.get_data(as_text=True)
    assert known(site, me.id) == me
