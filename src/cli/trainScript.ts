/** train.py of `sec init --train`: it belongs to the user from then on. Tested with PyTorch by test/pytorch/train.test.ts. */
export const trainScript = String.raw`"""Trains model/net.py, which "sec compile net.se --target pytorch -o model" writes.

    python train.py --data pictures --epochs 90            # one GPU, or the CPU
    torchrun --nproc_per_node=8 train.py --data pictures   # eight GPUs
    python train.py --epochs 2                             # without pictures: made-up ones, to see that all is well

Pictures lie in pictures/train/<class>/ and pictures/val/<class>/; reading them needs torchvision. The weights go to
runs/net.safetensors, with the names that "sec run net.se --weights runs/net.safetensors" and "sec pack" read.
"""
import argparse
import importlib.util
import json
import math
import os
import struct
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="model/net.py", help="what sec compile --target pytorch wrote")
    parser.add_argument("--data", help="a folder with train/<class>/ and val/<class>/")
    parser.add_argument("--out", default="runs", help="where checkpoints and weights go")
    parser.add_argument("--init", help="weights to start from, .safetensors")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--batch", type=int, default=64, help="pictures of one step on one device")
    parser.add_argument("--lr", type=float, default=0.1, help="for 256 pictures a step; it scales with them")
    parser.add_argument("--warmup", type=float, default=5, help="epochs in which the learning rate rises")
    parser.add_argument("--weight-decay", type=float, default=1e-4, help="not of biases and BatchNorm")
    parser.add_argument("--smoothing", type=float, default=0.1, help="label smoothing")
    parser.add_argument("--amp", action="store_true", help="mixed precision: f16 on a GPU, bf16 on the CPU")
    parser.add_argument("--workers", type=int, default=4, help="processes that read pictures, for each device")
    parser.add_argument("--samples", type=int, default=512, help="made-up pictures, without --data")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


# --- weights ---------------------------------------------------------------------------------------------------------


def save_weights(model, path):
    """The state_dict as a safetensors file: a length, a header in JSON, the numbers."""
    header, parts, end = {}, [], 0
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        data = tensor.detach().float().cpu().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + len(data)]}
        parts.append(data)
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    replace(path, lambda file: file.write(struct.pack("<Q", len(text)) + text + b"".join(parts)))


def load_weights(model, path):
    """Reads a safetensors file of f32 tensors; names and shapes must be those of the model."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__" or name.endswith("num_batches_tracked"):
            continue
        if entry["dtype"] != "F32":
            raise SystemExit(f"{path}: {name} is {entry['dtype']}; only F32 is read here")
        first, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data[start + first : start + end], dtype=torch.float32).reshape(entry["shape"])

    def shapes(tensors):
        return {(name, tuple(value.shape)) for name, value in tensors.items() if not name.endswith("num_batches_tracked")}

    wrong = sorted(shapes(tensors) ^ shapes(model.state_dict()))
    if wrong:
        raise SystemExit(f"{path} does not fit: {len(wrong)} tensors are in one of the two only, such as {wrong[0]}")
    model.load_state_dict(tensors, strict=False)


def replace(path, write):
    """All or nothing: a file that is cut short never has the name of a whole one."""
    with open(path + ".new", "wb") as file:
        write(file)
    os.replace(path + ".new", path)


# --- pictures --------------------------------------------------------------------------------------------------------


class MadeUp(Dataset):
    """A pattern for each class, in noise: easy to learn, and the same on every machine."""

    def __init__(self, shape, classes, size, seed):
        self.shape, self.size, self.seed = shape, size, seed
        generator = torch.Generator().manual_seed(0)
        coarse = torch.randn(classes, shape[0], 4, 4, generator=generator)
        self.patterns = F.interpolate(coarse, size=shape[1:], mode="bilinear", align_corners=False)

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        label = index % len(self.patterns)
        generator = torch.Generator().manual_seed(self.seed + index)
        return self.patterns[label] + 0.5 * torch.randn(self.shape, generator=generator), label


class Normalize:
    """(pixel * scale - mean) / std, in the order of the colours that the network wants."""

    def __init__(self, picture):
        self.picture = picture
        self.mean = torch.tensor(picture["mean"]).view(-1, 1, 1)
        self.std = torch.tensor(picture["std"]).view(-1, 1, 1)

    def __call__(self, pixels):
        pixels = pixels.flip(0) if self.picture["order"] == "bgr" else pixels
        return (pixels.float() * self.picture["scale"] - self.mean) / self.std


def datasets(args, shape, picture, classes):
    if args.data is None:
        return MadeUp(shape, classes, args.samples, 1), MadeUp(shape, classes, args.samples // 4, 10**6)
    try:
        from torchvision import datasets as folders, transforms as T
    except ImportError:
        raise SystemExit("reading pictures needs torchvision: pip install torchvision")
    if picture is None:
        raise SystemExit("the input of the network does not say how a picture becomes a tensor: see sec's docs/language.md")
    channels, *size = shape
    last = [T.PILToTensor(), Normalize(picture)]
    grey = [T.Grayscale()] if channels == 1 else []
    crop = picture["crop"]
    middle = [T.Resize(size)] if crop is None else [T.Resize(crop), T.CenterCrop(size)]
    train = folders.ImageFolder(
        os.path.join(args.data, "train"),
        T.Compose([T.RandomResizedCrop(size), T.RandomHorizontalFlip(), *grey, *last]),
    )
    val = folders.ImageFolder(os.path.join(args.data, "val"), T.Compose([*middle, *grey, *last]))
    if len(train.classes) != classes or train.classes != val.classes:
        raise SystemExit(
            f"{len(train.classes)} classes to train and {len(val.classes)} to evaluate, but the network has {classes}:"
            f" sec compile ... --set classes={len(train.classes)}"
        )
    return train, val


# --- training --------------------------------------------------------------------------------------------------------


def load_network(path):
    if not os.path.exists(path):
        raise SystemExit(f"{path} is not there: sec compile net.se --target pytorch -o {os.path.dirname(path) or '.'}")
    spec = importlib.util.spec_from_file_location("net", path)
    net = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(net)
    return net


def optimizer_of(model, args):
    decayed = [value for value in model.parameters() if value.ndim > 1]
    others = [value for value in model.parameters() if value.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": args.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=args.lr, momentum=0.9, nesterov=True)


def rate_at(step, steps, warmup):
    """Rises in a line, then falls as a cosine."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


@torch.no_grad()
def evaluate(model, loader, device, size, world):
    """The share of right answers. Every process counts its own pictures; those that fill up the last round count once."""
    model.eval()
    counts = torch.zeros(2, device=device)
    rank = dist.get_rank() if world > 1 else 0
    seen = rank
    for images, labels in loader:
        right = model(images.to(device)).argmax(1).cpu() == labels
        real = torch.arange(len(labels)) * world + seen < size
        seen += len(labels) * world
        counts += torch.tensor([float((right & real).sum()), float(real.sum())], device=device)
    if world > 1:
        dist.all_reduce(counts)
    return (counts[0] / counts[1]).item()


def main():
    args = arguments()
    world = int(os.environ.get("WORLD_SIZE", 1))
    rank = int(os.environ.get("RANK", 0))
    local = int(os.environ.get("LOCAL_RANK", 0))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(args.seed)
    say = print if rank == 0 else lambda *_, **__: None

    net = load_network(args.model)
    model = net.create()
    (name, shape), *others = net.INPUTS.items()
    with torch.no_grad():
        output = model.eval()(torch.zeros(1, *shape))
    if others or isinstance(output, dict) or output.ndim != 2:
        raise SystemExit("this script trains a network of one input and one vector of classes")
    if args.init:
        load_weights(model, args.init)
    model.to(device)
    train_set, val_set = datasets(args, shape, net.PICTURES.get(name), output.shape[1])
    if args.data is None:
        say("no --data: made-up pictures")

    shuffled = DistributedSampler(train_set, world, rank, shuffle=True, seed=args.seed, drop_last=len(train_set) >= world)
    in_turn = DistributedSampler(val_set, world, rank, shuffle=False)
    options = {"batch_size": args.batch, "num_workers": args.workers, "pin_memory": cuda}
    options["persistent_workers"] = args.workers > 0
    train = DataLoader(train_set, sampler=shuffled, drop_last=len(shuffled) >= args.batch, **options)
    val = DataLoader(val_set, sampler=in_turn, **options)

    optimizer = optimizer_of(model, args)
    half = torch.float16 if cuda else torch.bfloat16
    Scaler = getattr(torch.amp, "GradScaler", None) or torch.cuda.amp.GradScaler
    scaler = Scaler(enabled=args.amp and cuda)
    os.makedirs(args.out, exist_ok=True)
    checkpoint = os.path.join(args.out, "last.pt")
    first, best = 0, 0.0
    if args.resume:
        if not os.path.exists(checkpoint):
            raise SystemExit(f"{checkpoint} is not there: nothing to go on from")
        state = torch.load(checkpoint, map_location=device)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scaler.load_state_dict(state["scaler"])
        first, best = state["epoch"] + 1, state["best"]
        say(f"from epoch {first} on")
    parallel = DistributedDataParallel(model, device_ids=[local] if cuda else None) if world > 1 else model

    steps = len(train) * args.epochs
    warmup = max(1, round(len(train) * min(args.warmup, args.epochs / 4)))
    base = args.lr * args.batch * world / 256
    for epoch in range(first, args.epochs):
        shuffled.set_epoch(epoch)
        parallel.train()
        started, total = time.time(), torch.zeros((), device=device)
        for index, (images, labels) in enumerate(train):
            rate = base * rate_at(epoch * len(train) + index, steps, warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            with torch.autocast(device.type, dtype=half, enabled=args.amp):
                loss = F.cross_entropy(parallel(images), labels, label_smoothing=args.smoothing)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total += loss.detach()
        loss = total / len(train)
        if world > 1:
            dist.all_reduce(loss)
            loss /= world
            for value in model.buffers():  # Each process has seen other pictures; the weights are one, so is what is saved.
                if value.is_floating_point():
                    dist.all_reduce(value)
                    value /= world
        accuracy = evaluate(model, val, device, len(val_set), world)
        say(f"epoch {epoch}: loss {loss.item():.4f}, right {accuracy:.4f}, {time.time() - started:.1f} s", flush=True)
        if rank != 0:
            continue
        if accuracy >= best:
            best = accuracy
            save_weights(model, os.path.join(args.out, "net.safetensors"))
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scaler": scaler.state_dict()}
        state.update(epoch=epoch, best=best)
        replace(checkpoint, lambda file: torch.save(state, file))
    say(f"the best epoch's weights: {os.path.join(args.out, 'net.safetensors')}")
    if world > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
`;
