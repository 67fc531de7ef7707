"""The interactive page in a real browser: it shows the calls, breaks no policy and asks no other host."""

from __future__ import annotations

import threading

from playwright.sync_api import Browser
from werkzeug.serving import make_server

from service.app import create_app
from service.settings import Settings


def test_the_page_works_under_its_policy(chromium: Browser) -> None:
    settings = Settings(database_url="host=nowhere", database_owner_url="", secret=b"x" * 32)
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    home = f"http://127.0.0.1:{server.server_port}"
    said: list[str] = []
    asked: list[str] = []
    try:
        with chromium.new_context() as context:
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(f"{home}/api/v1/docs")
            page.get_by_text("/proposals/{proposal}/reviews").first.wait_for(timeout=30_000)
            page.locator("#operations-proposals-listProposals .opblock-summary-control").click()
            page.get_by_role("button", name="Execute").wait_for()
            page.get_by_role("button", name="Execute").click()
            page.get_by_text("signed-out").first.wait_for()
    finally:
        server.shutdown()
        serving.join(10)
        server.server_close()
    own = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert own
    assert all(url.startswith(home) for url in own), own
    assert [line for line in said if "401" not in line] == []
