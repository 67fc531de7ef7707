"""Which commands are there? This file names them; each imports what it needs when it runs, so help is instant.

Exit codes: 0 fine, 1 something went wrong and was said, 2 the command was not understood. What a mail server calls
says 75 for: try again later.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

if TYPE_CHECKING:
    from psycopg import Connection

    from service.identity.people import Person
    from service.settings import Settings
    from service.wiring import Parts

__all__ = ["main"]

DEFAULT_DATA = Path(".data")
AGAIN_LATER = 75
"""What mail servers understand as: not now, keep it and try again (EX_TEMPFAIL)."""


class _Commands(click.Group):
    """A group whose commands end in a sentence, not in a traceback, for what is expected to go wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise click.Abort() from None
        except Exception as error:
            sentence = _sentence(error)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="besluitspoor", prog_name="besluitspoor")
def main() -> None:
    """Besluitspoor carries a proposal from submission to money, and keeps the trail that proves it.

    Commands use the database that DATABASE_URL names, and else the one that 'besluitspoor run' keeps in the data
    folder (--data, .data by default), which is started for the command when it isn't running.
    """


_data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA,
    show_default=True,
    metavar="DIR",
    help="Where 'besluitspoor run' keeps its data; not used when DATABASE_URL is set.",
)


_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking."
)


@main.command()
@click.option("--demo", is_flag=True, help="With demo people (password demo) and real cases to look at.")
@_data_option
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Whom to answer; 0.0.0.0 for everybody.")
def run(demo: bool, data: Path, port: int, host: str) -> None:
    """Start everything: PostgreSQL, web and worker. Ctrl-C stops it."""
    from service import supervise

    if demo and not _loopback(host):
        _say(
            f"Warning: others can reach {host}, and anybody can sign in to a demo, as everyone in it: "
            "the password is 'demo'. Keep nothing real in it."
        )
    wanted = supervise.Wanted(data_dir=data, host=host, port=port, demo=demo)
    supervise.run(wanted, os.environ, _say)


