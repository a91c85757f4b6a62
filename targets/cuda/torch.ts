import { GENERATED } from "../../src/marker.ts";
import type { BoundaryValue, Plan } from "../../src/plan/plan.ts";
import { version } from "../../src/version.ts";
import { lowerCaseSet, Namer } from "../names.ts";
import { render } from "../render.ts";
import { prefixOf } from "./host.ts";
import { wrap } from "./print.ts";
import { netTorch } from "./templates.generated.ts";
import { cudaWords } from "./words.ts";

/** net_torch.cpp: an operator of PyTorch around the C API. */
export function torchBinding(plan: Plan): string {
  const prefix = prefixOf(plan);
  const namer = new Namer(words);
  const tensor = ({ name, value }: BoundaryValue) => ({
    name: namer.name(name),
    image: value.type.shape.slice(1).join(", "),
  });
  const inputs = plan.inputs.map(tensor);
  const outputs = plan.outputs.map(tensor);
  const list = (tensors: typeof inputs, say = (name: string) => name) =>
    tensors.map(({ name }) => say(name)).join(", ");
  const isOne = outputs.length === 1;
  const schema = [
    `run(__torch__.torch.classes.${prefix}.Net net, ${list(inputs, (name) => `Tensor ${name}`)})`,
    isOne ? "-> Tensor" : `-> (${list(outputs, (name) => `Tensor ${name}`)})`,
  ];
  const parameters = list(inputs, (name) => `const at::Tensor &${name}`);
  const bound = list([...inputs, ...outputs], (name) => `${name}.data_ptr<float>()`);
  return render(
    netTorch,
    {
      generated: `${GENERATED} ${version} for ${plan.name}. What is generated belongs to you: use it as you like.`,
      network: plan.name,
      prefix,
      PREFIX: prefix.toUpperCase(),
      results: list(outputs),
      arguments: list(inputs),
      firstInput: inputs[0]!.name,
      returned: isOne ? list(outputs) : `{${list(outputs)}}`,
    },
    {
      signature: wrap(`${isOne ? "at::Tensor " : ""}run(const c10::intrusive_ptr<Net> &net, ${parameters}) {`, "").join(
        "\n",
      ),
      resultType: isOne ? "" : `std::tuple<${outputs.map(() => "at::Tensor").join(", ")}>`,
      tensors: wrap(`const ${prefix}_tensors tensors = { ${bound} };`, "", 118).join("\n"),
      // Two literals are one to a compiler.
      declared: `library.def("${schema.join(isOne ? " " : ' "\n            "')}", run);`,
      checks: inputs.map(({ name, image }) => `check_input(${name}, "${name}", batch, {${image}}, *net);`).join("\n"),
      outputs: outputs
        .map(
          ({ name, image }) =>
            `const at::Tensor ${name} = at::empty({${["batch", image].filter(Boolean).join(", ")}}, options);`,
        )
        .join("\n"),
    },
  );
}

/** No name of a tensor: what net_torch.cpp calls its own, and words of TorchScript, in which the operator is declared. */
const words: ReadonlySet<string> = lowerCaseSet([
  ...cudaWords,
  ...[
    "alignment",
    "at",
    "bytes",
    "c10",
    "check_input",
    "guard",
    "library",
    "most",
    "offset",
    "options",
    "run",
    "torch",
  ],
  ..."and as assert async await break class continue def del elif else except finally for from global".split(" "),
  ..."if import in is lambda None nonlocal not or pass raise return try while with yield True False".split(" "),
]);
