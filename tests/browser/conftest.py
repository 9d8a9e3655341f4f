"""What stories in a browser share with the engine's tests: drivers in threads, and the simulated carrier."""

from tests.engine.conftest import carrier, engine, simulator

__all__ = ["carrier", "engine", "simulator"]
