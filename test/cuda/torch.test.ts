import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { tensorsFile } from "../../src/cli/weights.ts";
import { interpret } from "../../src/reference/interpret.ts";
import { zeros, type Tensor } from "../../src/tensor/tensor.ts";
import { relativeDifference } from "../../src/verify/compare.ts";
import { fillRandom } from "../../src/weights/random.ts";
import { seedWeights } from "../../src/weights/seed.ts";
import { emulation } from "../../targets/cuda/emulation.generated.ts";
import { folder, repository, sec } from "../cli/sec.ts";
import { networkGraph } from "../networks.ts";
import { pythonThat } from "../pytorch/python.ts";
import { useCompiler } from "./emulated.ts";

/** net_torch.cpp: as text, and live in PyTorch for the CPU, where the emulation stands for CUDA. */

const source = `se 1
network Pair() {
  input left: f32[N, 3, 5, 7]
  let a = left -> conv1: conv 8, 3x3 -> relu
  input lambda: f32[N, 8, 5, 7]
  let map = a + lambda
  output logits: map -> gap -> fc: dense 6
  output map: map
}
`;

async function compiled(): Promise<string> {
  const here = folder({ "pair.se": source });
  const { exit, err } = await sec([
    "compile",
    join(here, "pair.se"),
    "--target",
    "cuda",
    "-o",
    here,
    "--max-batch",
    "5",
  ]);
  expect({ exit, err }).toMatchObject({ exit: 0 });
  return here;
}

test("net_torch.cpp of the digits network, whole", async () => {
  const out = join(folder({}), "out");
  await sec(["compile", join(repository, "examples/digits.se"), "--target", "cuda", "-o", out, "--quiet"]);
  const text = readFileSync(join(out, "net_torch.cpp"), "utf8");
  await expect(text).toMatchFileSnapshot(join(repository, "test/golden/digits/net_torch.cpp"));
});

test("several inputs and outputs", async () => {
  const text = readFileSync(join(await compiled(), "net_torch.cpp"), "utf8");
  expect(text.slice(text.indexOf("std::tuple<"))).toMatchInlineSnapshot(`
    "std::tuple<at::Tensor, at::Tensor>
    run(const c10::intrusive_ptr<Net> &net, const at::Tensor &left, const at::Tensor &lambda_1) {
      const int64_t batch = left.dim() > 0 ? left.size(0) : 0;
      check_input(left, "left", batch, {3, 5, 7}, *net);
      check_input(lambda_1, "lambda_1", batch, {8, 5, 7}, *net);
      const int most = PAIR_MAX_BATCH;
      TORCH_CHECK(batch >= 1 && batch <= most, "a batch of ", batch, " is not from 1 to ", most);

      const c10::cuda::CUDAGuard guard(net->device);
      const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat).device(net->device);
      const at::Tensor logits = at::empty({batch, 6}, options);
      const at::Tensor map = at::empty({batch, 8, 5, 7}, options);
      const pair_tensors tensors = { left.data_ptr<float>(), lambda_1.data_ptr<float>(), logits.data_ptr<float>(),
          map.data_ptr<float>() };

      // It goes back to the allocator before the run ends, which is right: what gets it next runs behind this on the stream.
      // An allocator that is not PyTorch's own may align to less than the net asks for.
      const size_t bytes = pair_workspace_bytes(int(batch)), alignment = 256;
      const at::Tensor workspace = at::empty({int64_t(bytes + alignment)}, options.dtype(at::kByte));
      const size_t offset = alignment - reinterpret_cast<size_t>(workspace.data_ptr()) % alignment;
      unsigned char *aligned = workspace.data_ptr<unsigned char>() + offset;
      const cudaStream_t stream = c10::cuda::getCurrentCUDAStream(net->device.index());
      check(pair_run(net->handle, int(batch), &tensors, aligned, bytes, stream), "pair.run");
      return {logits, map};
    }

    } // namespace

    TORCH_LIBRARY(pair, library) {
      library.class_<Net>("Net").def(torch::init<std::string>());
      library.def("run(__torch__.torch.classes.pair.Net net, Tensor left, Tensor lambda_1) "
                  "-> (Tensor logits, Tensor map)", run);
    }
    "
  `);
});

const findHeaders = `
import os
from torch.utils.cpp_extension import include_paths
assert any(os.path.exists(os.path.join(path, "torch/library.h")) for path in include_paths())
`;
const python = pythonThat(findHeaders);

