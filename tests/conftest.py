"""What all tests share: settings for tests, people logged in, tasks run, a real browser."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test import Client, override_settings
from django.utils.module_loading import import_string

from accounts.models import Role, User
from campaigns import rulebook
from tests.factories import UserFactory


def pytest_configure() -> None:
    # Playwright keeps an event loop in the main thread. Django takes what runs there for asynchronous
    # code, and would give it another connection than the one that the test database was made with.
    connections._connections = threading.local()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that commit end with empty tables: let each begin with what migrations put there."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        marker = item.get_closest_marker("django_db")
        if fixtures & {"live_server", "transactional_db"} or (marker and marker.kwargs.get("transaction")):
            options = {**(marker.kwargs if marker else {}), "transaction": True, "serialized_rollback": True}
            item.add_marker(pytest.mark.django_db(**options), append=False)


@pytest.fixture(scope="session", autouse=True)
def settings_for_tests() -> Iterator[None]:
    """Static files come from their sources (nothing is collected), and passwords are hashed quickly."""
    with override_settings(
        STORAGES={
            **django_settings.STORAGES,
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        WHITENOISE_AUTOREFRESH=True,
        WHITENOISE_USE_FINDERS=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def uploads_of_the_test(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def nothing_kept_of_channels() -> None:
    """A test of migrations makes the tables anew, and their keys begin at one again: what a process keeps of
    channels would be another test's."""
    rulebook._kept.clear()


# --- People ----------------------------------------------------------------------------------------


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(role=Role.ADMIN)


@pytest.fixture
def supervisor(db: None) -> User:
    return UserFactory(role=Role.SUPERVISOR)


@pytest.fixture
def support(db: None) -> User:
    return UserFactory(role=Role.SUPPORT)


@pytest.fixture
def viewer(db: None) -> User:
    return UserFactory(role=Role.VIEWER)


@pytest.fixture
def agent(db: None) -> User:
    return UserFactory(role=Role.AGENT)


@pytest.fixture
def log_in() -> Callable[[User], Client]:
    """``log_in(user)``: a client of that person."""

    def logged_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return logged_in


@pytest.fixture
def as_admin(admin: User, log_in: Callable[[User], Client]) -> Client:
    return log_in(admin)


@pytest.fixture
def as_supervisor(supervisor: User, log_in: Callable[[User], Client]) -> Client:
    return log_in(supervisor)


@pytest.fixture
def as_support(support: User, log_in: Callable[[User], Client]) -> Client:
    return log_in(support)


@pytest.fixture
def as_viewer(viewer: User, log_in: Callable[[User], Client]) -> Client:
    return log_in(viewer)


@pytest.fixture
def as_agent(agent: User, log_in: Callable[[User], Client]) -> Client:
    return log_in(agent)


# --- Tasks -----------------------------------------------------------------------------------------


def work_off(queue: str = "default") -> int:
    """Run what waits in a django-q2 queue, here and now; return how many tasks ran."""
    from django_q.models import OrmQ
    from django_q.signing import SignedPackage

    count = 0
    # A driver enqueues its successor: what is added meanwhile is the next call's.
    for row in OrmQ.objects.filter(key=queue).order_by("id"):
        task = SignedPackage.loads(row.payload)
        import_string(task["func"])(*task["args"], **task["kwargs"])
        row.delete()
        count += 1
    return count


@pytest.fixture
def run_tasks(db: None) -> Callable[..., int]:
    """``run_tasks()`` or ``run_tasks("dialer")`` works a queue off. Tasks are enqueued on commit:
    in a test that rolls back, wrap the deed in ``django_capture_on_commit_callbacks(execute=True)``."""
    return work_off


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Works the default queue off in the background, as the worker process would."""
    stopping = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stopping.wait(0.05):
                work_off()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stopping.set()
    thread.join(30)
    assert not failures, f"a task failed: {failures[0]!r}"


# --- The browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real Chromium: CHROMIUM names one, or it is found on the PATH."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail("Browser tests need Chromium: install it, or name it in CHROMIUM.", pytrace=False)
    # Its event loop runs in this thread, which Django takes for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=found,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            yield chromium
            chromium.close()
    finally:
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def is_complaint(message: Any) -> bool:
    """Chromium calls every 4xx an error; a refusal (409) and a form with errors (422) are answers. So is,
    for a test that takes the network away, that there is none."""
    is_answer = re.search(r"responded with a status of (409|422) |ERR_INTERNET_DISCONNECTED", message.text)
    return message.type in {"error", "warning"} and not is_answer


@pytest.fixture
def open_browser(browser: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """``page = open_browser(user)``: a page of that person (nobody, without one) at 1360 px, whose
    addresses are relative to the live server. Whatever the console complains of fails the test:
    a script's error, a blocked style, a missing file."""
    contexts = []
    complaints: list[str] = []

    def opened(user: User | None = None, *, width: int = 1360, height: int = 860, **options: Any) -> Any:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            name = django_settings.SESSION_COOKIE_NAME
            context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if is_complaint(message) else None,
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


SETTLED = """Promise.allSettled(document.getAnimations()
    .filter((each) => each.timeline instanceof DocumentTimeline)
    .map((each) => each.finished))"""


@pytest.fixture(scope="session")
def photograph() -> Callable[[Any, str], None]:
    """``photograph(page, "contacts-import")``: the whole page, light and dark, into .data/screenshots/."""
    folder = Path(django_settings.DATA_DIR) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def taken(page: Any, name: str) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            # Colours take a moment to change; what moves with the scroll bar is never finished.
            page.evaluate(SETTLED)
            page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")

    return taken