@main.command()
@_data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Whom to answer; 0.0.0.0 for everybody.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option(
    "--threads", type=click.IntRange(1, 256), default=16, show_default=True, help="Threads a process."
)
def web(data: Path, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the API (and nothing else): what a container runs."""
    from service import process_log, webserver

    process_log.configure(os.environ)
    webserver.check_port(host, port)
    with _settings(data) as settings:
        webserver.serve(settings, host, port, workers, threads)


@main.command()
@_data_option
@click.option(
    "--only",
    type=click.Choice(["fold", "publish", "notify", "deliver"]),
    help="Run this part alone, in this process.",
)
@click.option(
    "--channels",
    metavar="NAMES",
    help="With --only deliver: deliver over these channels alone, for example email,webhook.",
)
def worker(data: Path, only: str | None, channels: str | None) -> None:
    """Fold events into views, publish them to the broker, and notify people and programs of them."""
    from service import process_log
    from service import worker as parts

    if channels is not None and only != "deliver":
        raise click.UsageError("--channels goes with --only deliver.")
    process_log.configure(os.environ)
    if only is not None:
        names = _channels(channels) if channels is not None else ()
        with _settings(data) as settings:
            parts.run_one(only, settings, names)
        return
    with _environ(data) as environ:
        parts.run_all(environ, _say)


@main.command()
@_data_option
def migrate(data: Path) -> None:
    """Make the tables, or bring them up to date. Safe to repeat, and safe to start twice at once."""
    from service import migrate as migrations

    with _settings(data) as settings:
        migrations.migrate(settings, _say)
    _say("The database is up to date.")


@main.command()
@click.argument("view", required=False)
@click.option("--key", help="Only this document of the view, for example a proposal's id.")
@_data_option
def rebuild(view: str | None, key: str | None, data: Path) -> None:
    """Compute VIEW (or every view) again from the log, beside the one that serves."""
    if key is not None and view is None:
        raise click.UsageError("--key needs the VIEW it is a document of.")
    from service import process_log
    from service import rebuild as rebuilding

    process_log.configure(os.environ)
    with _settings(data) as settings:
        rebuilding.rebuild(settings, view, key=key, progress=_say)


@main.group()
def programme() -> None:
    """Programmes: the routes that proposals follow."""


@programme.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_data_option
def programme_publish(file: Path, data: Path) -> None:
    """Publish the definition in FILE (TOML) as a new version. Running cases keep the version they began with."""
    from service import publishing

    with _settings(data) as settings:
        _say(publishing.publish_file(settings, file))


@main.group()
def person() -> None:
    """People who may sign in."""


@person.command("add")
@click.option("--email", required=True, help="What they sign in with.")
@click.option("--name", required=True)
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    help="submitter, secretary, member, treasurer, auditor, admin or integration; may be given more than once.",
)
@click.option(
    "--body", "bodies", multiple=True, help="A body they are a member of; may be given more than once."
)
@click.option("--organisation", metavar="NAME", help="Whose proposals they submit and see.")
@click.option("--organisation-kind", default="other", show_default=True, help="As in a proposal's applicant.")
@click.option(
    "--organisation-role",
    type=click.Choice(["manager", "editor", "reader"]),
    default="editor",
    show_default=True,
    help="What they may do with its proposals; a manager adds and removes colleagues too.",
)
@_password_option
@_data_option
def person_add(
    email: str,
    name: str,
    roles: tuple[str, ...],
    bodies: tuple[str, ...],
    organisation: str | None,
    organisation_kind: str,
    organisation_role: str,
    password_stdin: bool,
    data: Path,
) -> None:
    """Add somebody, with an account of their own."""
    password = _password(password_stdin)
    from contextlib import closing

    from service.identity import changing, parties, people
    from service.wiring import build

    with _settings(data) as settings, closing(build(settings)) as parts:
        party, known = None, None
        if organisation is not None:
            with parts.pool.connection() as connection:
                known = parties.known_parties(connection, organisation_kind, organisation)
            party = None if known is not None else parties.new(organisation_kind, organisation)
        added = people.new(
            email=email,
            name=name,
            roles=roles,
            bodies=bodies,
            organisation=known if party is None else party.id,
            organisation_role=organisation_role,
        )
        _refuse_weak(parts, password, added)
        changing.add(parts.log, changing.SYSTEM, parts.calendar().today, added, password, party)
    _say(f"Added {email}.")


@person.command("set-password")
@click.option("--email", required=True, help="Whose password it is.")
@_password_option
@_data_option
def person_set_password(email: str, password_stdin: bool, data: Path) -> None:
    """Give somebody another password. Tokens they have stay good: see 'token list' and 'token revoke'."""
    password = _password(password_stdin)
    from contextlib import closing

    from service.identity import people
    from service.wiring import build

    with (
        _settings(data) as settings,
        closing(build(settings)) as parts,
        parts.pool.connection() as connection,
    ):
        whose = _known(connection, email)
        _refuse_weak(parts, password, whose)
        people.set_password(connection, whose.id, password)
    _say(f"{email} has another password.")


@person.command("invite")
@click.option("--email", required=True, help="Whom to mail a link.")
@_data_option
def person_invite(email: str, data: Path) -> None:
    """Mail somebody a link to choose a password themselves. It works once, for seven days."""
    import psycopg

    from service.identity import links

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        links.invite(connection, _known(connection, email))
    _say(f"An invitation to {email} waits to be mailed.")


@person.command("reset-second-factor")
@click.option("--email", required=True, help="Who lost the app and the recovery codes.")
@_data_option
def person_reset_second_factor(email: str, data: Path) -> None:
    """Ask no code of somebody any more when they sign in, until they set one up again. They are told so by mail."""
    import psycopg

    from service.identity import second_factor
    from service.messaging import security

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        known = _known(connection, email)
        if not second_factor.remove(connection, known.id):
            raise click.ClickException(f"No code is asked of {email}.")
        security.tell(connection, known.id, "factor-reset")
    _say(f"No code is asked of {email} any more.")


@person.command("list")
@_data_option
def person_list(data: Path) -> None:
    """List everybody who may sign in: address, name, roles and bodies, with tabs between them."""
    import psycopg

    from service.identity import people

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        for each in people.everybody(connection):
            click.echo(
                "\t".join(
                    (each.email, each.name, ",".join(sorted(each.roles)), ",".join(sorted(each.bodies)))
                )
            )


@person.command("erase")
@click.argument("who", metavar="EMAIL|ID")
@click.option(
    "--ground",
    required=True,
    type=click.Choice(["request", "not-needed", "objection", "unlawful", "obligation"]),
    help="Why, as article 17 of the GDPR names it; it comes into the log.",
)
@click.option("--yes", is_flag=True, help="Erase without asking whether it is meant.")
@_data_option
def person_erase(who: str, ground: str, yes: bool, data: Path) -> None:
    """Erase somebody: what says who they are goes, and does not come back.

    What they did stays in the log without a name; who acted in office stays named in those acts. Texts in which the
    name was typed are listed on standard output, the stream and the position with a tab between them.
    """
    from contextlib import closing

    from service import erasing
    from service.errors import Missing
    from service.identity import people
    from service.identity.changing import SYSTEM
    from service.wiring import build

    with _settings(data) as settings, closing(build(settings)) as parts:
        with parts.pool.connection() as connection:
            found = people.by_email(connection, who) or people.get(connection, who)
        if found is None:
            raise click.ClickException(f"There is nobody with the address or id {who}.")
        if not yes:
            click.confirm(f"Erase {found.name} ({found.email}) for good?", abort=True, err=True)
        try:
            done = erasing.erase(parts, SYSTEM, found.id, ground)
        except Missing:
            raise click.ClickException("Somebody else erased them just now.") from None
    for each in done.mentions:
        click.echo(f"{each.stream}\t{each.position}")
    stays = "; the name stays with acts in office" if done.named else ""
    _say(f"Erased {found.id}: {done.letters} letters and {done.mails} mails went{stays}.")


@person.command("links")
@click.option("--email", required=True, help="Whose accounts elsewhere.")
@_data_option
def person_links(email: str, data: Path) -> None:
    """List the accounts elsewhere of somebody: id, issuer, linked and last used, with tabs between them."""
    import psycopg

    from service.identity import identities

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        for each in identities.of_person(connection, _known(connection, email).id):
            used = _utc(each.used_at) if each.used_at else "-"
            click.echo("\t".join((each.id, each.issuer, _utc(each.linked_at), used)))


@person.command("link")
@click.option("--email", required=True, help="Who signs in with it from now on.")
@click.argument("code")
@_data_option
def person_link(email: str, code: str, data: Path) -> None:
    """Link an account elsewhere, by the CODE that somebody was shown who signed in with it and is not known here."""
    import psycopg

    from service.identity import identities

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        known, found = _known(connection, email), identities.stranger(connection, code)
        if found is None:
            raise click.ClickException("Nobody was shown this code in the last thirty days.")
        identities.link(connection, found.issuer, found.subject, known.id)
    _say(f"{email} signs in as {found.email or found.name} of {found.issuer} too.")


@person.command("unlink")
@click.option("--email", required=True, help="Who does not sign in with it any more.")
@click.argument("id")
@_data_option
def person_unlink(email: str, id: str, data: Path) -> None:
    """Unlink the account elsewhere with this ID of 'person links', and sign the person out everywhere."""
    import psycopg

    from service.identity import identities
    from service.web import sessions

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        known = _known(connection, email)
        if not identities.end(connection, id, known.id):
            raise click.ClickException("There is no such account. 'besluitspoor person links' lists them.")
        sessions.end_all(connection, known.id)
    _say(f"{email} does not sign in with it any more.")


@main.group()
def token() -> None:
    """Bearer tokens, for programs that use the API."""


@token.command("create")
@click.option("--person", "email", required=True, metavar="EMAIL", help="Whose rights the token has.")
@click.option(
    "--name", default="command", show_default=True, help="To recognise it by, at most 100 characters."
)
@click.option(
    "--days", type=click.IntRange(1, 365), default=365, show_default=True, help="How long it is good."
)
@click.option(
    "--scope",
    type=click.Choice(["read", "act"]),
    default="act",
    show_default=True,
    help="read: the token changes nothing.",
)
@click.option(
    "--act", "acts", multiple=True, help="An act that it is for, and no other; may be given more than once."
)
@_data_option
def token_create(email: str, name: str, days: int, scope: str, acts: tuple[str, ...], data: Path) -> None:
    """Make a token and print it, alone, on standard output. It can't be shown again."""
    from datetime import timedelta

    import psycopg

    from service.identity import tokens

    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise click.UsageError("--name takes 1 to 100 visible characters.")
    if strange := set(acts) - set(tokens.LISTABLE):
        known = ", ".join(tokens.LISTABLE)
        raise click.UsageError(f"There is no act {sorted(strange)[0]}; there are {known}.")
    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        owner = _known(connection, email)
        made, expires_at = tokens.create(
            connection, owner.id, timedelta(days=days), name=name.strip(), scope=scope, acts=acts or None
        )
    click.echo(made)
    _say(
        f"It is good until {expires_at:%Y-%m-%d}. To revoke it: besluitspoor token revoke {tokens.id_of(made)}"
    )


@token.command("list")
@click.option("--person", "email", required=True, metavar="EMAIL", help="Whose tokens.")
@_data_option
def token_list(email: str, data: Path) -> None:
    """List somebody's tokens: id, until when (UTC) it is good, name, scope and when it was used last, with tabs
    between them."""
    import psycopg

    from service.identity import tokens

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        for each in tokens.kept(connection, _known(connection, email).id):
            used = f"{each.used_at:%Y-%m-%dT%H:%M:%SZ}" if each.used_at is not None else ""
            scope = each.scope if each.acts is None else f"{each.scope}:{','.join(each.acts)}"
            until = f"{each.expires_at:%Y-%m-%dT%H:%M:%SZ}"
            click.echo("\t".join((each.id, until, each.name, scope, used)))


@token.command("revoke")
@click.argument("id", required=False)
@click.option(
    "--token-stdin", is_flag=True, help="Read the token itself from standard input; then without ID."
)
@_data_option
def token_revoke(id: str | None, token_stdin: bool, data: Path) -> None:
    """Take a token's force away: the one with this ID, as 'token list' shows it. It works within five seconds."""
    if (id is None) != token_stdin:
        raise click.UsageError("Give either the ID of a token, or --token-stdin.")
    import psycopg

    from service.identity import tokens

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        if id is not None:
            revoked = tokens.revoke_by_id(connection, id)
        else:
            revoked = tokens.revoke(connection, sys.stdin.readline().strip())
    if not revoked:
        raise click.ClickException("There is no such token; it may have expired.")
    _say("The token is revoked.")


@main.group()
def mail() -> None:
    """Mail that was sent."""


@mail.command("bounced")
@click.argument("file", type=click.File("rb"), default="-")
@_data_option
def mail_bounced(file: BinaryIO, data: Path) -> None:
    """Record a mail that came back: FILE is what the mail server sent (standard input when there is none).

    Exits with 0 when it is recorded or there is nothing to record (a delay, say), with 1 when it is no notification
    about a mail of ours, and with 75 when the database can't be asked: then a mail server keeps it and tries again.
    """
    import psycopg

    from service.messaging.mail import bounces

    bounce = bounces.read(file.read())
    if bounce is None or bounce.delivery is None:
        raise click.ClickException("This is no notification about a mail that was sent from here.")
    if bounce.action != "failed":
        _say(f"Nothing came back yet: {bounce.delivery} is {bounce.action}.")
        return
    try:
        with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
            new = bounces.record(connection, bounce)
    except psycopg.OperationalError as error:
        _say(f"The database can't be asked: {error}")
        raise click.exceptions.Exit(AGAIN_LATER) from error
    except ValueError as error:
        raise click.ClickException(f"{bounce.delivery}: {error}.") from error
    _say(f"{bounce.delivery} {'came back' if new else 'was recorded before'}: {bounce.reason}")


@mail.command("deliverable")
@click.argument("address")
@_data_option
def mail_deliverable(address: str, data: Path) -> None:
    """Mail ADDRESS again, though a mail server said that it takes no mail."""
    import psycopg

    from service.identity import undeliverable

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        lifted = undeliverable.lift(connection, address)
    if not lifted:
        raise click.ClickException("Nothing keeps mail from this address.")
    _say("This address is mailed again.")


@main.group()
def deliveries() -> None:
    """What was to be told to whom, and whether it arrived."""


@deliveries.command("list")
@click.option(
    "--state", help="Only those in this state, such as waiting, sent, dead or bounced; see 'show' for more."
)
@click.option("--channel", help="Only those over this channel, such as email or webhook.")
@click.option("--recipient", metavar="ID", help="Only those to this person, subscription or address.")
@click.option("--before", metavar="ID", help="Only those made before this one: the next page.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most."
)
@_data_option
def deliveries_list(
    state: str | None, channel: str | None, recipient: str | None, before: str | None, limit: int, data: Path
) -> None:
    """List deliveries, the newest first: id, state, channel, recipient, kind, tries, when it is or was due (UTC) and
    what went wrong, with tabs between them."""
    import psycopg

    from service.messaging import inspecting
    from service.messaging.ledger import STATES

    if state is not None and state not in STATES:
        raise click.UsageError(f"There is no state {state}; there are {', '.join(STATES)}.")
    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        filters = inspecting.Filters(
            states=None if state is None else [state],
            channel=channel,
            recipients=None if recipient is None else [recipient],
            before=before,
        )
        found = inspecting.found(connection, filters, limit=limit).items
    for each in (kept.delivery for kept in found):
        said = " ".join((each.error or "").split())
        columns = (each.id, each.state, each.channel, each.recipient, each.kind, str(each.tries))
        click.echo("\t".join((*columns, _utc(each.due_at), said)))


@deliveries.command("show")
@click.argument("id")
@_data_option
def deliveries_show(id: str, data: Path) -> None:
    """Show one delivery: why it was made, back to the event, and every try."""
    import psycopg

    from service.messaging import inspecting

    with _settings(data) as settings, psycopg.connect(settings.database_url) as connection:
        found = inspecting.find(connection, id)
        if found is None:
            raise click.ClickException(f"There is no delivery {id}.")
        one = found.delivery
        cause, tries = inspecting.cause(connection, one), inspecting.tries(connection, id)
    lines = [
        ("delivery", one.id),
        ("state", one.state),
        ("kind", one.kind),
        ("channel", one.channel),
        ("recipient", f"{one.recipient} as {one.relation}"),
        ("instead of", one.instead_of or ""),
        ("required", "by law" if one.required else ""),
        ("letter", one.letter or ""),
        ("made", _utc(one.created_at)),
        ("due", _utc(one.due_at)),
        ("ended", _utc(found.settled_at) if found.settled_at else ""),
        ("in digest", one.bundle or ""),
        ("posted", f"{_utc(found.posted_at)} by {found.posted_by}" if found.posted_at else ""),
        ("error", one.error or ""),
        ("notice", one.notice),
        ("cause", one.cause),
        ("about", one.stream),
    ]
    if cause is not None:
        at = f"{cause.stream}:{cause.version}, {_utc(cause.recorded_at)}"
        lines.append(("event", f"{cause.name}, {at}, by {cause.by}"))
    lines += [
        (
            f"{'back' if each.outcome == 'bounced' else 'try'} {each.number}",
            f"{_utc(each.at)} {each.outcome} {each.detail}".strip(),
        )
        for each in tries
    ]
    for name, said in lines:
        if said:
            click.echo(f"{name + ':':<12}{' '.join(said.split())}")


@deliveries.command("resend")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--all-dead", is_flag=True, help="All that was given up; narrow it with --channel or --recipient."
)
@click.option("--channel", help="With --all-dead: only over this channel.")
@click.option(
    "--recipient", metavar="ID", help="With --all-dead: only to this person, subscription or address."
)
@_data_option
def deliveries_resend(
    ids: tuple[str, ...], all_dead: bool, channel: str | None, recipient: str | None, data: Path
) -> None:
    """Send deliveries once more, as the same message. It prints the ids of those that go; what is still under way is
    left as it is."""
    if bool(ids) == all_dead:
        raise click.UsageError("Give either the IDs of deliveries, or --all-dead.")
    if (channel is not None or recipient is not None) and not all_dead:
        raise click.UsageError("--channel and --recipient go with --all-dead.")
    import psycopg

    from service.messaging import inspecting, ledger

    with _settings(data) as settings, psycopg.connect(settings.database_url, autocommit=True) as connection:
        if all_dead:
            sent = inspecting.resend_dead(connection, channel=channel, recipient=recipient)
        else:
            sent = sorted(ledger.resend(connection, ids))
    for id in sent:
        click.echo(id)
    left = sorted(set(ids) - set(sent))
    if left:
        raise click.ClickException(
            f"These are not there, are still under way, stand in an inbox, or go by post: {', '.join(left)}."
        )
    _say(f"{len(sent)} will be sent once more.")


