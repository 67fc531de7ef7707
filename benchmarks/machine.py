"""On which machine was this measured? What the figures depend on most: cores, memory, PostgreSQL, its disk."""

from __future__ import annotations

import os
import platform
import time
from typing import Any

import psycopg

from benchmarks.tables import middle

__all__ = ["describe"]

COMMITS = 200
SETTINGS = ("fsync", "synchronous_commit", "wal_sync_method", "shared_buffers", "max_wal_size")


def describe(admin_url: str) -> dict[str, str]:
    """What there is to know, as words by name."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        lazy, durable = _commit(connection, "off"), _commit(connection, "on")
        rows = connection.execute(
            "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", (list(SETTINGS),)
        ).fetchall()
        version = connection.info.server_version
    settings: dict[str, str] = dict(rows)
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "PostgreSQL": f"{version // 10000}.{version % 10000}, "
        + ", ".join(f"{name} {settings[name]}" for name in SETTINGS),
        "one insert and its commit": f"{durable * 1000:.2f} ms, and {lazy * 1000:.2f} ms without waiting for the disk: "
        f"the disk takes about {max(0.0, durable - lazy) * 1000:.2f} ms",
        "load before": f"{os.getloadavg()[0]:.2f} (1 minute)",
    }


def _commit(connection: psycopg.Connection[Any], synchronous: str) -> float:
    """Seconds of an insert and its commit, the median."""
    connection.execute(f"SET synchronous_commit = {synchronous}")
    connection.execute("CREATE TABLE IF NOT EXISTS public.besluitspoor_commits (n int)")
    taken = []
    for number in range(COMMITS):
        began = time.perf_counter()
        connection.execute("INSERT INTO public.besluitspoor_commits VALUES (%s)", (number,), prepare=True)
        taken.append(time.perf_counter() - began)
    connection.execute("DROP TABLE public.besluitspoor_commits")
    return middle(taken)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.0f} GiB"
