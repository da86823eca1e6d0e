"""The load generator: its figures add up, with Godwit and with mosquitto, and what goes wrong makes it exit with 1."""
from lib.tests import run_all
from suites import bench_faults, bench_runs


def run(context):
    for prefix, module in (('bench', bench_runs), ('faults', bench_faults)):
        run_all(module, prefix, context)
