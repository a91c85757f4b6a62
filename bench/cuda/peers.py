"""The same networks in PyTorch, where it can be imported: eager with channels_last, torch.compile (max-autotune, freezing,
CUDA graphs), and TensorRT by way of torch_tensorrt. What cannot be had is skipped by name."""

import importlib
import importlib.util
import json
import struct

DEVICE = "cuda"
TYPES = {"F32": "float32", "F64": "float64", "I64": "int64"}


def measure(folder, index, say=print):
    try:
        import torch
    except ImportError as error:
        say(f"PyTorch: skipped, {error}")
        return {"skipped": f"PyTorch: {error}"}
    if not torch.cuda.is_available():
        say("PyTorch: skipped, it finds no CUDA device")
        return {"skipped": f"PyTorch {torch.__version__} finds no CUDA device"}
    results = []
    for group in index["groups"]:
        for network in group["networks"] if group["peers"] else []:
            for precision in [program["precision"] for program in network["programs"]]:
                results += of_network(torch, folder, network, precision, index["batches"], say)
    return {"torch": torch.__version__, "results": results}


def of_network(torch, folder, network, precision, batches, say):
    """For each way to run it a row with the times of all batches."""
    # PyTorch's own defaults differ between convolutions and products: both are set.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    dtype = torch.float16 if precision == "f16" else torch.float32
    ways = {"eager": eager, "torch.compile": compiled, "TensorRT": tensorrt}
    rows = []
    for way, prepare in ways.items():
        row = {"network": network["name"], "precision": precision, "peer": way, "timings": []}
        rows.append(row)
        for batch in batches:
            try:
                module = load(torch, folder / network["path"]).eval().to(DEVICE, dtype)
                module = module.to(memory_format=torch.channels_last)
                made = [noise(torch, entry["shape"], batch, dtype) for entry in network["inputs"]]
                with torch.inference_mode(way == "eager"), torch.no_grad():
                    ready = prepare(torch, module, made, precision)
                    if batch == 1:
                        row["difference"] = difference(torch, folder, network, ready, dtype)
                    row["timings"].append({"batch": batch, "ms": best(torch, lambda: ready(*made))})
            except ImportError as error:
                row["skipped"] = str(error)
                break
            except Exception as error:  # A peer that fails is a result, too.
                row["timings"].append({"batch": batch, "failed": f"{type(error).__name__}: {str(error)[:300]}"})
            finally:
                if way == "torch.compile":
                    torch._dynamo.reset()
                torch.cuda.empty_cache()
        told = row.get("skipped") or [timing.get("ms", timing.get("failed")) for timing in row["timings"]]
        say(f"{network['name']} {precision} {way}: {told}")
    return rows


def eager(torch, module, inputs, precision):
    return module


def compiled(torch, module, inputs, precision):
    import torch._inductor.config

    torch._inductor.config.freezing = True
    # max-autotune records CUDA graphs.
    return torch.compile(module, mode="max-autotune", fullgraph=True)


def tensorrt(torch, module, inputs, precision):
    try:
        torch_tensorrt = importlib.import_module("torch_tensorrt")
    except ImportError as error:
        raise ImportError(f"torch_tensorrt: {error}") from None
    types = {inputs[0].dtype}
    no_tf32 = precision == "f32"
    return torch_tensorrt.compile(
        module, ir="dynamo", inputs=inputs, enabled_precisions=types, disable_tf32=no_tf32
    )


def best(torch, work, repetitions=20):
    """Milliseconds on the device: the least of some repetitions, as main.cu takes it."""
    for _ in range(5):
        work()
    least = float("inf")
    for _ in range(repetitions):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        work()
        after.record()
        after.synchronize()
        least = min(least, before.elapsed_time(after))
    return least


def noise(torch, shape, batch, dtype):
    values = torch.randn(batch, *shape[1:], device=DEVICE, dtype=dtype)
    return values.to(memory_format=torch.channels_last) if values.dim() == 4 else values


def difference(torch, folder, network, ready, dtype):
    """From the reference, for the image that our programs are checked with."""
    here = folder / network["path"]

    def read(name):
        return torch.frombuffer(bytearray((here / f"{name}.bin").read_bytes()), dtype=torch.float32)

    images = [read(each["name"]).reshape(each["shape"]).to(DEVICE, dtype) for each in network["inputs"]]
    found = ready(*[x.to(memory_format=torch.channels_last) if x.dim() == 4 else x for x in images])
    found = found if isinstance(found, dict) else {network["outputs"][0]: found}
    worst = 0.0
    for name, value in found.items():
        expected = read(name).double()
        actual = value.double().cpu().reshape(-1)
        worst = max(worst, float((actual - expected).norm() / expected.norm()))
    return worst


def load(torch, here):
    """The generated module with the seeded weights."""
    spec = importlib.util.spec_from_file_location("net", here / "net.py")
    net = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(net)
    module = net.create()
    data = bytearray((here / "weights.safetensors").read_bytes())
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        part = data[8 + length + start : 8 + length + end]
        tensors[name] = torch.frombuffer(part, dtype=getattr(torch, TYPES[entry["dtype"]])).reshape(entry["shape"])
    missing, unexpected = module.load_state_dict(tensors, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise RuntimeError(f"weights do not fit: {missing[:3]} {unexpected[:3]}")
    return module
