#!/usr/bin/env python3
"""Times a training step of facette beside PyTorch's, on the same networks, and prints the ratio.

    benches/train_step.py b --python ~/venv/bin/python --threads 2
    benches/train_step.py a --bf16

The two take turns (facette, PyTorch, facette, ...), each in its own process, so that a machine whose speed drifts treats both alike; the ratio is
taken round by round and its median printed. A step is forward, cross-entropy, backward and SGD with momentum on one fixed random batch.

Networks: `a` is the CIFAR ResNet-18 at 32x32, batch 64, 100 classes; `b` a student of 493k parameters at 16x16 (stages of 32, 64 and 96 channels, two basic
blocks each, a 128-d embedding), batch 128, 1000 classes. `--python` (or $TORCH_PYTHON) names an interpreter that has torch; nothing else needs it.
"""
import argparse
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("net", choices=["a", "b"])
    parser.add_argument("--python", default=os.environ.get("TORCH_PYTHON", sys.executable), help="interpreter with torch (default $TORCH_PYTHON)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10, help="timed steps of a turn")
    parser.add_argument("--warm", type=int, default=3, help="steps before the clock starts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true", help="let PyTorch use bfloat16 autocast")
    parser.add_argument("--torch-turn", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.torch_turn:
        torch_turn(args)
        return

    build = ["cargo", "build", "--release", "-p", "facette-train", "--example", "step_bench"]
    subprocess.run(build, cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    numbers = ["--threads", str(args.threads), "--steps", str(args.steps), "--warm", str(args.warm)]
    facette = [os.path.join(target, "release", "examples", "step_bench"), args.net, *numbers]
    torch = [args.python, os.path.abspath(__file__), args.net, *numbers, "--torch-turn", *(["--bf16"] if args.bf16 else [])]

    ratios = []
    for turn in range(1, args.rounds + 1):
        ours, theirs = milliseconds(facette), milliseconds(torch)
        ratios.append(ours / theirs)
        print(f"round {turn}: facette {ours:.1f} ms, PyTorch {theirs:.1f} ms, ratio {ours / theirs:.3f}", flush=True)
    precision = "bf16" if args.bf16 else "f32"
    print(f"net {args.net}, {args.threads} threads: facette / PyTorch {precision} = {statistics.median(ratios):.3f} (median of {len(ratios)}; below 1 facette is faster)")


def milliseconds(command):
    """Runs one turn; its last line is `ms_median=12.3 parameters=4567`."""
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    last = output.strip().splitlines()[-1]
    return float(dict(field.split("=") for field in last.split())["ms_median"])


def torch_turn(args):
    import time

    import torch
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
            same = stride == 1 and inputs == outputs
            self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

        def forward(self, x):
            y = F.relu(self.bn1(self.conv1(x)))
            return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))

    stem, widths, embedding, classes, batch, size = {
        "a": (64, [64, 128, 256, 512], None, 100, 64, 32),
        "b": (32, [32, 64, 96], 128, 1000, 128, 16),
    }[args.net]
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    layers, inputs = [nn.Conv2d(3, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()], stem
    for stage, width in enumerate(widths):
        for block in range(2):
            layers.append(Block(inputs, width, 2 if stage > 0 and block == 0 else 1))
            inputs = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if embedding:
        layers.append(nn.Linear(inputs, embedding))
    layers.append(nn.Linear(embedding or inputs, classes))
    net = nn.Sequential(*layers).train()
    x, labels = torch.randn(batch, 3, size, size), torch.randint(0, classes, (batch,))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

    times = []
    for step in range(args.warm + args.steps):
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = F.cross_entropy(net(x), labels)
        loss.backward()
        optimiser.step()
        loss.item()
        if step >= args.warm:
            times.append((time.perf_counter() - start) * 1e3)
    parameters = sum(p.numel() for p in net.parameters())
    print(f"ms_median={statistics.median(times):.3f} parameters={parameters}")


if __name__ == "__main__":
    main()
