"""Measures what bench/cuda/build.ts built, on this machine's NVIDIA GPU: python3 measure.py FOLDER --out FOLDER.

First whether the GPU's tensor cores do what kernels take for granted (fragments.cu). Then of every program: whether its
outputs for one image are within tolerance of the reference, alone and under compute-sanitizer; then the time of a run as a
CUDA graph for each batch. The networks of a group take turns, so that what
the machine does meanwhile meets each of them; SE's cost is the median of the ratios within a round. Then PyTorch, where it
can be imported (peers.py). Writes FOLDER/<device>-<date>.json. Exits with 4 where there is no GPU, with 1 if something is
wrong. Needs nothing but Python's own library.
"""

import argparse
import ctypes
import datetime
import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path


class NoDevice(Exception):
    pass


SKIPPED = {"skipped": "as --skip says"}


def device():
    """Name, compute capability and driver of the first GPU, as the driver tells."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise NoDevice(f"there is no NVIDIA driver ({error})") from None
    count, version, index = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    status = cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count))
    if status != 0 or count.value == 0:
        raise NoDevice(f"the NVIDIA driver finds no GPU (cuInit: {status})")
    name = ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    cuda.cuDeviceGet(ctypes.byref(index), 0)
    cuda.cuDeviceGetName(name, 256, index)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, index)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, index)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    return {
        "name": name.value.decode(),
        "capability": f"{major.value}.{minor.value}",
        "driver": f"CUDA {version.value // 1000}.{version.value % 1000 // 10}",
    }


def fragments(folder, index, capability):
    """Whether fragments, ldmatrix, asynchronous copies and tf32 are what tables and emulation say; else lane and register."""
    if float(capability) < 8:
        return {"skipped": f"compute capability {capability} has no such tensor cores"}
    try:
        done = subprocess.run([str(folder / index["fragments"])], capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"agrees": False, "said": str(error)}
    if done.returncode == 0 and done.stdout == "fragments: agree\n":
        return {"agrees": True}
    return {"agrees": False, "said": (done.stderr + done.stdout)[:1000] or f"ended with {done.returncode}"}


def files_of(folder, network):
    """The options of main.cu that name the image and what should come out."""
    here = folder / network["path"]
    names = [each["name"] for each in network["inputs"]] + network["outputs"]
    return [part for name in names for part in (f"--{name}", str(here / f"{name}.bin"))]


def run(folder, program, options, before=(), timeout=600):
    at = folder / program["path"]
    command = [*before, str(at / "net"), str(at / "weights.bin"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def check(folder, network, program):
    """Whether one image comes out as the reference has it."""
    tolerance = ["--tolerance", repr(program["tolerance"])]
    done = run(folder, program, ["1", *files_of(folder, network), *tolerance])
    differences = [float(value) for value in re.findall(r"relative difference (\S+)", done.stdout)]
    result = {"agrees": done.returncode == 0 and len(differences) == len(network["outputs"]), "difference": None}
    if differences:
        result["difference"] = max(differences)
    if not result["agrees"]:
        result["said"] = (done.stderr or done.stdout)[-500:]
    return result


def sanitize(folder, network, program):
    """The same under compute-sanitizer, of which it makes a run that is slower by far: once."""
    tool = shutil.which("compute-sanitizer")
    if tool is None:
        return {"skipped": "compute-sanitizer is not on the PATH"}
    tolerance = ["--tolerance", repr(program["tolerance"])]
    found = {}
    for kind in ("memcheck", "racecheck"):
        before = [tool, "--tool", kind, "--error-exitcode", "9"]
        try:
            done = run(folder, program, ["1", *files_of(folder, network), *tolerance], before, timeout=1800)
            found[kind] = "clean" if done.returncode == 0 else (done.stdout + done.stderr)[-500:]
        except subprocess.TimeoutExpired:
            found[kind] = "did not end within 30 minutes"
    return found


def timed(folder, program, batch):
    """Milliseconds of a run as a graph, and of each launch: the least of the repetitions in main.cu."""
    done = run(folder, program, [str(batch)])
    graph = re.search(r"([\d.]+) us: a run as a graph", done.stdout)
    if done.returncode != 0 or graph is None:
        raise RuntimeError((done.stderr or done.stdout)[-500:] or f"ended with {done.returncode}")
    stream = re.search(r"([\d.]+) us: a run$", done.stdout, re.MULTILINE)
    rows = re.findall(r"^ *([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+|-)  (\S+)  (\S+)$", done.stdout, re.MULTILINE)
    launches = [
        {
            "name": name,
            "source": source,
            "us": float(us),
            "GB/s": float(rate),
            "GFLOP/s": float(flops),
            "% of peak": None if share == "-" else float(share),
        }
        for us, rate, flops, share, name, source in rows
    ]
    return {"graph": float(graph[1]) / 1e3, "stream": float(stream[1]) / 1e3, "launches": launches}


def measure(folder, index, rounds, say=print, skip=()):
    """Every group of index.json; what failed is told where it failed, and measuring goes on."""
    groups = []
    for group in index["groups"]:
        networks = [{**network, "programs": []} for network in group["networks"]]
        for at, precision in enumerate(program["precision"] for program in group["networks"][0]["programs"]):
            found = []
            for network in group["networks"]:
                program = network["programs"][at]
                if "skipped" in program:
                    found.append({"precision": precision, "skipped": program["skipped"]})
                    continue
                result = {"precision": precision, "tolerance": program["tolerance"], **check(folder, network, program)}
                skipped = "sanitizer" in skip
                result["sanitizer"] = SKIPPED if skipped else sanitize(folder, network, program)
                result["timings"] = []
                found.append(result)
                verdict = "agrees" if result["agrees"] else "DIFFERS"
                say(f"{network['name']} {precision}: {verdict}, {result['difference']}")
            for batch in index["batches"]:
                in_turns(folder, group["networks"], at, found, batch, rounds)
            for network, result in zip(networks, found):
                network["programs"].append(result)
                for timing in result.get("timings", []):
                    say(f"{network['name']} {precision} batch {timing['batch']}: {timing.get('ms', timing.get('failed'))}")
        groups.append({"title": group["title"], "entry": group["entry"], "networks": networks})
    return groups


def in_turns(folder, networks, at, found, batch, rounds):
    """Adds one timing of a batch to each network's result."""
    runs = [[] for _ in networks]
    failed = {}
    for _ in range(rounds):
        for which, network in enumerate(networks):
            if "skipped" in found[which] or which in failed:
                continue
            try:
                runs[which].append(timed(folder, network["programs"][at], batch))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                failed[which] = str(error)
    for which, result in enumerate(found):
        if "skipped" in result:
            continue
        if which in failed:
            result["timings"].append({"batch": batch, "failed": failed[which]})
            continue
        times = [each["graph"] for each in runs[which]]
        timing = {"batch": batch, "ms": statistics.median(times), "stream": min(each["stream"] for each in runs[which])}
        if len(runs[0]) == len(times):
            timing["ratio"] = statistics.median(time / first["graph"] for time, first in zip(times, runs[0]))
        timing["launches"] = min(runs[which], key=lambda each: each["graph"])["launches"]
        result["timings"].append(timing)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="what build.ts made; without it only whether there is a GPU")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip", choices=["sanitizer", "peers"], action="append", default=[], help="where time is short")
    options = parser.parse_args()
    try:
        found = device()
    except NoDevice as error:
        print(f"no GPU: {error}; build here with --build-only DIR, measure where there is one with --prebuilt DIR", file=sys.stderr)
        return 4
    if options.folder is None:
        return 0
    try:
        index = json.loads((options.folder / "index.json").read_text())
    except OSError as error:
        print(f"{options.folder} was not built: {error}", file=sys.stderr)
        return 2
    print(f"{found['name']}, compute capability {found['capability']}, driver for {found['driver']}")
    layouts = fragments(options.folder, index, found["capability"])
    print("fragments:", "agree" if layouts.get("agrees") else layouts.get("said") or f"skipped, {layouts['skipped']}")
    groups = measure(options.folder, index, options.rounds, skip=options.skip)
    import peers

    results = {
        "device": found,
        "date": datetime.date.today().isoformat(),
        **{key: index[key] for key in ("compiler", "architectures", "batches", "quick")},
        "rounds": options.rounds,
        "fragments": layouts,
        "groups": groups,
        "peers": SKIPPED if "peers" in options.skip else peers.measure(options.folder, index),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", found["name"])
    path = options.out / f"{'quick-' if index['quick'] else ''}{name}-{results['date']}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"wrote {path}")
    programs = [program for group in groups for network in group["networks"] for program in network["programs"]]
    return 0 if all(each.get("agrees", True) for each in [layouts, *programs]) else 1


if __name__ == "__main__":
    sys.exit(main())
