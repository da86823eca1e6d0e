"""The kill loop: a broker, clients that this project did not write, a ledger of what they saw, and the verdicts on it."""
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
