"""Is every mail taken once by a real mail server, does every refusal lead to what it should, and is it well made?"""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from playwright.sync_api import Browser

from service import commands, publishing, wiring
from service.documents import councils, letters
from service.identity import people
from service.messaging import ledger
from service.messaging.channels.email import Email
from service.messaging.ledger import Delivery
from service.messaging.mail import layout, readers, transport, unsubscribe
from service.messaging.mail.composing import compose, preview
from service.messaging.mail.layout import policy, with_footer
from service.messaging.mail.readers import Reader
from service.messaging.mail.transport import Folder, NotTaken, Smtp, of_the_address, without_addresses
from service.settings import Settings, SettingsError
from tests.commands.office import DAY, SECRETARY, proposal_input
from tests.conftest import fresh_database
from tests.messaging.mail_server import DIES, MailServer, mail_server
from tests.messaging.mailing import CASE, DECIDED, OF_CASE, Office
from tests.web.conftest import violations

HOST = "besluitspoor.example.org"
NEWSLETTER = "newsletter-0197a000-0000-7000-8000-000000000003"


@pytest.fixture(scope="module")
def office(admin_url: str, template: Settings) -> Iterator[Office]:
    """A database with the programmes in it, for all tests here."""
    with fresh_database(admin_url, template) as settings:
        made = replace(settings, public_url=f"https://{HOST}", mail_from="Besluitspoor <noreply@example.org>")
        publishing.publish_bundled(made)
        with closing(wiring.build(made)) as parts:
            yield Office(parts)


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes everything, until a test says otherwise."""
    with mail_server() as made:
        yield made


@pytest.fixture
def email(office: Office, server: MailServer) -> Iterator[Email]:
    """The channel, as one thread of a courier has it."""
    with closing(Email(replace(office.parts.settings, smtp_url=server.url))) as made:
        yield made


def mail_of(office: Office, delivery: Delivery) -> EmailMessage:
    """The mail that is made of this."""
    with office.parts.pool.connection() as connection:
        reader = readers.find(connection, delivery.recipient)
    assert reader is not None
    return compose(office.parts, delivery, reader)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content


# Sending


def test_a_mail_is_sent_when_the_server_has_it(office: Office, server: MailServer, email: Email) -> None:
    person = office.person()
    delivery = office.to(person)
    assert office.send(email, delivery) == ("sent", None)
    assert server.recipients == [person.email]
    assert server.ids() == [f"<{delivery.id}@{HOST}>"]
    assert server.said == [["RET=HDRS", f"ENVID={delivery.id}"]]
    assert office.ask("SELECT outcome, detail FROM ledger.tries WHERE delivery = %s", delivery.id) == [
        ("sent", "250 2.0.0 OK: queued as 1")
    ]


def test_a_mail_that_was_taken_but_not_noted_is_sent_again_under_the_same_id(
    office: Office, server: MailServer, email: Email
) -> None:
    """The server took it, and died before it could say so."""
    delivery = office.to(office.person())
    server.dying_after = True
    state, error = office.send(email, delivery)
    assert state == "waiting"
    assert "went away" in error
    server.dying_after = False
    assert office.send(email, delivery)[0] == "sent"
    assert len(server.got) == 2
    assert set(server.ids()) == {f"<{delivery.id}@{HOST}>"}


def test_the_connection_is_used_again_and_made_anew_when_it_died(
    office: Office, server: MailServer, email: Email
) -> None:
    person = office.person()
    for _ in range(5):
        assert office.send(email, office.to(person))[0] == "sent"
    assert len(server.sessions) == 1
    server.once = {"data": [DIES]}
    died = office.to(person)
    assert office.send(email, died)[0] == "waiting"
    assert office.send(email, died)[0] == "sent"
    assert len(server.sessions) == 2


def test_a_server_that_was_restarted_between_two_mails_gets_the_next_at_once(office: Office) -> None:
    person = office.person()
    with mail_server() as first:
        port = int(first.url.rpartition(":")[2])
        channel = Email(replace(office.parts.settings, smtp_url=first.url))
        assert office.send(channel, office.to(person))[0] == "sent"
    with mail_server(port=port) as second, closing(channel):
        assert office.send(channel, office.to(person))[0] == "sent"
        assert len(second.got) == 1


def test_what_is_refused_for_now_is_tried_again_over_more_than_a_day(
    office: Office, server: MailServer, email: Email
) -> None:
    delivery = office.to(office.person())
    server.recipient = "451 4.7.1 greylisted, come back later"
    waited = []
    for number in range(1, 8):
        state, error = office.send(email, delivery)
        assert (state, error) == ("waiting", "451 4.7.1 greylisted, come back later")
        ((again_in, tries),) = office.ask(
            "SELECT extract(epoch FROM due_at - now())::float, tries FROM ledger.deliveries WHERE id = %s",
            delivery.id,
        )
        assert tries == number
        waited.append(again_in)
    expected = (60, 300, 900, 3_600, 10_800, 28_800, 86_400)
    assert all(0.75 * each < found < 1.25 * each for found, each in zip(waited, expected, strict=True))
    assert office.send(email, delivery)[0] == "dead", "it is given up, and can be sent again by hand"
    server.recipient = "250 OK"
    assert server.got == []


def test_a_wrong_address_gets_no_second_try_and_no_other_mail(
    office: Office, server: MailServer, email: Email
) -> None:
    person = office.person()
    first, second = office.to(person), office.to(person)
    server.recipient = f"550 5.1.1 <{person.email}>: there is no such user"
    assert office.send(email, first) == ("dead", "550 5.1.1 …: there is no such user")
    server.recipient = "250 OK"
    state, error = office.send(email, second)
    assert state == "dead"
    assert "the address takes no mail" in error
    assert server.got == []
    with office.parts.pool.connection() as connection:
        people.change(connection, replace(person, email=f"new-{person.email}"))
    assert office.send(email, office.to(person))[0] == "sent", "another address of the same person is tried"


def test_a_mail_that_is_refused_for_good_says_nothing_about_the_next(
    office: Office, server: MailServer, email: Email
) -> None:
    person = office.person()
    server.once = {
        "data": ["554 5.7.1 this looks like spam"],
        "recipient": ["250 OK", "552 5.2.2 the mailbox is full"],
    }
    assert office.send(email, office.to(person)) == ("dead", "554 5.7.1 this looks like spam")
    assert office.send(email, office.to(person))[0] == "dead"
    assert office.send(email, office.to(person))[0] == "sent"


def test_a_sender_that_is_refused_is_our_mistake_and_can_be_mended(
    office: Office, server: MailServer, email: Email
) -> None:
    delivery = office.to(office.person())
    server.once = {"sender": ["553 5.1.8 the sender's domain does not exist"]}
    assert office.send(email, delivery)[0] == "waiting"
    assert office.send(email, delivery)[0] == "sent"


def test_a_server_that_is_not_there_is_tried_again(office: Office) -> None:
    channel = Email(replace(office.parts.settings, smtp_url="smtp://127.0.0.1:9"))
    state, error = office.send(channel, office.to(office.person()))
    assert state == "waiting"
    assert "cannot be reached" in error


def test_who_is_gone_gets_nothing(office: Office, email: Email) -> None:
    person = office.person()
    delivery, of_council = (
        office.to(person),
        office.to("address-0197a000-0000-7000-8000-000000000009", "newsletter", {}),
    )
    office.do("DELETE FROM vault.people WHERE id = %s", person.id)
    assert office.send(email, delivery)[0] == "dropped"
    assert office.send(email, of_council)[0] == "dropped"


def test_who_has_no_role_any_more_is_not_mailed_what_was_under_way(office: Office, email: Email) -> None:
    person = office.person()
    delivery = office.to(person)
    office.do("UPDATE vault.people SET roles = '{}' WHERE id = %s", person.id)
    assert office.send(email, delivery)[0] == "dropped"


def test_when_mail_goes_out_after_months_what_is_no_news_any_more_stays_in_the_inbox(
    office: Office, server: MailServer, email: Email
) -> None:
    person = office.person()
    old, required, of_today = office.to(person), office.to(person, required=True), office.to(person)
    office.do(
        "UPDATE ledger.notices SET at = at - interval '32 days' WHERE id = ANY(%s)",
        [old.notice, required.notice],
    )
    sent = [office.send(email, each) for each in (old, required, of_today)]
    assert sent == [("dropped", "too long ago"), ("sent", None), ("sent", None)]
    # Somebody asks for it all the same.
    with office.parts.pool.connection() as connection:
        assert ledger.resend(connection, [old.id]) == [old.id]
    assert office.send(email, old) == ("sent", None)


def test_a_mail_that_was_refused_waits_for_the_end_of_quiet_hours_that_began_meanwhile(
    office: Office, server: MailServer, email: Email
) -> None:
    person = office.person()
    delivery = office.to(person, required=True)
    here = datetime.now(ZoneInfo(office.parts.settings.timezone))
    around = ((here + timedelta(hours=hours)).time() for hours in (-1, 1))
    office.do(
        "UPDATE vault.hearing SET quiet_from = %s, quiet_until = %s WHERE person = %s", *around, person.id
    )
    assert office.send(email, delivery) == ("waiting", None)
    query = "SELECT due_at > now() + interval '50 minutes', tries FROM ledger.deliveries WHERE id = %s"
    assert office.ask(query, delivery.id) == [(True, 0)], "it was no try"
    assert server.got == []
    office.do("UPDATE vault.hearing SET quiet_from = NULL, quiet_until = NULL WHERE person = %s", person.id)
    assert office.send(email, delivery)[0] == "sent"


def test_what_the_law_requires_gets_out_whatever_quiet_hours_were_once_kept(
    office: Office, server: MailServer, email: Email
) -> None:
    """From before there was a longest time: quiet but for a minute, which the courier may well miss."""
    person = office.person()
    here = datetime.now(ZoneInfo(office.parts.settings.timezone))
    query = (
        "SELECT due_at <= now() + interval '16 hours 1 minute', tries FROM ledger.deliveries WHERE id = %s"
    )
    kept = "UPDATE vault.hearing SET quiet_from = %s, quiet_until = %s WHERE person = %s"
    # given: they began a while ago, and end a minute before they begin again
    for hours, state in ((-20, "sent"), (-2, "waiting")):
        begin = here.replace(second=0, microsecond=0) + timedelta(hours=hours)
        office.do(kept, begin.time(), (begin - timedelta(minutes=1)).time(), person.id)
        delivery = office.to(person, required=True)
        assert office.send(email, delivery)[0] == state
        assert office.ask(query, delivery.id)[0][0]
    assert len(server.got) == 1


def test_an_address_that_is_none_is_said(office: Office, server: MailServer, email: Email) -> None:
    for wrong in (
        "no address",
        "a@b.example>\r\nRCPT TO:<other@example.org",
        "two@example.org, three@example.org",
    ):
        person = office.person()
        office.do("UPDATE vault.people SET email = %s WHERE id = %s", wrong, person.id)
        state, error = office.send(email, office.to(person))
        assert (state, wrong in error) == ("dead", False), wrong
    assert server.recipients == []


def test_letters_beyond_ascii_in_an_address_are_mailed_where_the_server_can(
    office: Office, server: MailServer, email: Email
) -> None:
    person = office.person(email=f"renée@{office.person().email}".replace("@", ".", 1), name="Renée")
    assert office.send(email, office.to(person))[0] == "sent"
    assert server.recipients == [person.email]
    assert person.email in str(server.got[0]["To"])


def test_without_a_way_out_mail_waits(office: Office) -> None:
    channel = Email(replace(office.parts.settings, smtp_url="", mail_folder=""))
    assert channel.at_once == 0
    assert office.send(channel, office.to(office.person()))[0] == "waiting"


def test_several_threads_mail_side_by_side_each_over_a_connection_of_its_own(
    office: Office, server: MailServer
) -> None:
    person = office.person()
    deliveries = [office.to(person) for _ in range(12)]

    def work(some: list[Delivery]) -> None:
        with closing(Email(replace(office.parts.settings, smtp_url=server.url))) as channel:
            for each in some:
                office.send(channel, each)

    threads = [threading.Thread(target=work, args=(deliveries[start::3],)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(server.ids())) == len(server.got) == 12
    assert len(server.sessions) == 3


# Ways out


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("There is no openssl here to make a certificate with.")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out",
         f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    with path.open("a") as file:
        file.write(Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """What a server with that certificate has."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def simple_mail() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "Een proef"
    mail.set_content("Een proef")
    return mail


