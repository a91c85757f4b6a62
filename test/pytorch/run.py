"""Runs generated modules with PyTorch: `python run.py JOBS`, a folder with one folder a module.

Of each it reads net.py, weights.safetensors and inputs.safetensors, and writes outputs.safetensors (float64),
state.safetensors (the whole state_dict, as it is) and, as result.json, what training found. Weights must be those of the state_dict, name by name and shape by shape.
"""
import importlib.util
import json
import os
import struct
import sys

import torch

TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in TYPES.items()}


def read(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        values = torch.frombuffer(data[8 + length + start : 8 + length + end], dtype=TYPES[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def write(path, tensors):
    header, at, parts = {}, 0, []
    for name, tensor in tensors.items():
        part = tensor.detach().contiguous().numpy().tobytes()
        entry = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
        header[name] = entry
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def named(outputs):
    return outputs if isinstance(outputs, dict) else {"output": outputs}


def load(folder):
    spec = importlib.util.spec_from_file_location("net", os.path.join(folder, "net.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder):
    torch.manual_seed(0)
    net = load(folder)
    model = net.create()
    fresh = {name: value.clone() for name, value in model.state_dict().items()}
    weights = read(os.path.join(folder, "weights.safetensors"))
    ours = {name: tuple(value.shape) for name, value in fresh.items() if not name.endswith("num_batches_tracked")}
    given = {name: tuple(value.shape) for name, value in weights.items()}
    model.load_state_dict(weights, strict=False)
    write(os.path.join(folder, "state.safetensors"), model.state_dict())
    inputs = {name: value.double() for name, value in read(os.path.join(folder, "inputs.safetensors")).items()}
    model.double().eval()
    with torch.no_grad():
        outputs = named(model(**inputs))
    write(os.path.join(folder, "outputs.safetensors"), outputs)

    # Training, from PyTorch's own start: every parameter gets a gradient, and a step changes the loss.
    model.float().load_state_dict(fresh)
    model.train()
    inputs = {name: value.float() for name, value in inputs.items()}
    loss = sum(value.square().mean() for value in named(model(**inputs)).values())
    loss.backward()
    idle = [name for name, value in model.named_parameters() if value.grad is None]
    finite = all(bool(value.grad.isfinite().all()) for value in model.parameters() if value.grad is not None)
    moved = [name for name, value in model.named_buffers() if name.endswith("running_mean") and bool((value != 0).any())]
    means = [name for name, _ in model.named_buffers() if name.endswith("running_mean")]
    result = {
        "differing": sorted(set(ours.items()) ^ set(given.items())),
        "loss": float(loss.detach()),
        "idle": idle,
        "finite": finite,
        "statistics": len(moved) == len(means),
    }
    with open(os.path.join(folder, "result.json"), "w") as file:
        json.dump(result, file)


jobs = sys.argv[1]
torch.set_num_threads(1)
for name in sorted(os.listdir(jobs)):
    try:
        run(os.path.join(jobs, name))
    except Exception as error:
        with open(os.path.join(jobs, name, "result.json"), "w") as file:
            json.dump({"error": f"{type(error).__name__}: {error}"}, file)