@main.group()
def retention() -> None:
    """Words whose term is over: what would have to go, and letting it go. Nothing goes by itself."""


@retention.command("report")
@click.option("--programme", "code", metavar="CODE", help="Only cases of this programme.")
@click.option(
    "--on", type=click.DateTime(["%Y-%m-%d"]), help="As of this day; today when left out.", metavar="DATE"
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, for 'retention apply'; else to standard output.",
)
@_data_option
def retention_report(code: str | None, on: datetime | None, output: Path | None, data: Path) -> None:
    """List the cases whose words have to go, and why (CSV). Changes nothing."""
    from contextlib import closing

    from service import retaining
    from service.published import latest
    from service.wiring import build

    with _settings(data) as settings, closing(build(settings)) as parts:
        if code is not None and latest(parts, code) is None:
            raise click.ClickException(f"There is no programme '{code}'.")
        lines = retaining.report(parts, None, on.date() if on else parts.calendar().today, code).lines
    text = retaining.as_csv(lines, retaining.Line)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
    sums = [sum(getattr(line, name) for line in lines) for name in ("texts", "names", "letters")]
    _say(f"{len(lines)} cases, with {sums[0]} texts, {sums[1]} names of persons and {sums[2]} letters.")


@retention.command("apply")
@click.option(
    "--report",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="What 'retention report' wrote.",
)
@click.option("--by", "email", metavar="EMAIL", required=True, help="Who decides it: a secretary.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was done to this file; else beside the report, as <name>-after.csv.",
)
@_data_option
def retention_apply(file: Path, email: str, output: Path | None, data: Path) -> None:
    """Do exactly what a report says: its words, names and letters go, for good.

    Refused when anything in it has changed since. One that broke off is carried on by giving the same report again.
    """
    from contextlib import closing

    from service import retaining
    from service.identity.permissions import Forbidden
    from service.wiring import build

    lines = retaining.from_csv(file.read_text(encoding="utf-8"))
    after = output or file.with_name(f"{file.stem}-after.csv")
    done: list[retaining.Outcome] = []
    with _settings(data) as settings, closing(build(settings)) as parts:
        with parts.pool.connection() as connection:
            person = _known(connection, email)
        try:
            for outcome in retaining.apply(parts, person, lines):
                done.append(outcome)
                _say_out(f"{outcome.reference}: {outcome.outcome}, position {outcome.position}")
        except Forbidden:
            raise click.ClickException(f"{email} may not decide this: only a secretary may.") from None
        finally:
            if done:
                after.write_text(retaining.as_csv(done, retaining.Outcome), encoding="utf-8")
    _say(f"{len(done)} of {len(lines)} cases." + (f" What was done is in {after}." if done else ""))
    if any(outcome.left for outcome in done):
        raise click.ClickException("Of some cases there are texts left: see the column 'left'.")


