import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { checkFiles } from "./helpers.ts";

/** Programs in which a few words, numbers and windows stand where others stood: answered with diagnostics, never a throw. */
test("mutated programs are compiled or refused", () => {
  const errors = readdirSync("test/errors/check").filter((name) => name.endsWith(".se"));
  const paths = [
    "examples/digits.se",
    "examples/mobilenetv3-small.se",
    "examples/regnety.se",
    ...errors.map((name) => `test/errors/check/${name}`),
  ];
  const programs = paths.map((path) => readFileSync(path, "utf8"));
  const words = [...programs.join("\n").matchAll(token)].map(([word]) => word);
  const random = generator(20_240_601);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

  for (let round = 0; round < (process.env["SEC_FULL"] ? 5000 : 150); round++) {
    let text = pick(programs);
    for (let change = random() < 0.5 ? 1 : 2; change > 0; change--) {
      const old = pick([...text.matchAll(token)]);
      const others = words.filter((word) => kindOf(word) === kindOf(old[0]));
      text = text.slice(0, old.index) + pick(others) + text.slice(old.index + old[0].length);
    }
    const networks = [...text.matchAll(/^network (\w+)/gm)].map(([, name]) => name!);
    const { graph, problems } = checkFiles({ "net.se": text }, networks.length > 1 ? { network: pick(networks) } : {});
    const failed = problems.some((problem) => problem.severity === "error");
    expect({ text, failed }).toEqual({ text, failed: graph === undefined });
  }
});

const token = /\w+|[^\s\w]/g;

function kindOf(word: string): string {
  if (/^\d+x\d+$/.test(word)) return "window";
  if (/^\d/.test(word)) return "number";
  return /^\w/.test(word) ? "word" : word;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
