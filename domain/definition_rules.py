"""Does a definition hold together? References that exist, codes that are unique, a route that can be walked.

Every rule takes the programme as read, and notes what is wrong at the key where it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from domain.definition_fields import Problems, closest
from domain.programme import APPLICANT, Municipality, Programme, Stage, Subregion

__all__ = [
    "ADVICE",
    "AWARD",
    "CAPACITIES",
    "COMPLETENESS",
    "DECISION",
    "KINDS",
    "NOTICE_KINDS",
    "NOTICE_RELATIONS",
    "RATIFICATION",
    "check",
    "check_places",
]

COMPLETENESS, ADVICE, DECISION, RATIFICATION, AWARD = KINDS = (
    "completeness",
    "advice",
    "decision",
    "ratification",
    "award",
)
"""What can be asked of a body in a stage; a new kind is code."""

CAPACITIES = ("voorbereiding", "advies", "besluit")
"""The legal capacities: preparing, advising, deciding in law."""

FIXED_CAPACITY = {COMPLETENESS: "voorbereiding", ADVICE: "advies", AWARD: "besluit"}
"""The capacity in law where the kind leaves no choice; a body may *decide* in the capacity advies."""

RESERVED_STAGES = ("supplement", "held-over")
"""What a case is in while it is supplemented or held over, in every programme."""


NOTICE_KINDS = (
    "named",
    "turn",
    "supplement",
    "revised",
    "advised",
    "decided",
    "resumed",
    "awarded",
    "money",
    "withdrawn",
    "term-near",
    "term-passed",
    "term-escalated",
    "programme",
)
"""The kinds of notice that a programme can add to. A receipt is for who submitted, and for nobody else."""

NOTICE_RELATIONS = (
    "submitter",
    "partner",
    "municipality",
    "secretariat",
    "body",
    "chair",
    "treasurer",
    "auditor",
    "admin",
)
"""To whom a programme can have a notice sent; `body` and `chair` are those of the body that it tells of."""

OF_BODY = ("body", "chair")
OF_CASE = ("submitter", "partner", "municipality")

WITHOUT_BODY = ("named", "revised", "money", "withdrawn", "programme")
"""The kinds of notice that tell of no body."""


def check(programme: Programme, problems: Problems) -> None:
    """Note everything in the programme that does not hold together, its places excepted."""
    lists: dict[str, Iterable[str]] = {
        "themes": (theme.code for theme in programme.themes),
        "bodies": (body.code for body in programme.bodies),
        "stages": (stage.code for stage in programme.stages),
        "requirements": (requirement.code for requirement in programme.requirements),
        "envelopes": (envelope.code for envelope in programme.envelopes),
        "tenders": (tender.code for tender in programme.tenders),
    }
    for index, stage in enumerate(programme.stages):
        lists[f"stages[{index}].criteria"] = (criterion.code for criterion in stage.criteria)
    _unique(lists, problems)
    _bodies(programme, problems)
    _themes(programme, problems)
    _route(programme, problems)
    for index, stage in enumerate(programme.stages):
        _stage(programme, stage, f"stages[{index}]", problems)
    _requirements(programme, problems)
    _tenders(programme, problems)
    _notices(programme, problems)
    _publication(programme, problems)


def check_places(
    subregions: Sequence[Subregion], municipalities: Sequence[Municipality], problems: Problems
) -> None:
    """Note what does not hold together in the subregions and municipalities of a programme or a region."""
    codes = [subregion.code for subregion in subregions]
    lists = {"subregions": codes, "municipalities": [municipality.code for municipality in municipalities]}
    _unique(lists, problems)
    for index, municipality in enumerate(municipalities):
        for place, subregion in enumerate(municipality.subregions):
            _refer(subregion, codes, f"municipalities[{index}].subregions[{place}]", "subregion", problems)


def _unique(lists: Mapping[str, Iterable[str]], problems: Problems) -> None:
    for key, codes in lists.items():
        first: dict[str, int] = {}
        for index, code in enumerate(codes):
            if code and first.setdefault(code, index) != index:
                message = f"The code '{code}' is used by {key}[{first[code]}] too."
                problems.add(f"{key}[{index}].code", message, "Give each its own code.")


def _refer(value: str, known: Sequence[str], key: str, what: str, problems: Problems) -> None:
    if value and value not in known:
        remedy = f"Use one of: {', '.join(known)}." if known else f"Add a {what} with this code."
        problems.add(key, f"There is no {what} '{value}' in this programme.", closest(value, known, remedy))


def _bodies(programme: Programme, problems: Problems) -> None:
    codes = [body.code for body in programme.bodies]
    if APPLICANT in codes:
        problems.add(
            f"bodies[{codes.index(APPLICANT)}].code",
            f"'{APPLICANT}' stands for whoever submitted the proposal.",
            "Give the body another code.",
        )
    _refer(programme.secretariat, codes, "secretariat", "body", problems)


def _themes(programme: Programme, problems: Problems) -> None:
    codes = [theme.code for theme in programme.themes]
    for index, theme in enumerate(programme.themes):
        if theme.parent is None:
            continue
        key = f"themes[{index}].parent"
        _refer(theme.parent, codes, key, "theme", problems)
        if theme.parent and theme.parent not in codes[:index]:
            problems.add(
                key,
                f"The theme '{theme.parent}' comes later than its sub-theme.",
                "Put a theme before its sub-themes.",
            )


def _route(programme: Programme, problems: Problems) -> None:
    kinds = [stage.kind for stage in programme.stages]
    for index, kind in enumerate(kinds):
        key = f"stages[{index}].kind"
        before = kinds[:index]
        if kind == COMPLETENESS and kind in before:
            problems.add(key, "There is a completeness check already.", "Keep one, as the first stage.")
        elif kind == COMPLETENESS and index > 0:
            problems.add(
                key, "The completeness check is not the first stage.", "Move it to the front of the route."
            )
        if kind == AWARD and kind in before:
            problems.add(
                key,
                "There is an award already.",
                "Keep one, as the last stage; an award can have several phases.",
            )
        elif kind == AWARD and index < len(kinds) - 1:
            problems.add(key, "After the award come more stages.", "Move the award to the end of the route.")
        if kind == AWARD and DECISION not in before and RATIFICATION not in before:
            problems.add(
                key,
                "Nothing has been decided before this award.",
                "Put a decision or a ratification before it.",
            )
    if kinds and kinds[-1] in (COMPLETENESS, ADVICE):
        problems.add(
            f"stages[{len(kinds) - 1}].kind",
            f"The route ends in a stage of kind {kinds[-1]}, so nothing is ever decided.",
            "End it with a decision, a ratification or an award.",
        )


def _stage(programme: Programme, stage: Stage, key: str, problems: Problems) -> None:
    codes = [body.code for body in programme.bodies]
    if stage.code in RESERVED_STAGES:
        message = f"Every programme has '{stage.code}' already, for cases that wait outside their route."
        problems.add(f"{key}.code", message, "Give the stage another code.")
    if stage.kind == RATIFICATION:
        for place, body in enumerate(stage.bodies):
            _refer(body, codes, f"{key}.bodies[{place}]", "body", problems)
        if stage.needed is not None and stage.bodies and stage.needed > len(stage.bodies):
            problems.add(
                f"{key}.needed",
                f"{stage.needed} bodies must approve, but only {len(stage.bodies)} are asked.",
                f"Write {len(stage.bodies)} or less, or leave it out when all must approve.",
            )
    elif stage.kind:
        _refer(stage.body, codes, f"{key}.body", "body", problems)
    if (
        stage.kind == COMPLETENESS
        and stage.body
        and programme.secretariat
        and stage.body != programme.secretariat
    ):
        problems.add(
            f"{key}.body",
            f"The completeness check belongs to the secretariat, not to '{stage.body}'.",
            f'Write: body = "{programme.secretariat}".',
        )
    capacity = FIXED_CAPACITY.get(stage.kind, stage.capacity)
    if stage.capacity and stage.capacity != capacity:
        message = f"A stage of kind {stage.kind} is not done in the capacity {stage.capacity}."
        problems.add(f"{key}.capacity", message, f'Write: capacity = "{capacity}".')
    for index, criterion in enumerate(stage.criteria):
        if criterion.maximum <= criterion.minimum:
            problems.add(
                f"{key}.criteria[{index}].maximum",
                f"The highest score {criterion.maximum} is not above the lowest, {criterion.minimum}.",
                "Make the maximum larger than the minimum.",
            )


def _requirements(programme: Programme, problems: Problems) -> None:
    themes = [theme.code for theme in programme.themes]
    for index, requirement in enumerate(programme.requirements):
        key = f"requirements[{index}]"
        for place, theme in enumerate(requirement.themes):
            _refer(theme, themes, f"{key}.themes[{place}]", "theme", problems)
        if requirement.function == "judged_by_the_reviewer" and requirement.consequence not in (
            "",
            "assessed",
        ):
            problems.add(
                f"{key}.consequence",
                f"Only a reviewer can see whether this is met, so it cannot be {requirement.consequence}.",
                'Write: consequence = "assessed", or choose another function.',
            )
        placed = any(municipality.subregions for municipality in programme.municipalities)
        if requirement.function == "subregions_on_board" and not placed and not problems.has("region"):
            problems.add(
                f"{key}.function",
                "No municipality of this programme lies in a subregion, so this would never object.",
                'Write: region = "metropoolregio-eindhoven", or list subregions and municipalities.',
            )


def _tenders(programme: Programme, problems: Problems) -> None:
    for index, tender in enumerate(programme.tenders):
        if tender.closes < tender.opens:
            problems.add(
                f"tenders[{index}].closes",
                f"The tender closes on {tender.closes}, before it opens on {tender.opens}.",
                "Give a closing date on or after the opening date.",
            )
    in_order = sorted(
        enumerate(programme.tenders), key=lambda numbered: (numbered[1].opens, numbered[1].closes)
    )
    for (_, earlier), (index, later) in pairwise(in_order):
        if earlier.opens <= later.opens <= earlier.closes:
            problems.add(
                f"tenders[{index}].opens",
                f"On {later.opens} the tender '{earlier.code}' is open as well.",
                f"Open it after {earlier.closes}: a proposal belongs to one tender.",
            )


def _publication(programme: Programme, problems: Problems) -> None:
    kinds = {stage.kind for stage in programme.stages}
    needed = {"decision": ("decision", RATIFICATION), "award": ("award",)}.get(programme.publication)
    if needed and kinds.isdisjoint(needed):
        problems.add(
            "publication.moment",
            f"No stage of this route is of kind {' or '.join(needed)}, so nothing would ever be published.",
            "Choose another moment, such as closing, or add such a stage.",
        )


def _notices(programme: Programme, problems: Problems) -> None:
    bodies = [body.code for body in programme.bodies]
    first: dict[str, int] = {}
    for index, rule in enumerate(programme.notices):
        key = f"notices[{index}]"
        if rule.kind and first.setdefault(rule.kind, index) != index:
            message = f"notices[{first[rule.kind]}] is about the kind '{rule.kind}' too."
            problems.add(f"{key}.kind", message, "Say everything about a kind in one place.")
        for place, relation in enumerate(rule.to):
            at = f"{key}.to[{place}]"
            if relation in OF_BODY and rule.kind in WITHOUT_BODY:
                message = f"A notice of kind {rule.kind} tells of no body, so it has no '{relation}'."
                problems.add(at, message, 'Remove it, or name the bodies: bodies = ["..."].')
            if relation in OF_CASE and rule.kind == "programme":
                message = f"A notice of kind programme tells of no proposal, so it has no '{relation}'."
                problems.add(at, message, "Remove it.")
        for place, body in enumerate(rule.bodies):
            _refer(body, bodies, f"{key}.bodies[{place}]", "body", problems)
        if rule.kind and not (rule.to or rule.bodies or rule.reminder or rule.escalation):
            problems.add(key, "This adds nothing.", 'Say who else hears it: to = ["secretariat"].')
