#!/usr/bin/env python3
"""Measures what the runtime costs a program: its size, and the time to its first embedding.

Builds the example `cold_start` of facette-runtime with the profile `small` (optimised across
crates, without unwinding, stripped), says how many bytes it has, and runs it in fresh processes,
students taking turns. Load and first face are timed inside the process; the files are in the
system's cache. Prints the least and the median of all turns: the least is what the work costs where
nothing else runs.
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
        times[student].append((found["load_us"], found["first_face_us"]))
for student, turns in times.items():
    sums = [load + face for load, face in turns]
    load, face = min(turns, key=sum)
    print(
        f"{student}: {min(sums) / 1e3:.2f} ms at best ({load / 1e3:.2f} to load, {face / 1e3:.2f} to the first "
        f"embedding), {statistics.median(sums) / 1e3:.2f} ms in the middle of {len(turns)} turns"
    )
