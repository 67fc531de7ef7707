"""Does an event reach a webhook as Standard Webhooks asks: signed, in time, and nowhere but where it may go?"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import psycopg
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook as Standard
from standardwebhooks.webhooks import WebhookVerificationError

from domain.errors import Invalid
from service import wiring
from service.identity import people
from service.messaging import ledger, subscriptions
from service.messaging.addresses import addresses, is_public, target
from service.messaging.channels import CHANNELS
from service.messaging.channels.channel import Dropped, Failed, Gone, Outcome, Sent
from service.messaging.channels.webhook import DAY, WAITS, Webhook, signature
from service.messaging.cloudevent import TEST_TYPE, to_cloudevent
from service.messaging.courier import deliver
from service.messaging.ledger import Delivery
from service.messaging.subscriptions import Subscription
from service.settings import Settings
from service.wiring import Parts
from tests.messaging.receiver import Receiver, receiving

Connection = psycopg.Connection[object]
SECONDS = 1.0
"""How long somebody who does not answer is waited for; others get as long as a busy machine may need."""
PATIENT_SECONDS = 30.0


@dataclass
class Post:
    """A subscription on a service with one event in its log, and the channel that sends to it."""

    parts: Parts
    db: Connection
    person: str
    channel: Webhook

    def subscribed(self, url: str) -> Subscription:
        given = {"person": self.person, "name": "Zaaksysteem", "channel": "webhook", "url": url}
        return subscriptions.add(self.db, **given)[0]  # type: ignore[arg-type]

    def planned(self, subscription: Subscription) -> Delivery:
        """The first event of the log, ready to be sent there."""
        ledger.add(
            self.db, subscriptions.made(self.db, self.parts.log.read(0, 1), {}, self.parts.calendar().today)
        )
        with psycopg.connect(self.parts.settings.database_url) as connection:
            query = "SELECT id FROM ledger.deliveries WHERE recipient = %s AND state = 'waiting'"
            ((id,),) = connection.execute(query, (subscription.id,)).fetchall()
        claimed = ledger.claim(self.db, id)
        assert claimed is not None
        return claimed

    def sent(self, url: str) -> tuple[Outcome, Subscription]:
        """What comes of sending the event there, and the subscription after that."""
        subscription = self.subscribed(url)
        outcome = self.channel.send(self.parts, self.planned(subscription))
        after = subscriptions.get(self.db, subscription.id)
        assert after is not None
        return outcome, after


@pytest.fixture
def posted(settings: Settings, append: Callable[[int], None]) -> Iterator[Callable[..., Post]]:
    append(1)
    opened: list[Parts] = []
    with psycopg.connect(settings.database_url, autocommit=True) as db:
        person = people.add(db, email="koppeling@example.org", name="Koppeling", roles=["integration"]).id

        def make(
            private: bool = True, trusted: ssl.SSLContext | None = None, seconds: float = PATIENT_SECONDS
        ) -> Post:
            given = replace(settings, private_webhooks=private)
            opened.append(wiring.build(given))
            return Post(opened[-1], db, person, Webhook(given, trusted, seconds))

        yield make
    for parts in opened:
        parts.close()


@pytest.fixture
def post(posted: Callable[..., Post]) -> Post:
    return posted()


@pytest.fixture
def hasty(posted: Callable[..., Post]) -> Post:
    """The same for a moment only."""
    return posted(seconds=SECONDS)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


# What is sent


def test_the_known_answer_of_the_standard() -> None:
    secret, id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(secret, id, 1614265330, b'{"test": 2432232314}') == known


def test_a_message_is_the_event_signed_so_that_others_can_tell(post: Post, receiver: Receiver) -> None:
    outcome, subscription = post.sent(f"{receiver.address}/in?from=besluitspoor")
    assert outcome == Sent("200 OK")
    (came,) = receiver.came
    assert came.path == "/in?from=besluitspoor"
    assert came.headers["content-type"] == "application/cloudevents+json"
    assert came.headers["host"] == receiver.address.removeprefix("http://")
    Standard(subscriptions.secret(post.parts.settings, subscription)).verify(came.body, came.headers)
    JSONFormat().read(CloudEvent, came.body)  # validates, or raises
    settings = post.parts.settings
    (recorded,) = post.parts.log.read(0, 1)
    assert json.loads(came.body) == to_cloudevent(recorded, oin=settings.oin, public_url=settings.public_url)


def test_another_secret_or_another_body_does_not_verify(post: Post, receiver: Receiver) -> None:
    _, subscription = post.sent(receiver.address)
    (came,) = receiver.came
    other = Standard(subscriptions.secret(post.parts.settings, post.subscribed(receiver.address)))
    own = Standard(subscriptions.secret(post.parts.settings, subscription))
    with pytest.raises(WebhookVerificationError):
        other.verify(came.body, came.headers)
    with pytest.raises(WebhookVerificationError):
        own.verify(came.body + b" ", came.headers)


def test_sent_again_it_is_the_same_message(post: Post, receiver: Receiver) -> None:
    delivery = post.planned(post.subscribed(receiver.address))
    for _ in range(2):
        assert isinstance(post.channel.send(post.parts, delivery), Sent)
    first, second = receiver.came
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == delivery.id
    assert first.body == second.body


def test_for_a_day_after_a_rotation_both_secrets_verify(post: Post, receiver: Receiver) -> None:
    before = post.subscribed(receiver.address)
    after = subscriptions.rotate(post.db, before.id, 2)
    assert after is not None
    delivery = post.planned(before)
    assert isinstance(post.channel.send(post.parts, delivery), Sent)
    old, new = (Standard(subscriptions.secret(post.parts.settings, each)) for each in (before, after))
    for secret in (old, new):
        secret.verify(receiver.came[0].body, receiver.came[0].headers)
    post.db.execute("UPDATE ledger.subscriptions SET old_signs_until = now()")
    assert isinstance(post.channel.send(post.parts, delivery), Sent)
    new.verify(receiver.came[1].body, receiver.came[1].headers)
    with pytest.raises(WebhookVerificationError):
        old.verify(receiver.came[1].body, receiver.came[1].headers)


def test_a_test_event_says_only_that_it_arrived_and_is_tried_once(post: Post, receiver: Receiver) -> None:
    subscription = post.subscribed(receiver.address)
    receiver.statuses = [200, 500]
    outcomes = []
    for id in ("test-1", "test-2"):
        delivery = ledger.claim(post.db, subscriptions.try_out(post.db, subscription, id))
        assert delivery is not None
        outcomes.append(post.channel.send(post.parts, delivery))
    assert outcomes == [Sent("200 OK"), Failed("500 Internal Server Error", permanent=True)]
    came = receiver.came[0]
    Standard(subscriptions.secret(post.parts.settings, subscription)).verify(came.body, came.headers)
    event = JSONFormat().read(CloudEvent, came.body)
    assert (event.get_id(), event.get_type(), event.get_data()) == ("test-1", TEST_TYPE, {})


# What the other side answers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(post: Post, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    outcome, _ = post.sent(receiver.address)
    assert isinstance(outcome, Sent)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 500, 502])
def test_anything_else_is_tried_again_and_a_redirect_is_not_followed(
    post: Post, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    receiver.headers = {"Location": f"{receiver.address}/elsewhere"}
    outcome, _ = post.sent(receiver.address)
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith(str(status))
    assert (outcome.permanent, outcome.again_in) == (False, None)
    assert [each.path for each in receiver.came] == ["/"]


def test_410_ends_the_subscription_until_its_owner_turns_it_on(post: Post, receiver: Receiver) -> None:
    receiver.statuses = [410]
    outcome, subscription = post.sent(receiver.address)
    assert outcome == Gone("410 Gone")
    assert subscription.state == "gone"
    assert subscriptions.made(post.db, post.parts.log.read(0, 1), {}, post.parts.calendar().today) == []


def test_failures_are_counted_until_it_goes_well(post: Post, receiver: Receiver) -> None:
    subscription = post.subscribed(receiver.address)
    delivery = post.planned(subscription)
    receiver.statuses = [500, 302, 200]
    counted = []
    for _ in range(3):
        post.channel.send(post.parts, delivery)
        now = subscriptions.get(post.db, subscription.id)
        assert now is not None
        counted.append(now.failures)
    assert counted == [1, 2, 0]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "tries", "expected"),
    [
        ("90", 1, 90.0),
        ("1", 2, WAITS[1]),  # never sooner than without asking
        ("99999999", 1, DAY),
        ("9" * 30, 1, None),
        ("soon", 1, None),
        ("-5", 1, None),
        (None, 1, None),
    ],
)
def test_a_wait_that_is_asked_for_is_kept_within_bounds(
    post: Post, receiver: Receiver, status: int, asked: str | None, tries: int, expected: float | None
) -> None:
    receiver.statuses = [status]
    receiver.headers = {"Retry-After": asked} if asked is not None else {}
    delivery = replace(post.planned(post.subscribed(receiver.address)), tries=tries)
    outcome = post.channel.send(post.parts, delivery)
    assert isinstance(outcome, Failed)
    assert outcome.again_in == expected


def test_a_wait_may_be_a_date(post: Post, receiver: Receiver) -> None:
    receiver.statuses = [503]
    receiver.headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}
    outcome, _ = post.sent(receiver.address)
    assert isinstance(outcome, Failed)
    assert outcome.again_in == pytest.approx(3600, abs=5)


def test_a_wait_that_is_asked_for_is_kept_also_when_it_is_sent_once_more(
    post: Post, receiver: Receiver
) -> None:
    receiver.statuses = [503, 503]
    delivery = post.planned(post.subscribed(receiver.address))
    state = "UPDATE ledger.deliveries SET state = 'waiting', due_at = now(), tries = %s WHERE id = %s"
    post.db.execute(state, (len(WAITS), delivery.id))
    deliver(post.parts, post.channel, delivery.id)
    given_up = ledger.by_id(post.db, delivery.id)
    assert given_up is not None
    assert (given_up.state, given_up.tries) == ("dead", len(WAITS) + 1)
    # given: it was given up, and somebody has it sent once more
    receiver.headers = {"Retry-After": "5000"}
    assert ledger.resend(post.db, [delivery.id]) == [delivery.id]
    deliver(post.parts, post.channel, delivery.id)
    # then: it waits as asked, and not as after a first try
    query = (
        "SELECT state, tries, extract(epoch FROM due_at - now())::float FROM ledger.deliveries WHERE id = %s"
    )
    ((waits, tries, seconds),) = post.db.execute(query, (delivery.id,)).fetchall()
    assert (waits, tries) == ("waiting", len(WAITS) + 2)
    assert WAITS[0] * 2 < seconds <= 5000


def test_the_tries_are_ten_in_some_75_hours() -> None:
    assert len(WAITS) + 1 == 10
    assert 75 <= sum(WAITS) / 3600 <= 76
    assert list(WAITS) == sorted(WAITS)


# How long it takes


@pytest.mark.parametrize("path", ["/never", "/trickle"])
def test_who_does_not_answer_in_time_is_given_up(hasty: Post, receiver: Receiver, path: str) -> None:
    subscription = hasty.subscribed(receiver.address + path)
    delivery = hasty.planned(subscription)
    began = time.monotonic()
    outcome = hasty.channel.send(hasty.parts, delivery)
    assert outcome == Failed("no-answer")
    assert SECONDS - 0.1 < time.monotonic() - began < SECONDS + 8


@pytest.mark.parametrize("path", ["/slow-body", "/huge"])
def test_an_answer_counts_however_long_its_body_is(
    posted: Callable[..., Post], receiver: Receiver, path: str
) -> None:
    began = time.monotonic()
    outcome, _ = posted(seconds=3.0).sent(receiver.address + path)
    assert isinstance(outcome, Sent)
    assert time.monotonic() - began < 11


def test_no_http_and_nobody_there_are_failures(post: Post, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    for url in (f"{receiver.address}/nonsense", f"http://127.0.0.1:{free}/", "http://nobody.invalid/"):
        outcome, subscription = post.sent(url)
        assert isinstance(outcome, Failed), url
        assert not outcome.permanent
        assert subscription.failures == 1


def test_a_name_that_is_never_looked_up_takes_no_longer(
    hasty: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = hasty.planned(hasty.subscribed(receiver.address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(15))
    began = time.monotonic()
    assert hasty.channel.send(hasty.parts, asked) == Failed("no-answer")
    assert time.monotonic() - began < SECONDS + 8
    assert receiver.came == []


# Where it may go


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fe80::1%lo", "fec0::1", "fc00::1",
    "fd12::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
    "2001::1", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_these_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1", "2002:808:808::1"]
)
def test_these_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "10.0.0.1",
        "169.254.169.254", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "[fd00::1]",
        "[2002:7f00:1::]", "[64:ff9b::7f00:1]",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_as_it_is_written(host: str) -> None:
    with pytest.raises(Invalid, match="webhook-url-private"):
        target(f"https://{host}/in", private=False)
    assert target(f"https://{host}/in", private=True).path == "/in"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "webhook-url-invalid"),
        ("example.org", "webhook-url-invalid"),
        ("//example.org", "webhook-url-invalid"),
        ("ftp://example.org", "webhook-url-invalid"),
        ("file:///etc/passwd", "webhook-url-invalid"),
        ("https://", "webhook-url-invalid"),
        ("https://example.org:99999/", "webhook-url-invalid"),
        ("https://example.org:0/", "webhook-url-invalid"),
        ("https://exam ple.org/", "webhook-url-invalid"),
        ("https://example.org/\r\nX: y", "webhook-url-invalid"),
        ("https://example.org\\@127.0.0.1/", "webhook-url-invalid"),
        ("https://[::1/", "webhook-url-invalid"),
        ("https://ex\u00e4mple.org/", "webhook-url-invalid"),
        ("https://example.org/" + "x" * 2_000, "webhook-url-invalid"),
        ("https://me:secret@example.org/", "webhook-url-parts"),
        ("https://me@example.org/", "webhook-url-parts"),
        ("https://example.org/#here", "webhook-url-parts"),
        ("http://example.org/", "webhook-url-https"),
        ("https://localhost/", "webhook-url-private"),
        ("https://receiver.LOCAL./", "webhook-url-private"),
    ],
)
def test_what_is_no_url_for_a_webhook_is_refused(url: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        target(url, private=False)
    assert (refused.value.code, refused.value.field) == (code, "/url")


def test_a_url_is_taken_apart_once() -> None:
    taken = target("https://Example.ORG:8443/a/b?c=d", private=False)
    assert (taken.secure, taken.host, taken.port, taken.path) == (True, "example.org", 8443, "/a/b?c=d")
    assert taken.name == "example.org:8443"
    assert target("https://example.org", private=False).name == "example.org"
    assert target("https://[2606:4700::1111]/", private=False).name == "[2606:4700::1111]"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST"])
def test_a_name_that_leads_inside_is_not_asked(
    posted: Callable[..., Post], receiver: Receiver, host: str
) -> None:
    port = receiver.address.rpartition(":")[2]
    post = posted(private=False)
    outcome, _ = post.sent(f"https://{host}:{port}/")
    assert isinstance(outcome, Failed)
    assert outcome.reason == "unreachable"
    assert receiver.came == []


def test_a_subscription_of_when_private_addresses_were_allowed_is_not_asked_any_more(
    posted: Callable[..., Post], receiver: Receiver
) -> None:
    post = posted(private=False)
    outcome, _ = post.sent(f"{receiver.address}/")
    assert outcome == Failed("webhook-url-https")
    assert receiver.came == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(Exception, match=r"10\.0\.0\.1"):
        addresses(target("https://both.example.org", private=True), private=False)


# TLS: the name that was asked for, at the address that was checked


@pytest.fixture(scope="module")
def certificates(
    tmp_path_factory: pytest.TempPathFactory, in_ci: bool
) -> Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]:
    """A certificate for a name: for the server, and for who trusts it."""
    if shutil.which("openssl") is None:
        if in_ci:
            pytest.fail("There is no openssl here.")
        pytest.skip("There is no openssl here.")
    folder = tmp_path_factory.mktemp("tls")

    def make(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
        command = (
            f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
        )
        subprocess.run(
            [
                "openssl", *command.split(), "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key),
                "-out", str(certificate),
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        return server, ssl.create_default_context(cafile=str(certificate))

    return make


Certificates = Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]


def leads_to_us(monkeypatch: pytest.MonkeyPatch, name: str, later: str) -> list[str]:
    """The first who asks for the name is told this machine, later ones another; answers the names asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, *args: object, **options: object) -> object:
        if host != name:
            return real(host, *args, **options)  # type: ignore[arg-type]
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else later, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