@main.command()
@_data_option
def doctor(data: Path) -> None:
    """Look for what is wrong with this setup, and say how to mend it."""
    from service import doctor as looking

    worst = looking.report(data, os.environ, _say_out)
    if worst == "fail":
        raise click.exceptions.Exit(1)


@main.command("demo-replay", hidden=True)
@click.option("--url", required=True)
@_data_option
def demo_replay(url: str, data: Path) -> None:
    """Replay the demo's cases through the API of a running service."""
    from service.demo.replay import replay

    with _settings(data) as settings:
        replay(settings, url, _say)


def _channels(names: str) -> tuple[str, ...]:
    """The channels with these names, which have commas between them."""
    from service.messaging.channels import CHANNELS

    given = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in given:
        if name not in CHANNELS:
            raise click.UsageError(f"There is no channel {name}; there are {', '.join(sorted(CHANNELS))}.")
    if not given:
        raise click.UsageError("--channels names no channel.")
    return given


def _loopback(host: str) -> bool:
    """Does only this machine reach this address?"""
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _password(from_stdin: bool) -> str:
    """The password that somebody types, or gives on standard input."""
    if not from_stdin:
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("--password-stdin was given, but standard input holds no password.")
    return password


def _refuse_weak(parts: Parts, password: str, person: Person) -> None:
    """Ends with a sentence for a password that the pages would not take either."""
    from domain.errors import Refused
    from service.identity import passwords
    from service.known_words import known_words

    wrong = passwords.fault(password, person, known_words(parts))
    if wrong is not None:
        raise Refused(f"password-{wrong}", least=passwords.SHORTEST)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _known(connection: Connection[Any], email: str) -> Person:
    """The person with this address; ends with a sentence when there is none."""
    from service.identity import people

    found = people.by_email(connection, email)
    if found is None:
        raise click.ClickException(
            f"There is nobody with the address {email}. Add them: besluitspoor person add"
        )
    return found