describe("in PyTorch, on the emulation", () => {
  useCompiler();
  beforeEach(({ skip }) => skip(python === undefined, "there is no PyTorch with its headers ($PYTHON)"));

  test("results, threads and everything that is refused", async () => {
    const here = await compiled();
    const graph = networkGraph(join(here, "pair.se"));
    const parameters = seedWeights(graph, 0);
    writeFileSync(join(here, "seeded.safetensors"), tensorsFile(parameters));
    const packed = await sec(["pack", here, "--weights", join(here, "seeded.safetensors"), "--quiet"]);
    expect(packed).toMatchObject({ exit: 0, err: "" });
    const inputs = new Map([noise("left", [3, 3, 5, 7]), noise("lambda", [3, 8, 5, 7])]);
    for (const [name, { data }] of inputs) writeFileSync(join(here, `${name}.bin`), Float32Array.from(data));
    build(here);

    const said = JSON.parse(
      execFileSync(python!, [join(repository, "test/cuda/torch/run.py")], { cwd: here, encoding: "utf8" }),
    );
    expect(said).toMatchInlineSnapshot(`
      {
        "by name": true,
        "errors": {
          "alignment": "RuntimeError: pair.run: a tensor is not aligned to 16 bytes, or the workspace not to 256",
          "batches": "RuntimeError: lambda_1 is a batch of 2, but left of 3",
          "count": "RuntimeError: pair::run() is missing value for argument 'lambda_1'.",
          "device": "RuntimeError: lambda_1 is on meta, but the net on cpu",
          "gradient": "RuntimeError: left requires a gradient, which pair.run does not have; use torch.inference_mode()",
          "no file": "RuntimeError: absent.bin: the file of weights cannot be read",
          "no images": "RuntimeError: a batch of 0 is not from 1 to 5",
          "rank": "RuntimeError: left is [], but behind the batch should be [3, 5, 7]",
          "shape": "RuntimeError: left is [3, 2, 5, 7], but behind the batch should be [3, 5, 7]",
          "short file": "RuntimeError: short.bin: the weights end too early",
          "strides": "RuntimeError: left is not contiguous; pair.run reads dense, row-major tensors",
          "too many images": "RuntimeError: a batch of 6 is not from 1 to 5",
          "type": "RuntimeError: left is Double, not Float",
        },
        "in inference mode": true,
        "in threads": true,
        "one at a time": true,
        "schema": "pair::run(__torch__.torch.classes.pair.Net net, Tensor left, Tensor lambda_1) -> (Tensor logits, Tensor map)",
      }
    `);
    const expected = interpret(graph, new Map([...parameters, ...inputs]), 3);
    for (const { name, node } of graph.outputs) {
      const { shape } = expected.get(node)!;
      const bytes = Uint8Array.from(readFileSync(join(here, `${name}.bin`)));
      const data = Float64Array.from(new Float32Array(bytes.buffer));
      expect(relativeDifference({ shape, data }, expected.get(node)!).relative, name).toBeLessThan(1e-5);
    }
  });
});

/** library.so; the device that net_torch.cpp asks for becomes the CPU, CUDA's side of PyTorch test/cuda/torch/c10. */
function build(here: string): void {
  for (const { path, text } of emulation) writeFileSync(join(here, path), text);
  const path = join(here, "net_torch.cpp");
  const [before, behind, ...more] = readFileSync(path, "utf8").split("at::kCUDA");
  expect(more).toEqual([]);
  writeFileSync(path, `${before}at::kCPU${behind}`);
  const ask = "import torch, json; from torch.utils.cpp_extension import include_paths, library_paths;";
  const abi = `"-D_GLIBCXX_USE_CXX11_ABI=%d" % torch._C._GLIBCXX_USE_CXX11_ABI`;
  const paths = `[[${abi}] + ["-isystem" + p for p in include_paths()], ["-L" + p for p in library_paths()]]`;
  const answer = execFileSync(python!, ["-c", `${ask} print(json.dumps(${paths}))`], { encoding: "utf8" });
  const [headers, libraries] = JSON.parse(answer) as [string[], string[]];
  const common = [
    "-std=c++17",
    "-O1",
    "-fPIC",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-I.",
    `-I${repository}/test/cuda/torch`,
  ];
  const gcc = (...options: string[]) => execFileSync("g++", [...common, ...options], { cwd: here, stdio: "pipe" });
  gcc("-x", "c++", "-c", "net.cu", "-o", "net.o");
  gcc(
    ...headers,
    "-shared",
    "net_torch.cpp",
    "runtime.cpp",
    "net.o",
    "-o",
    "library.so",
    ...libraries,
    "-ltorch_cpu",
    "-lc10",
  );
}

function noise(name: string, shape: readonly number[]): [string, Tensor] {
  const tensor = zeros([...shape]);
  fillRandom(tensor.data, 0, name, { deviation: 1 });
  return [name, tensor];
}
