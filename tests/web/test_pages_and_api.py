"""Pages and API cannot drift apart: whatever the API can do, a page does, by the same command and the same schema."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flask import Flask

import service.web
from service.api.openapi import PREFIX
from service.app import create_app
from service.settings import Settings

PAGES = {
    "proposals.submit": "web.submission.send",
    "acts.check_completeness": "web.acting.do",
    "acts.revise": "web.supplement.send",
    "acts.review": "web.acting.do",
    "acts.decide": "web.acting.do",
    "acts.resume": "web.acting.do",
    "acts.award": "web.acting.do",
    "acts.release_phase": "web.money.release",
    "acts.reallocate_phase": "web.money.reallocate",
    "acts.return_money": "web.money.give_back",
    "acts.withdraw": "web.withdrawal.send",
    "acts.classify": "web.classification.send",
    "redactions.redact": "web.redaction.send",
    "retention.apply_retention": "web.retention.apply",
    "envelopes.open_envelope": "web.money.open_envelope",
    "envelopes.add_source": "web.money.top_up",
    "programmes.publish_programme": "web.programme_pages.publish",
    "inbox.change_message": "web.inbox.change",
    "inbox.change_preferences": "web.preferences.change",
    "inbox.change_watch": "web.inbox.watch",
    "drafts.list_drafts": "web.submission.new",
    "drafts.begin_draft": "web.submission.begin",
    "drafts.read_draft": "web.submission.show",
    "drafts.keep_draft": "web.submission.go",
    "drafts.share_draft": "web.submission.go",
    "drafts.delete_draft": "web.submission.delete",
    "drafts.submit_draft": "web.submission.send",
    "deliveries.send_again": "web.deliveries.resend",
    "deliveries.record_posted": "web.desk.posted",
    "subscriptions.subscribe": "web.subscriptions.add",
    "subscriptions.change_subscription": "web.subscriptions.change",
    "subscriptions.remove_subscription": "web.subscriptions.remove",
    "subscriptions.rotate_secret": "web.subscriptions.rotate",
    "subscriptions.send_test": "web.subscriptions.send_test",
    "subscriptions.resend_delivery": "web.subscriptions.resend",
    "newsletters.draft_newsletter": "web.newsletters.create",
    "newsletters.edit_newsletter": "web.newsletters.change",
    "newsletters.draw_newsletter_again": "web.newsletters.change",
    "newsletters.approve_newsletter": "web.newsletters.approve",
    "newsletters.add_council_addresses": "web.newsletters.add_addresses",
    "newsletters.remove_council_address": "web.newsletters.remove_address",
    "tokens.sign_in": "web.sign_in.sign_in",
    "sessions.list_sessions": "web.account_sessions.index",
    "sessions.end_session": "web.account_sessions.end",
    "sessions.end_sessions": "web.account_sessions.end_others",
    "passkeys.list_passkeys": "web.passkeys.index",
    "passkeys.remove_passkey": "web.passkeys.remove",
    "passwords.ask_link": "web.choosing_password.mail",
    "passwords.choose_by_link": "web.choosing_password.use",
    "passwords.change_password": "web.choosing_password.change",
    "second-factor.begin_second_factor": "web.second_factor.begin",
    "second-factor.confirm_second_factor": "web.second_factor.confirm",
    "second-factor.renew_recovery_codes": "web.second_factor.renew_codes",
    "second-factor.turn_off_second_factor": "web.second_factor.turn_off",
    "tokens.list_tokens": "web.account_tokens.index",
    "tokens.create_token": "web.account_tokens.create",
    "tokens.revoke_token": "web.account_tokens.revoke",
    "people.add_person": "web.admin.add",
    "people.change_person": "web.admin.change",
    "people.end_access": "web.admin.end_access",
    "organisations.read_organisation": "web.organisation.show",
    "organisations.add_colleague": "web.organisation.add",
    "organisations.change_colleague": "web.organisation.change",
    "organisations.remove_colleague": "web.organisation.remove",
    "people.erase_person": "web.admin.erase",
    "people.ask_erasure": "web.my_data.ask",
    "people.read_own_data": "web.my_data.show",
    "people.list_people": "web.admin.index",
    "people.read_person": "web.admin.show",
    # questions
    "proposals.list_proposals": "web.cases.index",
    "proposals.read_proposal": "web.cases.show",
    "proposals.read_timeline": "web.cases.show",
    "letters.list_letters": "web.cases.show",
    "letters.read_letter": "web.letters.download",
    "bodies.read_queue": "web.queues.show",
    "programmes.list_programmes": "web.programme_pages.index",
    "programmes.read_programme": "web.programme_pages.show",
    "envelopes.list_envelopes": "web.money.index",
    "envelopes.read_envelope": "web.money.envelope",
    "portfolio.read_portfolio": "web.portfolio.index",
    "inbox.read_inbox": "web.inbox.index",
    "inbox.read_preferences": "web.preferences.ask",
    "inbox.list_watched": "web.inbox.index",
    "deliveries.list_deliveries": "web.deliveries.index",
    "deliveries.read_delivery": "web.deliveries.show",
    "subscriptions.list_subscriptions": "web.subscriptions.index",
    "subscriptions.read_subscription": "web.subscriptions.show",
    "subscriptions.read_secret": "web.subscriptions.secret",
    "subscriptions.list_subscription_deliveries": "web.subscriptions.show",
    "newsletters.list_newsletters": "web.newsletters.index",
    "newsletters.read_newsletter": "web.newsletters.show",
    "newsletters.read_edition": "web.newsletters.read_edition",
    "newsletters.list_council_addresses": "web.newsletters.addresses",
    "events.read_events": "web.audit.index",
    "register.list_register": "web.register.index",
    "register.read_entry": "web.register.show",
    "retention.report_retention": "web.retention.index",
    "redactions.list_texts": "web.redaction.ask",
    "sign-ins.list_sign_ins": "web.sign_in_record.index",
}
"""What the API can do, and the page that does it. A new call has to be named here, and so needs a page."""


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(Settings("host=nowhere", "", b"x" * 32))


def calls(app: Flask) -> dict[str, set[str]]:
    """What the API can do: the methods of each of its calls, but for its own document."""
    own = ("docs.", "static")
    return {
        rule.endpoint: set(rule.methods or ()) - {"HEAD", "OPTIONS"}
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX) and not rule.endpoint.startswith(own)
    }


def test_whatever_the_api_can_do_a_page_does(app: Flask) -> None:
    assert set(calls(app)) == set(PAGES)
    methods = {
        endpoint: set().union(*(rule.methods or () for rule in rules))
        for endpoint, rules in app.url_map._rules_by_endpoint.items()
    }
    for call, wanted in calls(app).items():
        # A form knows no other way to change something.
        asked = {"GET" if method == "GET" else "POST" for method in wanted}
        assert asked <= methods.get(PAGES[call], set()), f"{call}: {PAGES[call]} does not take {asked}"


def test_pages_have_no_schema_for_an_act_of_the_api() -> None:
    """A schema of the pages' own would judge otherwise sooner or later."""
    folder = Path(next(iter(service.web.__path__)))
    of_the_api = {
        f"{name}Schema"
        for name in (
            "Submission", "Revision", "Completeness", "Review", "Decision", "Resumption", "Award", "Release",
            "Reallocation", "Return", "Withdrawal", "Classification", "EnvelopeGiven", "SourceGiven",
            "SubscriptionGiven", "SubscriptionChange", "NewsletterPeriod", "NewsletterContent", "AddressLines",
            "TokenGiven", "LinkAsked", "ChoosePassword", "ChangePassword", "Code",
            "Person", "NewPerson", "Erasure", "Colleague", "ColleagueRole",
        )
    }  # fmt: skip
    used: set[str] = set()
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        assert not defined & of_the_api, file
    assert of_the_api <= used, "an act whose schema no page uses"
