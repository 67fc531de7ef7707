"""How does somebody use a page: with a mouse or a finger, or with the keyboard alone?"""

from __future__ import annotations

from typing import Protocol

from playwright.sync_api import Page

__all__ = ["Hands", "Keyboard", "Pointer"]

MOST_TABS = 250
FOCUSED = "element => element === document.activeElement"


class Hands(Protocol):
    """Ways to fill in, to choose and to press, by the selector of an element; the first that fits."""

    def fill(self, page: Page, where: str, text: str) -> None: ...

    def choose(self, page: Page, where: str) -> None: ...

    def press(self, page: Page, where: str) -> None: ...


class Pointer:
    """A mouse, or a finger."""

    def fill(self, page: Page, where: str, text: str) -> None:
        """Types into a field."""
        page.locator(where).first.fill(text)

    def choose(self, page: Page, where: str) -> None:
        """Ticks a box, or picks one of several; an option of a list by its value."""
        found = page.locator(where).first
        if found.evaluate("element => element.tagName") == "OPTION":
            found.locator("xpath=ancestor::select").select_option(found.get_attribute("value"))
        else:
            # Its label is what people aim at.
            page.locator(f'label[for="{found.get_attribute("id")}"]').first.click()
            assert found.is_checked(), where

    def press(self, page: Page, where: str) -> None:
        """Presses a button, or follows a link."""
        page.locator(where).first.click()


class Keyboard:
    """Tab, the arrows, the space bar and Enter; nothing else but letters."""

    def fill(self, page: Page, where: str, text: str) -> None:
        """Goes to a field and types; a date without its dashes, as day, month and year."""
        self._reach(page, where)
        if page.locator(where).first.get_attribute("type") == "date":
            year, month, day = text.split("-")
            page.keyboard.type(f"{day}{month}{year}")
        else:
            page.keyboard.press("Control+A")
            page.keyboard.type(text)

    def choose(self, page: Page, where: str) -> None:
        """Ticks a box with the space bar; picks one of several with the arrows."""
        found = page.locator(where).first
        if found.evaluate("element => element.tagName") == "OPTION":
            self._reach(page, f"select[name='{found.evaluate('option => option.closest(`select`).name')}']")
            for _ in range(3):
                page.keyboard.type(found.inner_text())
                if found.evaluate("option => option.selected"):
                    return
                # On a busy machine there may be too long between two letters: the browser takes them for two words.
                page.wait_for_timeout(1_500)
            raise AssertionError(f"{where} cannot be picked")
        elif found.get_attribute("type") == "radio":
            name = found.get_attribute("name")
            self._reach(page, f'input[type="radio"][name="{name}"]', any_of_them=True)
            page.keyboard.press("Space")
            for _ in range(MOST_TABS):
                if found.is_checked():
                    return
                page.keyboard.press("ArrowDown")
            raise AssertionError(f"{where} cannot be picked")
        else:
            self._reach(page, where)
            if not found.is_checked():
                page.keyboard.press("Space")
            assert found.is_checked(), where

    def press(self, page: Page, where: str) -> None:
        """Goes to a button or a link and presses Enter."""
        self._reach(page, where)
        page.keyboard.press("Enter")

    def _reach(self, page: Page, where: str, any_of_them: bool = False) -> None:
        """Tabs until the element has the focus; what has it must show that it does."""
        found = page.locator(where)
        count = found.count() if any_of_them else 1
        for _ in range(MOST_TABS):
            if any(found.nth(index).evaluate(FOCUSED) for index in range(count)):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{where} cannot be reached with Tab on {page.url}")