def out(office: Office, url: str) -> Smtp:
    return Smtp(replace(office.parts.settings, smtp_url=url))


@pytest.mark.parametrize("way", ["tls", "starttls"])
def test_mail_goes_over_tls_to_a_server_that_is_who_it_says(
    office: Office, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    options: dict[str, Any] = {way: tls}
    with mail_server(**options) as server:
        with closing(out(office, server.url)) as way_out, pytest.raises(OSError, match="certificate"):
            way_out.send(simple_mail(), "b@example.org", "delivery-1")
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        with closing(out(office, server.url)) as way_out:
            way_out.send(simple_mail(), "b@example.org", "delivery-1")
        assert len(server.got) == 1


def test_a_server_without_tls_gets_nothing_where_tls_is_asked(office: Office, server: MailServer) -> None:
    with (
        closing(out(office, server.url.replace("smtp:", "smtp+starttls:"))) as way_out,
        pytest.raises(NotTaken),
    ):
        way_out.send(simple_mail(), "b@example.org", "delivery-1")
    assert server.got == []


def test_a_name_and_a_password_are_given_over_tls(
    office: Office, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with mail_server(starttls=tls, login=("office", "p@ss")) as server:
        good = server.url.replace("p@ss", "p%40ss")
        with closing(out(office, good)) as way_out:
            way_out.send(simple_mail(), "b@example.org", "delivery-1")
        with (
            closing(out(office, good.replace("p%40ss", "wrong"))) as way_out,
            pytest.raises(NotTaken) as refused,
        ):
            way_out.send(simple_mail(), "b@example.org", "delivery-1")
        assert not refused.value.permanent, "a password can be mended while the mail waits"
        assert len(server.got) == 1


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://host:none"]
)
def test_an_address_of_no_server_is_said_when_it_is_read(office: Office, url: str) -> None:
    with pytest.raises(SettingsError, match="SMTP_URL"):
        out(office, url)


def test_a_folder_holds_a_mail_once_however_often_it_is_sent(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "postvak uit"
    channel = Email(replace(office.parts.settings, mail_folder=str(folder)))
    delivery = office.to(office.person())
    assert office.send(channel, delivery) == ("sent", None)
    first = (folder / f"{delivery.id}.eml").read_bytes()
    Folder(folder).send(mail_of(office, delivery), "b@example.org", delivery.id)
    assert [path.name for path in folder.iterdir()] == [f"{delivery.id}.eml"]
    assert b"\r\n" in first
    assert (folder.stat().st_mode & 0o077, (folder / f"{delivery.id}.eml").stat().st_mode & 0o077) == (0, 0)


# What is in a mail


def test_a_mail_says_what_a_mail_should(office: Office) -> None:
    mail = mail_of(office, office.to(office.person(), relation="submitter"))
    assert mail["Subject"] == "RHA-2026-0012: er is een besluit over je voorstel"
    assert mail["From"] == "Besluitspoor <noreply@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == mail["In-Reply-To"] == f"<{CASE}@{HOST}>"
    assert mail.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = part(mail, "plain"), part(mail, "html")
    for said in (
        "Over je voorstel is een besluit genomen: akkoord, met voorwaarden.",
        "Voorstel: Digitale werkplaats",
    ):
        assert said in text
        assert said in html
    assert f"Bekijk je voorstel: https://{HOST}/proposals/{CASE}" in text
    assert "- Begin dit jaar\n- Meld wat je deed" in text
    assert "<li>Begin dit jaar</li><li>Meld wat je deed</li>" in html
    assert "Het plan is goed.<br>Het helpt de regio." in html
    assert '<html lang="nl">' in html
    assert html.count("<h1>") == 1
    assert "omdat jij of je organisatie dit voorstel heeft ingediend" in text
    assert f"https://{HOST}/inbox/preferences" in text


def test_each_gets_it_in_their_own_language(office: Office) -> None:
    mail = mail_of(office, office.to(office.person(language="en")))
    assert mail["Subject"] == "RHA-2026-0012: there is a decision"
    assert mail["Content-Language"] == "en"
    assert '<html lang="en">' in part(mail, "html")


def test_no_line_of_a_mail_is_too_long_and_no_id_is_broken(office: Office) -> None:
    """Python breaks and encodes long headers; for an id or an address that would make it useless."""
    office = Office(office.with_settings(public_url=f"https://{'lang.' * 30}example.org"))
    mail = mail_of(
        office, office.to(office.person(), facts={**DECIDED, "grounds": "Een heel lang woord " * 500})
    )
    lines = mail.as_bytes(policy=SMTP).split(b"\r\n")
    assert max(map(len, lines)) <= 998
    named = {line.partition(b":")[0]: line for line in lines[: lines.index(b"")]}
    for name in (b"References", b"In-Reply-To", b"List-Unsubscribe", b"Message-ID"):
        assert named[name].endswith(b">")
        assert b"=?" not in named[name]


def test_a_mail_can_be_turned_off_with_one_click_unless_the_law_requires_it(office: Office) -> None:
    person = office.person()
    free, required = mail_of(office, office.to(person)), mail_of(office, office.to(person, required=True))
    link = str(free["List-Unsubscribe"]).strip("<>")
    assert link.startswith(f"https://{HOST}/unsubscribe/")
    assert free["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in part(free, "plain")
    assert link in part(free, "html")
    assert required["List-Unsubscribe"] is required["List-Unsubscribe-Post"] is None
    assert "Deze mail moeten we je volgens de wet sturen." in part(required, "plain")
    assert "/unsubscribe/" not in part(required, "html")


def test_mails_of_one_case_are_one_conversation_and_of_another_are_not(office: Office) -> None:
    person = office.person()
    one, two = (
        mail_of(office, office.to(person)),
        mail_of(office, office.to(person, "revised", {**OF_CASE, "revision": 2})),
    )
    other = mail_of(office, office.to(person, stream=CASE.replace("1", "2")))
    assert one["References"] == two["References"] != other["References"]
    assert one["Message-ID"] != two["Message-ID"]


NASTY = (
    "x\r\nBcc: everybody@example.org", "x\nSubject: other", "<script>alert(1)</script>", '"><img src=//evil.example/x>',
    "\u202etxet", "x\x00y", "=?utf-8?q?Bcc:_a=40b.example?=", "</style><script>", "{reference}", "%(name)s",
)  # fmt: skip


@given(data=st.data())
@pytest.mark.slow
def test_nothing_that_somebody_typed_becomes_a_header_or_a_tag(office: Office, data: st.DataObject) -> None:
    nasty = st.sampled_from(NASTY) | st.text(max_size=300)
    title, grounds, name = (data.draw(nasty) for _ in range(3))
    delivery = replace(
        made(office), facts={**DECIDED, "title": title, "grounds": grounds, "conditions": [title, grounds],
                             "reference": data.draw(nasty)},
    )  # fmt: skip
    mail = compose(office.parts, delivery, Reader(delivery.recipient, "b@example.org", name, "nl"))
    content = mail.as_bytes(policy=SMTP)
    names = [name.lower() for name in list(mail)]
    assert sorted(names) == sorted(set(names))
    assert not {"bcc", "cc"} & set(names)
    head = content.partition(b"\r\n\r\n")[0]
    # However long, a header goes on only on lines that begin with a space.
    begins = [
        line.split(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))
    ]
    assert sorted(begins) == sorted(each.encode() for each in names)
    html = part(mail, "html")
    assert html.count("<style>") == html.count("</style>") == 1
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("<h1>") == 1


def made(office: Office) -> Delivery:
    """A delivery that need not be kept."""
    kept: list[Delivery] = office.__dict__.setdefault("kept", [])
    if not kept:
        kept.append(office.to(office.person()))
    return kept[0]


def test_html_has_one_style_sheet_and_nothing_from_elsewhere(office: Office) -> None:
    person = office.person()
    pages = [
        part(mail_of(office, office.to(person, required=required)), "html") for required in (True, False)
    ]
    assert len({policy(html) for html in pages}) == 1, "the sheet is the same in every mail"
    for html in pages:
        assert "style=" not in html
        assert " src=" not in html
        assert "url(" not in html


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", ["decided", "digest"])
def test_a_mail_is_accessible_under_the_policy_of_its_hash(
    office: Office, chromium: Browser, kind: str, dark: bool
) -> None:
    delivery = office.to(office.person(), relation="submitter") if kind == "decided" else a_digest(office, 3)
    html = part(mail_of(office, delivery), "html")
    context = chromium.new_context(
        color_scheme="dark" if dark else "light", viewport={"width": 360, "height": 740}, bypass_csp=False
    )
    try:
        page = context.new_page()
        wrong: list[str] = []
        page.on("console", lambda said: wrong.append(said.text))
        shown = {"Content-Security-Policy": policy(html), "Content-Type": "text/html; charset=utf-8"}
        page.route("**/*", lambda route: route.fulfill(body=html, headers=shown))
        page.goto("http://mail.example.org/")
        assert page.evaluate("getComputedStyle(document.querySelector('main')).paddingTop") == "24px", (
            "styles count"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert violations(page) == []
        assert wrong == []
    finally:
        context.close()


# Letters, digests, newsletters


def test_a_letter_goes_along_with_who_must_be_told(office: Office, server: MailServer, email: Email) -> None:
    proposal = commands.submit(
        office.parts, SECRETARY, "regionale-herstelaanpak", proposal_input(), DAY
    ).stream
    submitted = next(each for each in office.parts.log.load(proposal) if each.name == "ProposalSubmitted")
    person = office.person("submitter")
    facts = {**OF_CASE, "owner": person.id, "body": "secretariat", "dueOn": "2026-03-16"}
    about = {"kind": "receipt", "facts": facts, "stream": proposal, "letter": "receipt",
              "cause": f"event:{submitted.position}", "relation": "submitter"}  # fmt: skip
    required = office.to(person, required=True, **about)  # type: ignore[arg-type]
    assert list(preview(office.parts, required).iter_attachments()) == [], "to look at it makes no letter"
    assert office.send(email, required)[0] == "sent"
    (letter,) = server.got[0].iter_attachments()
    assert letter.get_content_type() == "application/pdf"
    assert str(letter.get_filename()).startswith("ontvangstbevestiging-")
    assert letter.get_content().startswith(b"%PDF-")
    assert "De brief zit als bijlage (PDF) bij deze mail." in part(server.got[0], "plain")
    assert len(list(preview(office.parts, required).iter_attachments())) == 1
    others = office.to(office.person(), **about)  # type: ignore[arg-type]
    assert list(mail_of(office, others).iter_attachments()) == []
    # Whoever left the organisation while the mail waited gets no letter of its case any more.
    left = office.to(office.person("submitter"), required=True, **about)  # type: ignore[arg-type]
    mail = mail_of(office, left)
    assert list(mail.iter_attachments()) == []
    assert "Je mag dit voorstel niet meer lezen." in part(mail, "plain")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents.letters SET pdf = pdf || 'more' WHERE proposal = %s",
        # whoever can do this, can make what stands beside it agree
        "UPDATE documents.letters SET (pdf, sha256) = ('x', encode(sha256('x'), 'hex')) WHERE proposal = %s",
    ],
)
def test_a_letter_that_was_altered_is_not_mailed(
    office: Office, server: MailServer, email: Email, change: str
) -> None:
    """The log has the hash of what was issued, whatever the owner of the database writes over it."""
    proposal = commands.submit(
        office.parts, SECRETARY, "regionale-herstelaanpak", proposal_input(), DAY
    ).stream
    submitted = office.parts.log.load(proposal)[0]
    issued = letters.issue(office.parts, "receipt", proposal, submitted.position)
    person = office.person("submitter")
    facts = {**OF_CASE, "owner": person.id, "body": "secretariat", "dueOn": "2026-03-16"}
    required = office.to(
        person, "receipt", facts, stream=proposal, letter="receipt", cause=f"event:{submitted.position}",
        relation="submitter", required=True,
    )  # fmt: skip
    with psycopg.connect(office.parts.settings.database_owner_url, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")  # past what refuses it
        owner.execute(change.encode(), (proposal,))
    state, error = office.send(email, required)
    assert (state, server.got) == ("dead", []), "given up at once, and nothing went out"
    assert error.startswith(f"the letter that goes with it was altered: {issued.id}")
    assert list(preview(office.parts, required).iter_attachments()) == [], "nor is it shown"
    with psycopg.connect(office.parts.settings.database_owner_url, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE documents.letters SET pdf = %s, sha256 = %s WHERE id = %s",
            (issued.pdf, issued.sha256, issued.id),
        )
        ledger.resend(owner, [required.id])
    assert office.send(email, required) == ("sent", None), "put back as it was, it goes"


def a_digest(office: Office, number: int, mode: str = "daily") -> Delivery:
    """A digest of so many messages in each of two cases, and of an envelope."""
    person = office.person()
    digest = office.to(person, "digest", {"mode": mode, "day": "2026-03-02"}, stream="")
    for stream, reference in ((CASE, "RHA-2026-0012"), (CASE.replace("1", "2"), "RHA-2026-0013")):
        for revision in range(2, 2 + number):
            facts = {**OF_CASE, "reference": reference, "revision": revision}
            office.to(person, "revised", facts, stream=stream, state="bundled")
    envelope = {"what": "opened", "code": "pot", "name": "Pot", "amount": "5.00"}
    office.to(person, "envelope", envelope, stream="envelope-pot", state="bundled")
    query = "UPDATE ledger.deliveries SET bundle = %s WHERE recipient = %s AND state = 'bundled'"
    office.do(query, digest.id, person.id)
    return digest


def test_a_digest_tells_all_by_case_and_says_of_a_case_once_what_it_is(office: Office) -> None:
    mail = mail_of(office, a_digest(office, 3))
    html, text = part(mail, "html"), part(mail, "plain")
    assert mail["Subject"] == "Je overzicht van 2 maart 2026"
    assert mail["References"] is None
    assert [each.partition("</h2>")[0] for each in html.split("<h2>")[1:]] == [
        "RHA-2026-0012", "RHA-2026-0013", "Budget Pot is geopend",
    ]  # fmt: skip
    assert html.count("<h3>Het voorstel is aangevuld</h3>") == 6
    assert [html.count(f"Dit is nu versie {number}.") for number in (2, 3, 4)] == [2, 2, 2]
    assert html.count("Voorstel: Digitale werkplaats") == 2
    assert f"https://{HOST}/proposals/{CASE}" in text
    assert f"Open je berichten: https://{HOST}/inbox" in text


def test_a_digest_of_very_much_says_how_much_more_there_is(office: Office) -> None:
    html = part(mail_of(office, a_digest(office, 70)), "html")
    assert html.count("<h3>") == 100
    assert "En nog 41 berichten." in html


@pytest.mark.parametrize("mode", ["daily", "weekly", "terms"])
def test_turning_off_a_digest_turns_off_what_comes_in_it(office: Office, mode: str) -> None:
    digest = a_digest(office, 1, mode)
    subscription = unsubscribe.of(digest)
    office.do(
        "INSERT INTO vault.preferences (person, kind, channel, mode) VALUES (%s, 'turn', 'email', 'weekly')",
        digest.recipient,
    )
    with office.parts.pool.connection() as connection:
        assert unsubscribe.turn_off(connection, subscription)
        assert unsubscribe.turn_off(connection, subscription), "again does nothing"
    off = office.ask(
        "SELECT array_agg(kind ORDER BY kind) FROM vault.preferences WHERE person = %s AND mode = 'off'"
        " AND channel = 'email'",
        digest.recipient,
    )
    daily = ["advised", "envelope", "money", "programme", "resumed", "revised"]
    terms = ["term-escalated", "term-near", "term-passed"]
    assert off == [({"daily": daily, "weekly": ["turn"], "terms": terms}[mode],)]


def test_a_page_that_was_made_before_gets_our_lines_in_its_footer() -> None:
    footer = Markup("<p>Waarom</p>")
    assert with_footer("<main>x</main>", footer) == "<main>x</main>\n<footer>\n<p>Waarom</p>\n</footer>"
    assert with_footer("<main>x</main><footer>y</footer></body>", footer) == (
        "<main>x</main><footer>y<p>Waarom</p>\n</footer></body>"
    )
    assert with_footer("x", footer).endswith("</footer>")


def test_a_newsletter_is_mailed_as_it_was_kept_with_a_way_to_unsubscribe(
    office: Office, server: MailServer, email: Email
) -> None:
    kept = {
        "newsletter": NEWSLETTER,
        "municipality": "GM0772",
        "languages": {"nl": {"subject": "Nieuwsbrief\r\nBcc: a@b.example", "text": "Wat er kwam\n",
                             "html": layout.document("nl", "Nieuwsbrief", Markup("<h1>Nieuwsbrief</h1>"), Markup())}},
    }  # fmt: skip
    office.do(
        "INSERT INTO documents.newsletters (id, programme, first_day, last_day, position, figures, content,"
        " created_by, changed_by) VALUES (%s, 'p', '2026-01-01', '2026-03-31', 1, '{}', '{}', 'x', 'x')",
        NEWSLETTER,
    )
    office.do(
        "INSERT INTO documents.editions (newsletter, municipality, sha256, kept) VALUES (%s, 'GM0772', %s, %s)",
        NEWSLETTER, hashlib.sha256(json.dumps(kept).encode()).hexdigest(), json.dumps(kept).encode(),
    )  # fmt: skip
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "raad@example.org")
    delivery = office.to(id, "newsletter", {"programme": "p"}, stream=NEWSLETTER, relation="council")
    assert office.send(email, delivery)[0] == "sent"
    (mail,) = server.got
    assert server.recipients == ["raad@example.org"]
    assert mail["Subject"] == "Nieuwsbrief Bcc: a@b.example"
    assert mail["References"] is None
    link = str(mail["List-Unsubscribe"]).strip("<>")
    for said in (part(mail, "plain"), part(mail, "html")):
        assert link in said
        assert "omdat dit adres op de lijst voor de gemeenteraad staat" in said
        assert "/inbox/preferences" not in said, "it is nobody who can sign in"
    assert part(mail, "plain").startswith("Wat er kwam")
    assert part(mail, "html").count("<footer>") == 1


def test_who_unsubscribed_meanwhile_is_not_mailed(office: Office, server: MailServer, email: Email) -> None:
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "afgemeld@example.org")
        delivery = office.to(id, "newsletter", {"programme": "p"}, stream=NEWSLETTER, relation="council")
        councils.unsubscribe(connection, id)
    assert office.send(email, delivery)[0] == "dropped"
    assert server.got == []


