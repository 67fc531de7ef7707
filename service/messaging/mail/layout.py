"""How does a mail look as HTML? One page with one constant style sheet inside it, so a browser can be told its hash.

Nothing comes from elsewhere: no pictures, no letters, nothing that tells us who reads it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from markupsafe import Markup

__all__ = ["document", "policy", "with_footer"]

PAGE = Markup(
    """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div class="sheet">
<header><p>Besluitspoor</p></header>
<main>
{main}
</main>
{footer}
</div>
</body>
</html>
"""
)
FOOTER = Markup("<footer>\n{}\n</footer>")
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def document(language: str, title: str, main: Markup, footer: Markup) -> str:
    """A whole page: what the mail says, and below it why one gets it."""
    return str(
        PAGE.format(language=language, title=title, style=_style(), main=main, footer=FOOTER.format(footer))
    )


def with_footer(html: str, footer: Markup) -> str:
    """A page that was made before, with this in its footer too; with a footer, where it has none."""
    head, end, rest = html.rpartition("</footer>")
    if end:
        return f"{head}{footer}\n{end}{rest}"
    head, end, rest = html.rpartition("</main>")
    return f"{head}{end}\n{FOOTER.format(footer)}{rest}" if end else f"{html}\n{FOOTER.format(footer)}"


def policy(html: str) -> str:
    """What a browser that shows this mail may do: use the style sheets that stand in it, and nothing else."""
    # A browser reads the line ends of mail as its own, before it counts the hash.
    sheets = STYLE.findall(html.replace("\r\n", "\n"))
    hashes = sorted({base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in sheets})
    styles = " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _style() -> Markup:
    return Markup(f"\n{files('service.messaging.mail').joinpath('style.css').read_text('utf-8')}")
