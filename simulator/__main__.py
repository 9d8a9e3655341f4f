"""python -m simulator: run the simulated carrier until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from simulator.app import create
from simulator.carrier import Carrier
from simulator.settings import InvalidSetting, Settings

# Made up, and shaped like the real ones: with no account configured, both sides use these.
DEFAULT_AUTH_ID = "MASIMULATEDSIMULATED"
DEFAULT_AUTH_TOKEN = "simulated-token"  # noqa: S105
DEFAULT_PORT = 8030

logger = logging.getLogger("simulator")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    environment = os.environ
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    add = parser.add_argument
    add("--host", default=environment.get("SIMULATOR_HOST", "127.0.0.1"), help="[SIMULATOR_HOST]")
    add(
        "--port",
        type=int,
        default=int(environment.get("SIMULATOR_PORT", DEFAULT_PORT)),
        help="[SIMULATOR_PORT]; 0 picks a free one",
    )
    add("--public-url", default=environment.get("SIMULATOR_PUBLIC_URL", ""), help="[SIMULATOR_PUBLIC_URL]")
    add("--auth-id", default=environment.get("PLIVO_AUTH_ID") or DEFAULT_AUTH_ID, help="[PLIVO_AUTH_ID]")
    add(
        "--auth-token",
        default=environment.get("PLIVO_AUTH_TOKEN") or DEFAULT_AUTH_TOKEN,
        help="[PLIVO_AUTH_TOKEN]",
    )
    add("--seed", type=int, default=environment.get("SIMULATOR_SEED"), help="[SIMULATOR_SEED]")
    add("--speed", type=float, default=environment.get("SIMULATOR_SPEED"), help="[SIMULATOR_SPEED]")
    add(
        "--calls-per-second",
        type=float,
        default=environment.get("SIMULATOR_CALLS_PER_SECOND"),
        help="the account's limit; 0 is none [SIMULATOR_CALLS_PER_SECOND]",
    )
    add(
        "--api-limit",
        type=int,
        default=environment.get("SIMULATOR_API_LIMIT"),
        help="API requests in 5 seconds; 0 is no limit [SIMULATOR_API_LIMIT]",
    )
    add(
        "--settings",
        type=Path,
        default=environment.get("SIMULATOR_SETTINGS"),
        help="JSON file [SIMULATOR_SETTINGS]",
    )
    add("--verbose", action="store_true", help="a line for each webhook")
    return parser.parse_args(argv)


def settings_from(options: argparse.Namespace) -> Settings:
    """The settings file, with flags on top; raises InvalidSetting."""
    changes: dict[str, object] = {}
    if options.settings:
        try:
            changes = json.loads(Path(options.settings).read_text())
        except (OSError, ValueError) as error:
            raise InvalidSetting(f"{options.settings}: {error}") from error
        if not isinstance(changes, dict):
            raise InvalidSetting(f"{options.settings}: not a JSON object")
    for name in ("seed", "speed", "calls_per_second", "api_limit"):
        value = getattr(options, name)
        if value is not None:
            changes[name] = value
    return Settings().updated(changes)


async def serve(options: argparse.Namespace, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    carrier = Carrier(
        auth_id=options.auth_id,
        auth_token=options.auth_token,
        public_url=options.public_url,
        settings=settings,
    )
    runner = web.AppRunner(
        create(carrier), access_log=None, handle_signals=False, shutdown_timeout=0.5, keepalive_timeout=300
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
        if not carrier.public_url:
            host = "127.0.0.1" if options.host in ("0.0.0.0", "::", "") else options.host
            carrier.public_url = f"http://{host}:{port}"
        # One line, read by whoever started us with port 0.
        print(f"simulator listening on {carrier.public_url}", flush=True)
        await stop.wait()
    finally:
        # First the requests under way, then what they use: a conversation cut short says nothing.
        await runner.cleanup()
        await carrier.close()


def main() -> int:
    options = arguments()
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.WARNING,
        format="%(levelname)s %(name)s %(message)s",
    )
    try:
        settings = settings_from(options)
    except InvalidSetting as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(options, settings))
    except OSError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