# Who is told what


def test_a_stand_in_reads_for_whom_and_can_stop(office: Office) -> None:
    absent, other = office.person(), office.person()
    office.do("UPDATE vault.hearing SET stand_in = %s WHERE person = %s", other.id, absent.id)
    delivery = office.to(other, instead_of=absent.id)
    mail = mail_of(office, delivery)
    assert f"Je leest dit in plaats van {absent.name}" in part(mail, "plain")
    assert "omdat je iemand vervangt die afwezig is" in part(mail, "plain")
    with office.parts.pool.connection() as connection:
        assert unsubscribe.turn_off(connection, unsubscribe.of(delivery))
    assert office.ask("SELECT stand_in FROM vault.hearing WHERE person = %s", absent.id) == [(None,)]
    assert office.ask("SELECT 1 FROM vault.preferences WHERE person IN (%s, %s)", absent.id, other.id) == []


def test_to_look_at_a_mail_gives_nobody_the_right_to_turn_it_off(office: Office) -> None:
    mail = preview(office.parts, office.to(office.person()))
    assert "/unsubscribe/" not in mail.as_string()
    assert mail["List-Unsubscribe"] is None
    gone = preview(office.parts, office.to("person-0197a000-0000-7000-8000-00000000dead"))
    assert gone["To"] is None
    assert "er is een besluit" in str(gone["Subject"])


