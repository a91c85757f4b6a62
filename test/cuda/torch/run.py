"""Runs a built net_torch.cpp in PyTorch: run.py, in a folder that has library.so and weights.bin of the network Pair."""

import json
import threading
from pathlib import Path

import torch

folder = Path.cwd()
torch.ops.load_library(str(folder / "library.so"))
pair = torch.ops.pair.run


def read(name, *shape):
    return torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=torch.float32).reshape(shape)


def message(work):
    """The first line of what is raised."""
    try:
        work()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0].split(' Declaration')[0]}"
    return "nothing was raised"


net = torch.classes.pair.Net(str(folder / "weights.bin"))
left, right = read("left.bin", 3, 3, 5, 7), read("lambda.bin", 3, 8, 5, 7)
logits, map = pair(net, left, right)
(folder / "logits.bin").write_bytes(logits.numpy().tobytes())
(folder / "map.bin").write_bytes(map.numpy().tobytes())

alone = [pair(net, left[i : i + 1].clone(), right[i : i + 1].clone()) for i in range(3)]
again = []
threads = [threading.Thread(target=lambda: again.append(pair(net, left, right))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

(folder / "short.bin").write_bytes((folder / "weights.bin").read_bytes()[:-1])
result = {
    "schema": str(pair.default._schema),
    "one at a time": all(torch.equal(a, logits[i : i + 1]) and torch.equal(b, map[i : i + 1]) for i, (a, b) in enumerate(alone)),
    "in threads": len(again) == 4 and all(torch.equal(a, logits) and torch.equal(b, map) for a, b in again),
    "by name": torch.equal(pair(net=net, left=left, lambda_1=right)[0], logits),
    "errors": {
        "type": message(lambda: pair(net, left.double(), right)),
        "device": message(lambda: pair(net, left, right.to("meta"))),
        "strides": message(lambda: pair(net, left.to(memory_format=torch.channels_last), right)),
        "shape": message(lambda: pair(net, left[:, :2].contiguous(), right)),
        "rank": message(lambda: pair(net, torch.tensor(1.0), right)),
        "batches": message(lambda: pair(net, left, right[:2])),
        "no images": message(lambda: pair(net, left[:0], right[:0])),
        "too many images": message(lambda: pair(net, left.repeat(2, 1, 1, 1), right.repeat(2, 1, 1, 1))),
        "alignment": message(lambda: pair(net, left[1:], right[1:])),
        "gradient": message(lambda: pair(net, left.clone().requires_grad_(), right)),
        "no file": message(lambda: torch.classes.pair.Net("absent.bin")),
        "short file": message(lambda: torch.classes.pair.Net("short.bin")),
        "count": message(lambda: pair(net, left)),
    },
}
with torch.inference_mode():
    result["in inference mode"] = torch.equal(pair(net, left.clone().requires_grad_(), right)[0], logits)
print(json.dumps(result))
