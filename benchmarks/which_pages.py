"""Which pages are measured, and which are not? A page in neither list is refused before anything is measured."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from werkzeug.routing import Map

__all__ = ["ELSEWHERE", "FORMS", "PAGES", "WHOLE", "forgotten"]

PAGES = (
    ("nobody", "/sign-in"),
    ("submitter", "/"),
    ("secretary", "/"),
    ("member", "/"),
    ("treasurer", "/"),
    ("auditor", "/"),
    ("admin", "/"),
    ("submitter", "/keys"),
    ("submitter", "/proposals"),
    ("secretary", "/proposals"),
    ("secretary", "/proposals?q=winkels"),
    ("secretary", "/proposals?status=awarded&sort=newest"),
    ("secretary", "/proposals?programme=herstel&municipality=GM0707"),
    ("secretary", "/proposals?body=taskforce"),
    ("secretary", "/proposals?effectiveOn=2022-01-01"),
    ("secretary", "/search?q=winkels"),
    ("secretary", "/proposals/{case}"),
    ("auditor", "/proposals/{case}?effectiveOn=2026-01-01"),
    ("secretary", "/proposals/{case}/received"),
    ("secretary", "/proposals/{completeness}/acts/completeness"),
    ("member", "/proposals/{advice}/acts/review"),
    ("member", "/proposals/{decision}/acts/decide"),
    ("member", "/proposals/{award}/acts/award"),
    ("secretary", "/proposals/{held_over}/acts/resume"),
    ("secretary", "/proposals/{advice}/withdrawal"),
    ("secretary", "/proposals/{advice}/redaction"),
    ("secretary", "/proposals/{advice}/confidentiality"),
    ("submitter", "/proposals/new"),
    ("submitter", "/proposals/new/{draft}/what"),
    ("submitter", "/proposals/new/{draft}/who"),
    ("submitter", "/proposals/new/{draft}/money"),
    ("submitter", "/proposals/new/{draft}/effect"),
    ("submitter", "/proposals/new/{draft}/check"),
    ("submitter", "/proposals/new/{draft}/delete"),
    ("submitter", "/proposals/{supplement}/supplement"),
    ("secretary", "/proposals/{revised}/differences"),
    ("member", "/queue"),
    ("member", "/queue/taskforce"),
    ("member", "/queue/taskforce/together"),
    ("secretary", "/desk"),
    ("secretary", "/terms"),
    ("secretary", "/retention"),
    ("secretary", "/terms?urgency=overdue"),
    ("secretary", "/programmes"),
    ("secretary", "/programmes/herstel"),
    ("secretary", "/programmes/herstel/differences"),
    ("admin", "/programmes/herstel/new-version"),
    ("admin", "/programmes/publication"),
    ("admin", "/admin"),
    ("admin", "/admin?q=member"),
    ("admin", "/admin/people/new"),
    ("admin", "/admin/people/{person}"),
    ("admin", "/admin/people/{person}/end"),
    ("admin", "/admin/people/{person}/erasure"),
    ("admin", "/admin/people/{person}/link"),
    ("admin", "/admin/sign-ins"),
    ("submitter", "/permissions"),
    ("treasurer", "/money"),
    ("treasurer", "/money/{envelope}"),
    ("treasurer", "/money/{envelope}/sources"),
    ("treasurer", "/money/opening"),
    ("treasurer", "/money/phases"),
    ("treasurer", "/proposals/{held_back}/release"),
    ("treasurer", "/proposals/{held_back}/reallocation"),
    ("treasurer", "/proposals/{awarded}/return"),
    ("auditor", "/portfolio"),
    ("auditor", "/portfolio?effectiveOn=2022-01-01"),
    ("auditor", "/portfolio?programme=herstel"),
    ("auditor", "/audit"),
    ("auditor", "/audit?q=winkels"),
    ("auditor", "/audit/proposals/{case}"),
    ("auditor", "/audit/proposals/{case}?from=2021-06-01&to=2026-01-01&time=true"),
    ("auditor", "/audit/proposals/{case}?on=2023-01-01"),
    ("auditor", "/audit/portfolio"),
    ("auditor", "/audit/portfolio?from=2021-06-01&to=2022-06-01&time=true"),
    ("member", "/inbox"),
    ("member", "/inbox/preferences"),
    ("secretary", "/deliveries"),
    ("secretary", "/deliveries?state=waiting"),
    ("secretary", "/deliveries?person=member@example.org"),
    ("secretary", "/deliveries?case={reference}"),
    ("secretary", "/deliveries/{delivery}"),
    ("secretary", "/deliveries/resend?delivery={delivery}"),
    ("secretary", "/newsletters"),
    ("secretary", "/newsletters/new"),
    ("secretary", "/newsletters/addresses"),
    ("secretary", "/newsletters/addresses/{address}/remove"),
    ("secretary", "/newsletters/{draft_letter}"),
    ("secretary", "/newsletters/{draft_letter}/approve"),
    ("secretary", "/newsletters/{draft_letter}/remove"),
    ("secretary", "/newsletters/{draft_letter}/editions/{municipality}"),
    ("secretary", "/letters"),
    ("admin", "/subscriptions"),
    ("admin", "/subscriptions/new"),
    ("integration", "/subscriptions/{subscription}"),
    ("integration", "/subscriptions/{subscription}/change"),
    ("integration", "/subscriptions/{subscription}/removal"),
    ("integration", "/subscriptions/{subscription}/secret"),
    ("nobody", "/unsubscribe/{token}"),
    ("nobody", "/sign-in/forgot"),
    ("submitter", "/account"),
    ("submitter", "/account/password"),
    ("submitter", "/account/second-factor"),
    ("submitter", "/account/passkeys"),
    ("submitter", "/account/sessions"),
    ("submitter", "/account/sessions/end-others"),
    ("submitter", "/account/tokens"),
    ("nobody", "/register"),
    ("nobody", "/register?q=winkels"),
    ("nobody", "/register?municipality=GM0707"),
    ("nobody", "/register/{public}"),
    ("nobody", "/register/open-data"),
    ("submitter", "/organisation"),
    ("submitter", "/account/data"),
)
"""Who asks for what. What stands in braces is of the log that is measured (`benchmarks/pages.py`)."""

WHOLE = ("/retention", "/admin/people/{person}/erasure", "/account/data")
"""What looks through all that is kept, for one person or once a year: a term of its own."""

FORMS = {
    "/queue/taskforce/together": {
        "step": "judge", "do": "preview", "kind": "advice", "advice": "positive", "grounds": "Past bij het thema.",
        "case": "{chosen}",
    },
}  # fmt: skip
"""What is sent as a form, and changes nothing: the preview of what would be recorded of several cases at once."""

DOWNLOAD, SENT_ON, DEMO = "a file, not a page", "sends on to another page", "of a demonstration only"
ASKS = "asks first, by the same template as /account/sessions/end-others"
PROVIDER = "takes as long as a provider elsewhere"
ELSEWHERE = {
    "audit.download": DOWNLOAD,
    "cases.as_file": DOWNLOAD,
    "cases.figures": DOWNLOAD,
    "my_data.download": DOWNLOAD,
    "money.as_file": DOWNLOAD,
    "portfolio.download": DOWNLOAD,
    "terms.as_file": DOWNLOAD,
    "retention.as_file": DOWNLOAD,
    "letters.download": DOWNLOAD,
    "letters.preview": "a PDF that is typeset anew each time",
    "newsletters.read_file": DOWNLOAD,
    "register.feed": DOWNLOAD,
    "register.as_csv": DOWNLOAD,
    "register.as_json": DOWNLOAD,
    "deliveries.as_mail": "a mail, as it would be sent",
    "inbox.show": SENT_ON,
    "elsewhere.answer": PROVIDER,
    "elsewhere.leave": PROVIDER,
    "sign_in.choose_language": SENT_ON,
    "sign_in.choose_theme": SENT_ON,
    "sign_in.choose_shortcuts": SENT_ON,
    "choosing_password.show": "behind a link that is good once",
    "second_factor.picture": "a picture, of a secret that is there for a moment",
    "second_step.ask": SENT_ON,
    "showing.ask": SENT_ON,
    "account_sessions.ask_end": ASKS,
    "account_tokens.ask_revoke": ASKS,
    "passkeys.ask_remove": ASKS,
    "identity_links.ask_end": ASKS,
    "organisation.ask_remove": ASKS,
    "kit.index": DEMO,
    "outbox.index": DEMO,
    "outbox.show": DEMO,
    "outbox.as_html": DEMO,
    "outbox.attachment": DEMO,
    "live.live": "no page: two hundred readers ask for it in tests/web/test_many_readers.py",
}
"""What is left out, by its name without `web.`, and why."""

UUID = "01a22dac-9529-7c23-a0de-eec218ae3b02"
EXAMPLES = {
    "envelope": "pot", "reference": "RHA-2020-0001", "draft": f"draft-{UUID}", "person": f"person-{UUID}",
    "held_back": f"proposal-{UUID}/phases/1", "delivery": f"delivery-{UUID}",
    "draft_letter": f"newsletter-{UUID}", "municipality": "GM0707", "subscription": f"subscription-{UUID}",
    "token": "token", "address": f"address-{UUID}", "public": "RHA-2020-0001",
}  # fmt: skip
"""What stands in an address where it is no case."""


def forgotten(routes: Map, pages: Iterable[tuple[str, str]] = PAGES) -> list[str]:
    """The pages of the service that are neither measured nor left out; and what is said to be left out and isn't."""
    there = {
        rule.endpoint.removeprefix("web.")
        for rule in routes.iter_rules()
        if rule.endpoint.startswith("web.") and "GET" in (rule.methods or ())
    }
    measured = {_endpoint(routes, path) for _, path in pages}
    return sorted(
        (there - measured - set(ELSEWHERE)) | (set(ELSEWHERE) - there) | (measured & set(ELSEWHERE))
    )


def _endpoint(routes: Map, path: str) -> str:
    filled = re.sub(
        r"\{(\w+)\}", lambda found: EXAMPLES.get(found[1], f"proposal-{UUID}"), urlsplit(path).path
    )
    endpoint, _ = routes.bind("localhost").match(filled, method="GET")
    return str(endpoint).removeprefix("web.")
