#!/usr/bin/env python3
"""Times facette-runtime and ONNX Runtime on the same network, on the same core, in turns.

Needs torch, onnx, onnxruntime and numpy, and the examples built:
`cargo build --release -p facette-runtime --example peer_network --example measure`.

The network is residual, 32/64/96 channels wide, for 16x16 pictures (see the example `peer_network`).
Its weights are drawn once, written as a student file, read back here into PyTorch and exported. Our
int8 student is calibrated on noise; so is ONNX Runtime's, per channel, with unsigned activations,
which is its fastest int8 form. Before anything is timed, outputs in f32 must agree.

Prints, for batches of 1 and 256, the median faces a second of each by the user time of the process,
and the ratios. Turns are short and a ratio is taken within each round, so that a machine whose speed
drifts treats both alike; the median of the rounds counts, and the quartiles say how sure it is.
"""

import argparse
import json
import os
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--target", default=os.environ.get("CARGO_TARGET_DIR", "target"))
parser.add_argument("--rounds", type=int, default=31, help="turns of each")
parser.add_argument("--seconds", type=float, default=0.1, help="length of a turn")
parser.add_argument("--core", type=int, default=0, help="core that everything runs on")
parser.add_argument("--without-amx", action="store_true", help="keep ONNX Runtime from AMX; FACETTE_KERNELS=avx512-vnni does so for facette")
options = parser.parse_args()
examples = Path(options.target) / "release" / "examples"


def forbid_amx():
    """Makes Linux refuse this process the tiles of AMX: a stack for signals is too small for them."""
    import ctypes

    class Stack(ctypes.Structure):
        _fields_ = [("memory", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]

    libc = ctypes.CDLL(None, use_errno=True)
    libc.malloc.restype = ctypes.c_void_p
    stack = Stack(libc.malloc(ctypes.c_size_t(8192)), 0, 8192)
    assert libc.sigaltstack(ctypes.byref(stack), None) == 0, "no stack for signals"
    request, arch_prctl, tiles = 0x1023, 158, 18
    assert libc.syscall(arch_prctl, request, tiles) != 0, "AMX could not be forbidden"


def peer(path):
    """The network in PyTorch with the weights of a student file."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs, width, stride):
            super().__init__()
            self.c1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
            self.b1 = nn.BatchNorm2d(width)
            self.c2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.b2 = nn.BatchNorm2d(width)
            if stride != 1 or inputs != width:
                self.sc = nn.Conv2d(inputs, width, 1, stride, bias=False)
                self.sb = nn.BatchNorm2d(width)

        def forward(self, x):
            y = self.b2(self.c2(torch.relu(self.b1(self.c1(x)))))
            return torch.relu(y + (self.sb(self.sc(x)) if hasattr(self, "sc") else x))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c = nn.Conv2d(3, 32, 3, 1, 1, bias=False)
            self.b = nn.BatchNorm2d(32)
            blocks, inputs = [], 32
            for stage, width in enumerate((32, 64, 96)):
                for block in range(2):
                    blocks.append(Block(inputs, width, 2 if stage and not block else 1))
                    inputs = width
            self.blocks = nn.Sequential(*blocks)
            self.emb = nn.Linear(96, 128)

        def forward(self, x):
            return self.emb(self.blocks(torch.relu(self.b(self.c(x)))).mean((2, 3)))

    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    state = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            values = np.frombuffer(raw[8 + length + start : 8 + length + end], "<f4")
            state[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    net = Net().eval()
    missing, unused = net.load_state_dict(state, strict=False)
    assert not unused and all(name.endswith("num_batches_tracked") for name in missing), (missing, unused)
    return net


def export(net, folder):
    """ONNX files of the network in f32 and int8, for any batch."""
    import torch
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    float_path, plain, int8_path = folder / "f32.onnx", folder / "plain.onnx", folder / "int8.onnx"
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    torch.onnx.export(
        net, (torch.zeros(1, 3, 16, 16),), str(float_path), input_names=["x"], output_names=["y"],
        opset_version=17, dynamo=False, dynamic_axes=axes,
    )
    quant_pre_process(str(float_path), str(plain))

    class Noise(CalibrationDataReader):
        def __init__(self):
            draw = np.random.default_rng(0)
            self.batches = iter([draw.uniform(-2, 2, (32, 3, 16, 16)).astype("f") for _ in range(4)])

        def get_next(self):
            batch = next(self.batches, None)
            return None if batch is None else {"x": batch}

    quantize_static(
        str(plain), str(int8_path), Noise(), quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
    )
    return {"f32": float_path, "int8": int8_path}


class Ort:
    """ONNX Runtime on one thread."""

    def __init__(self, path):
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = settings.inter_op_num_threads = 1
        settings.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), settings, ["CPUExecutionProvider"])

    def run(self, x):
        return self.session.run(None, {"x": x})[0]

    def rate(self, batch):
        x = np.random.default_rng(1).standard_normal((batch, 3, 16, 16)).astype("f")
        self.run(x)
        user = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_utime
        start, faces = user(), 0
        while user() - start < options.seconds:
            for _ in range(max(1, 64 // batch)):
                self.run(x)
            faces += batch * max(1, 64 // batch)
        return faces / (user() - start)


class Ours:
    """The runtime, as a process that answers a line with a line."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [str(examples / "measure"), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        assert answer, "the example `measure` ended"
        return answer

    def embed(self, planes):
        return np.array([float(v) for v in self.ask("embed " + " ".join(map(repr, planes.ravel().tolist())))])

    def rate(self, precision, batch):
        return float(self.ask(f"rate {precision} {batch} {options.seconds}")[0])


os.sched_setaffinity(0, {options.core})
if options.without_amx:
    forbid_amx()
with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    student = folder / "student.safetensors"
    subprocess.run([str(examples / "peer_network"), str(student)], check=True)
    files = export(peer(student), folder)
    theirs = {precision: Ort(path) for precision, path in files.items()}
    ours = Ours(student)
    x = np.random.default_rng(2).standard_normal((1, 3, 16, 16)).astype("f")
    a, b = theirs["f32"].run(x)[0], ours.embed(x)
    apart = np.abs(a - b).max() / np.abs(a).max()
    assert apart < 1e-4, f"outputs differ by {apart}"
    print(f"outputs agree within {apart:.1e} of the largest")
    contestants = [(name, precision) for precision in ("f32", "int8") for name in ("ort", "facette")]
    for batch in (1, 256):
        turns = {contestant: [] for contestant in contestants}
        for turn in range(options.rounds):
            for name, precision in contestants if turn % 2 else reversed(contestants):
                rate = theirs[precision].rate(batch) if name == "ort" else ours.rate(precision, batch)
                turns[name, precision].append(rate)
        for (name, precision), rates in turns.items():
            print(f"batch {batch:3} {name:8} {precision:5} {np.median(rates):8.0f} faces/s")
        turns = {contestant: np.array(rates) for contestant, rates in turns.items()}
        float_ratio = turns["facette", "f32"] / turns["ort", "f32"]
        int8_ratio = turns["facette", "int8"] / np.maximum(turns["ort", "f32"], turns["ort", "int8"])
        for name, ratio in (("f32", float_ratio), ("int8 to the best of ONNX Runtime", int8_ratio)):
            low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
            print(f"batch {batch:3} ratio {name}: {middle:.2f} (middle half {low:.2f} to {high:.2f})")