def test_a_name_is_looked_up_once_and_is_still_the_one_in_the_certificate(
    posted: Callable[..., Post], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "receiver.example.org"
    server, trusted = certificates(name)
    named: list[str | None] = []
    server.sni_callback = lambda _, sni, __: named.append(sni)
    with receiving(server) as receiver:
        port = receiver.address.rpartition(":")[2]
        post = posted(trusted=trusted)
        asked = leads_to_us(monkeypatch, name, later="192.0.2.7")
        outcome, _ = post.sent(f"https://{name}:{port}/in")
        assert isinstance(outcome, Sent), outcome
        assert asked == [name], "a second answer could lead elsewhere"
        assert named == [name]
        assert receiver.came[0].headers["host"] == f"{name}:{port}"


def test_a_certificate_of_another_name_or_of_nobody_is_refused(
    posted: Callable[..., Post], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, trusted = certificates("other.example.org")
    leads_to_us(monkeypatch, "receiver.example.org", later="127.0.0.1")
    with receiving(server) as receiver:
        url = f"https://receiver.example.org:{receiver.address.rpartition(':')[2]}/"
        for context in (trusted, None):
            outcome, _ = posted(trusted=context).sent(url)
            assert isinstance(outcome, Failed)
            assert outcome.reason.startswith("certificate"), outcome
        assert receiver.came == []


def test_the_next_address_is_tried_when_the_first_is_not_there(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = receiver.address.removeprefix("http://").partition(":")
    real = socket.getaddrinfo

    def lookup(name: str, *args: object, **options: object) -> object:
        if name != "two.example.org":
            return real(name, *args, **options)  # type: ignore[arg-type]
        return [*real("127.9.9.9", *args, **options), *real(host, *args, **options)]  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    outcome, _ = post.sent(f"http://two.example.org:{port}/")
    assert isinstance(outcome, Sent)


def test_whether_a_name_is_one_of_our_own_network_cannot_be_told(
    posted: Callable[..., Post], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    post = posted(private=False)
    real = socket.getaddrinfo

    def lookup(name: str, *args: object, **options: object) -> object:
        if name == "nobody.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        inside = name == "inside.example.org" and not options.get("flags")  # which ask of nobody
        return real("10.0.0.7" if inside else name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    inside, _ = post.sent("https://inside.example.org/")
    nowhere, _ = post.sent("https://nobody.invalid/")
    assert inside == nowhere == Failed("unreachable")
    logged = capsys.readouterr().out
    assert "10.0.0.7" in logged, "for the operator"
    assert "gaierror" in logged


# What is not sent


def test_of_a_subscription_that_is_paused_or_removed_nothing_is_sent(post: Post, receiver: Receiver) -> None:
    subscription = post.subscribed(receiver.address)
    delivery = post.planned(subscription)
    given = {"name": "x", "url": subscription.url, "types": (), "programmes": ()}
    subscriptions.change(post.db, subscription.id, **given, state="off")  # type: ignore[arg-type]
    assert post.channel.send(post.parts, delivery) == Dropped("paused")
    subscriptions.remove(post.db, subscription.id)
    assert post.channel.send(post.parts, delivery) == Dropped("removed")
    assert receiver.came == []


def test_who_lost_the_right_to_read_events_is_not_sent_what_waits(post: Post, receiver: Receiver) -> None:
    subscription = post.subscribed(receiver.address)
    delivery = post.planned(subscription)
    owner = people.get(post.db, post.person)
    assert owner is not None
    people.change(post.db, replace(owner, roles=frozenset({"admin"})))
    assert post.channel.send(post.parts, delivery) == Dropped("not-allowed")
    test = ledger.claim(post.db, subscriptions.try_out(post.db, subscription))
    assert test is not None
    assert post.channel.send(post.parts, test) == Dropped("not-allowed")
    assert receiver.came == []


def test_webhooks_and_queues_are_channels(settings: Settings, tmp_path: Path) -> None:
    for name in ("webhook", "queue"):
        channel = CHANNELS[name](settings)
        assert channel.name == name
        assert channel.at_once > 0
        channel.close()
