#!/usr/bin/env python3
"""Measures what the runtime costs a program: its size, and the time to its first embedding.

Builds the example `cold_start` of facette-runtime with the profile `small` (optimised across
crates, without unwinding, stripped), says how many bytes it has, and runs it in fresh processes,
students taking turns. Load and first face are timed inside the process, by the clock and, on Linux,
by the time on the processor, which holds on a busy machine as well; the files are in the system's
cache.
"""

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

root = Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("students", nargs="*", default=["models/f32/facette-16.safetensors", "models/facette-16.safetensors"])
parser.add_argument("--turns", type=int, default=40)
parser.add_argument("--target", default=os.environ.get("CARGO_TARGET_DIR", root / "target"))
parser.add_argument("--no-build", action="store_true", help="measure what was built before")
options = parser.parse_args()

if not options.no_build:
    command = ["cargo", "build", "--profile", "small", "-p", "facette-runtime", "--example", "cold_start"]
    subprocess.run(command, cwd=root, check=True)
binary = Path(options.target) / "small" / "examples" / "cold_start"
print(f"{binary.name}: {binary.stat().st_size} bytes")
times = {student: [] for student in options.students}
for _ in range(options.turns):
    for student in options.students:
        output = subprocess.run([binary, student], cwd=root, check=True, stdout=subprocess.PIPE).stdout
        found = json.loads(output)
        times[student].append([found[key] / 1e3 for key in ("load_us", "first_face_us", "processor_us")])
for student, turns in times.items():
    load, face, _ = min(turns, key=lambda turn: turn[0] + turn[1])
    processor = sorted(turn[2] for turn in turns)
    print(
        f"{student}: {load + face:.2f} ms at best ({load:.2f} to load, {face:.2f} to the first embedding); on the "
        f"processor {processor[0]:.2f} ms at best, {statistics.median(processor):.2f} in the middle of {len(turns)}"
    )