@contextlib.contextmanager
def _settings(data: Path) -> Iterator[Settings]:
    """The settings of the environment, or else of the data folder."""
    from service.settings import Settings

    with _environ(data) as environ:
        yield Settings.from_environment(environ)


@contextlib.contextmanager
def _environ(data: Path) -> Iterator[dict[str, str]]:
    """The environment, completed from the data folder where it says nothing; its database runs meanwhile."""
    from service.own_secrets import SECRET_NAME, ensure_secret

    environ = dict(os.environ)
    secret_file = data / SECRET_NAME
    if not environ.get("SECRET") and not environ.get("SECRET_FILE") and secret_file.exists():
        environ["SECRET_FILE"] = str(secret_file.absolute())
    if environ.get("DATABASE_URL", "").strip():
        context = click.get_current_context()
        if context.get_parameter_source("data") is click.core.ParameterSource.COMMANDLINE:
            _say("DATABASE_URL is set: using that database, not the one in --data.")
        yield environ
        return
    from service import embedded

    with embedded.borrow(data, _say) as places:
        environ["DATABASE_URL"] = places.app_url
        environ["DATABASE_OWNER_URL"] = places.owner_url
        if not environ.get("SECRET") and not environ.get("SECRET_FILE"):
            environ["SECRET_FILE"] = str(ensure_secret(data).absolute())
        yield environ


