#!/usr/bin/env python3
"""Times a training step of facette beside PyTorch's, on the same networks, and prints the ratio.

    benches/train_step.py b --python ~/venv/bin/python --threads 2
    benches/train_step.py a --bf16

The two take turns (facette, PyTorch, facette, ...), each in its own process, so that a machine whose speed drifts treats both alike; the ratio is
taken round by round and its median printed. A step is forward, loss, backward and SGD on one fixed random batch.

Networks: `a` is the CIFAR ResNet-18 at 32x32, batch 64, 100 classes; `b` a student of 493k parameters at 16x16 (stages of 32, 64 and 96 channels, two basic
blocks each, a 128-d embedding), batch 128, 1000 classes; `16` and `32` are the recommended students, batch 128, regression of the embedding. `--python` (or
$TORCH_PYTHON) names an interpreter that has torch; nothing else needs it.
"""
import argparse
import os
import statistics
import subprocess
import sys

WARM = 3  # steps before the clock starts, as in the Rust example
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("net", choices=["a", "b", "16", "32"])
    parser.add_argument("--python", default=os.environ.get("TORCH_PYTHON", sys.executable), help="interpreter with torch (default $TORCH_PYTHON)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10, help="timed steps of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true", help="train in bfloat16, PyTorch by autocast")
    parser.add_argument("--torch-turn", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.torch_turn:
        torch_turn(args)
        return

    build = ["cargo", "build", "--release", "-p", "facette-nets", "--example", "step_bench"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    facette = [os.path.join(target, "release", "examples", "step_bench"), args.net, str(args.steps)]
    facette += ["bf16"] if args.bf16 else []
    torch = [args.python, os.path.abspath(__file__), args.net, "--steps", str(args.steps), "--threads", str(args.threads), "--torch-turn"]
    torch += ["--bf16"] if args.bf16 else []

    ratios = []
    for turn in range(1, args.rounds + 1):
        ours, theirs = milliseconds(facette, args.threads), milliseconds(torch, args.threads)
        ratios.append(ours / theirs)
        print(f"round {turn}: facette {ours:.1f} ms, PyTorch {theirs:.1f} ms, ratio {ours / theirs:.3f}", flush=True)
    precision = "bf16" if args.bf16 else "f32"
    print(f"net {args.net}, {args.threads} threads: facette / PyTorch, {precision} = {statistics.median(ratios):.3f} (median of {len(ratios)}; below 1 facette is faster)")


def milliseconds(command, threads):
    """Runs one turn; its last line has a field such as `ms_median=12.3`."""
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    last = output.strip().splitlines()[-1]
    return float(dict(field.split("=") for field in last.split() if "=" in field)["ms_median"])


def torch_turn(args):
    import time

    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    def activation(width):
        return nn.PReLU(width) if args.net in ("16", "32") else nn.ReLU()

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), activation(outputs),
                nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs),
            )
            same = stride == 1 and inputs == outputs
            self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            self.out = activation(outputs)

        def forward(self, x):
            return self.out(self.body(x) + self.shortcut(x))

    # Stem (channels, kernel, stride), widths, blocks, embedding, classes, batch, side.
    (stem, kernel, stride), widths, blocks, embedding, classes, batch, side = {
        "a": ((64, 3, 1), [64, 128, 256, 512], [2, 2, 2, 2], None, 100, 64, 32),
        "b": ((32, 3, 1), [32, 64, 96], [2, 2, 2], 128, 1000, 128, 16),
        "16": ((32, 3, 1), [32, 48, 64], [2, 2, 1], 128, None, 128, 16),
        "32": ((32, 5, 2), [32, 64, 128], [2, 2, 2], 128, None, 128, 32),
    }[args.net]
    layers = [nn.Conv2d(3, stem, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(stem), activation(stem)]
    inputs, rest = stem, side // stride
    for stage, (width, count) in enumerate(zip(widths, blocks)):
        for block in range(count):
            down = stage > 0 and block == 0
            layers.append(Block(inputs, width, 2 if down else 1))
            inputs, rest = width, rest // 2 if down else rest
    if classes:
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    else:
        layers += [nn.Conv2d(inputs, inputs, rest, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.Flatten()]
    if embedding:
        layers.append(nn.Linear(inputs, embedding))
    if classes:
        layers.append(nn.Linear(embedding or inputs, classes))
    net = nn.Sequential(*layers).train()
    x, labels = torch.randn(batch, 3, side, side), torch.randint(0, classes or 1, (batch,))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.02)

    times = []
    for step in range(WARM + args.steps):
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            y = net(x)
            loss = F.cross_entropy(y, labels) if classes else (y - 1).square().mean()
        loss.backward()
        optimiser.step()
        loss.item()
        if step >= WARM:
            times.append((time.perf_counter() - start) * 1e3)
    parameters = sum(p.numel() for p in net.parameters())
    print(f"ms_median={statistics.median(times):.3f} parameters={parameters}")


if __name__ == "__main__":
    main()