def test_a_link_that_we_did_not_make_is_none(office: Office) -> None:
    settings = office.parts.settings
    subscription = unsubscribe.of(office.to(office.person()))
    token = unsubscribe.link(settings, subscription).rpartition("/")[2]
    assert unsubscribe.read(settings, token) == subscription
    assert unsubscribe.read(replace(settings, secret=b"another secret, just as long as this"), token) is None
    payload, _, tag = token.partition(".")
    for wrong in (
        "",
        ".",
        token[:-1],
        token + "A",
        f"{payload}.",
        f"{tag}.{payload}",
        f"x{token}",
        "é.é",
        f"{payload}.{tag}==",
    ):
        assert unsubscribe.read(settings, wrong) is None, wrong


@given(st.text(max_size=80))
def test_nothing_at_all_is_a_link(office: Office, token: str) -> None:
    assert unsubscribe.read(office.parts.settings, token) is None


# Answers of mail servers


@pytest.mark.parametrize(
    ("said", "dead"),
    [
        ("550 5.1.1 unknown user", True),
        ("550 5.1.10 recipient not found", True),
        ("550 5.2.1 mailbox disabled", True),
        ("550 No such user here", True),
        ("550 Requested action not taken: mailbox unavailable", True),
        ("550 5.7.1 blocked by policy", False),
        ("550 blocked using a list of spam, user unknown", False),
        ("552 5.2.2 over quota", False),
        ("550 5.1.8 sender's domain not found", False),
        ("450 4.2.1 try again", False),
        ("451 4.1.1 unknown for now", False),
        ("550 relay access denied", False),
    ],
)
def test_only_an_address_that_is_wrong_gets_no_more_mail(said: str, dead: bool) -> None:
    assert of_the_address(said) is dead