def _sentence(error: Exception) -> str | None:
    """What to tell the person at the terminal; None for what nobody expected, which shows its traceback."""
    import psycopg

    from domain.definition import DefinitionErrors
    from domain.errors import Refused
    from service.children import GaveUp
    from service.demo.client import Unanswered
    from service.embedded import EmbeddedError
    from service.identity.people import EmailTaken, UnknownRole
    from service.rebuild import UnknownView
    from service.settings import SettingsError
    from service.texts import catalog
    from service.webserver import PortTaken

    match error:
        case (
            SettingsError()
            | EmbeddedError()
            | GaveUp()
            | PortTaken()
            | UnknownRole()
            | UnknownView()
            | Unanswered()
        ):
            return str(error)
        case DefinitionErrors():
            return f"The definition can't be published.\n{error}"
        case Refused():
            return catalog("en").say(error.code, error.facts)
        case EmailTaken():
            return "There is somebody with that address already (upper and lower case are the same)."
        case psycopg.errors.UndefinedTable() | psycopg.errors.InvalidSchemaName():
            return f"The tables aren't up to date ({str(error).splitlines()[0]}). Run: besluitspoor migrate"
        case psycopg.OperationalError():
            return f"The database can't be used: {str(error).strip()}. 'besluitspoor doctor' looks for the cause."
    return None


def _say(sentence: str) -> None:
    """Progress and remarks go to standard error: standard output is for answers."""
    click.echo(sentence, err=True)


def _say_out(sentence: str) -> None:
    click.echo(sentence)


if __name__ == "__main__":
    main()