def test_what_a_server_says_is_kept_without_addresses() -> None:
    said = "550 5.1.1 <renee@example.org>: Recipient rejected\r\nsee https://example.org/why?to=renee@example.org"
    assert "renee" not in without_addresses(said)
    assert without_addresses("550  a\r\n b") == "550 a b"


def test_councils_are_mailed_in_the_language_of_their_address(office: Office) -> None:
    with office.parts.pool.connection() as connection:
        id = councils.add(connection, "GM0772", "griffie@example.org", "en")
        found = readers.find(connection, id)
    assert found is not None
    assert (found.email, found.language, found.council is not None) == ("griffie@example.org", "en", True)
    with office.parts.pool.connection() as connection:
        assert unsubscribe.turn_off(connection, unsubscribe.Subscription(id, "newsletter"))
        kept = councils.address(connection, id)
    assert kept is not None
    assert kept.unsubscribed_at is not None


def test_transports_are_made_as_set(office: Office, tmp_path: Path) -> None:
    settings = office.parts.settings
    assert transport.make(settings) is None
    assert isinstance(transport.make(replace(settings, mail_folder=str(tmp_path))), Folder)
    both = replace(settings, mail_folder=str(tmp_path), smtp_url="smtp://127.0.0.1:9")
    assert isinstance(transport.make(both), Smtp)
