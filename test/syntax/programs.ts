/** Random programs that are right by construction, and random layouts of a program. */
import fc from "fast-check";
import * as t from "../../grammar/tokens.ts";
import { Problems } from "../../src/diagnostics.ts";
import { lex } from "../../src/syntax/lex.ts";

const name = fc.constantFrom(
  "x",
  "width",
  "conv",
  "bn",
  "a_long_name_of_a_layer",
  "se",
  "skip",
  "from",
  "same",
  "relu",
);
const word = fc.oneof(
  name,
  fc.constantFrom("in", "of", "if", "stage", "input", "concat", "true", "block", "not", "then"),
);
const label = fc.oneof(word, fc.constantFrom("0", "1", "12"));
const literal = fc.constantFrom("0", "64", "0.5", "1e-3", "3x3", "7x7", "true", "false", '"nearest"');

const separated = (items: fc.Arbitrary<string>, by: string, minLength = 0, maxLength = 3) =>
  fc.array(items, { minLength, maxLength }).map((all) => all.join(by));
const sometimes = (text: fc.Arbitrary<string>, otherwise = "") => fc.oneof(fc.constant(otherwise), text);
const text = (parts: TemplateStringsArray, ...holes: fc.Arbitrary<string>[]) =>
  fc.tuple(...holes).map((values) => String.raw({ raw: parts }, ...values));

/** How deep expressions, and statements, may nest: beyond, the first of the alternatives is taken. */
const inner = { maxDepth: 3, depthIdentifier: "expression" } as const;
const outer = { maxDepth: 4, depthIdentifier: "statement" } as const;

const { expression } = fc.letrec<{ expression: string; operand: string; plain: string; arg: string }>((tie) => ({
  plain: fc.oneof(
    inner,
    name,
    literal,
    text`${name}(${separated(tie("arg"), ", ")})`,
    text`${name}.${word}`,
    text`${name}[${tie("expression")}]`,
    text`if ${tie("expression")} { ${tie("expression")} } else { ${tie("expression")} }`,
  ),
  operand: fc.oneof(
    inner,
    name,
    tie("plain"),
    text`(${tie("expression")})`,
    text`(${separated(tie("expression"), ", ", 2)})`,
    text`[${separated(text`(${separated(tie("plain"), ", ", 2)})`, ", ", 1)}]`,
    text`[${separated(tie("expression"), ", ")}]`,
    text`(${tie("plain")} -> ${sometimes(text`${label}: `)}${name} ${literal}, ${tie("arg")} -> @pre)`,
    text`-${tie("plain")}`,
    text`(not ${tie("plain")})`,
  ),
  // Comparisons and `then` do not chain, so both sides stand in parentheses.
  expression: fc.oneof(
    inner,
    name,
    tie("operand"),
    text`${tie("operand")} ${fc.constantFrom("+", "-", "*", "/", "%", "and", "or")} ${tie("operand")}`,
    text`(${tie("operand")}) ${fc.constantFrom("==", "!=", "<", "<=", ">", ">=", "in", "then")} (${tie("operand")})`,
  ),
  arg: fc.oneof(inner, tie("expression"), text`${word}: ${tie("expression")}`),
}));
const arg = fc.oneof(expression, text`${word}: ${expression}`);
const bareArgs = text`${fc.oneof(literal, name, text`${word}: ${expression}`)}${sometimes(text`, ${separated(arg, ", ", 1)}`)}`;
const call = text`${name}(${separated(arg, ", ", 0, 5)})`;
const unit = fc.oneof(call, name, text`${name} ${bareArgs}`);

const { statement, pipeline } = fc.letrec<{ statement: string; pipeline: string; step: string; body: string }>(
  (tie) => ({
    step: fc.oneof(
      outer,
      name,
      text`@${fc.oneof(word, fc.constant("3x3"))}`,
      text`${name} ${bareArgs}`,
      text`${name} (${expression}), ${arg}`,
      call,
      text`${name} * ${expression}`,
      text`${label}: ${unit}`,
      text`stage ${fc.constantFrom("2", "i", "(i + 1)")} ${sometimes(fc.oneof(label, fc.constant("b1..")))}: ${fc.constantFrom("3", "n", "b[0]")} of ${unit}`,
      text`${fc.constantFrom("b1", "12")}..: ${fc.constantFrom("3", "(n)")} of ${unit}`,
      text`${fc.constantFrom("3", "n", "b[0]", "(2 * n)")} of ${unit}`,
      text`${fc.constantFrom("downsample", "0", "block", "in")} ${tie("body")}`,
      text`concat { ${separated(text`${sometimes(text`${label}: `)}${tie("pipeline")}`, " ; ")} }`,
      text`residual ${sometimes(text`join: ${expression} `)}${sometimes(text`when ${expression} `)}{ branch ${tie("body")} ${sometimes(
        text`skip ${sometimes(fc.constant("unless same "))}${tie("body")} `,
      )}${sometimes(text`after ${tie("pipeline")}`)} }`,
    ),
    pipeline: separated(tie("step"), " -> ", 1, 4),
    body: text`{ ${separated(tie("statement"), "\n", 0, 2)} }`,
    statement: fc.oneof(
      outer,
      tie("pipeline"),
      text`let ${name} = ${tie("pipeline")}`,
      text`let (${separated(name, ", ", 2)}) = ${tie("pipeline")}`,
      text`let ${name} = chain ${tie("body")}`,
      text`output ${name}${sometimes(fc.oneof(text`: f32[N, ${expression}]`, text`: ${unit} -> ${tie("pipeline")}`))}`,
      text`input ${name}: f32[N, ${expression}]${sometimes(text` { ${separated(fc.oneof(word, text`${word}: ${expression}`), ", ")} }`)}`,
      text`insert ${name}(${separated(arg, ", ")})`,
      text`for ${name} in ${expression}..${expression} ${tie("body")}`,
      text`for (${separated(name, ", ", 2)}) in ${expression} ${tie("body")}`,
      text`if ${expression} ${tie("body")}${sometimes(text` else if ${expression} ${tie("body")}`)}${sometimes(text` else ${tie("body")}`)}`,
    ),
  }),
);

const parameter = text`${name}: ${fc.constantFrom("int", "list<list<float>>", "(int, (window, bool))")}${sometimes(text` = ${expression}`)}`;
const declaration = fc.oneof(
  {
    weight: 6,
    arbitrary: text`${fc.constantFrom("network", "block")} ${name}(${separated(parameter, ", ", 0, 5)})${sometimes(
      fc.constant(" uses se"),
    )} { ${separated(statement, "\n", 0, 5)} }`,
  },
  { weight: 1, arbitrary: text`enum ${name} { ${separated(name, ", ", 1, 5)} }` },
  { weight: 1, arbitrary: text`import { ${separated(name, ", ", 1)} } from "std/resnet.se"` },
);

export const program = text`se 1
${separated(declaration, "\n", 0, 3)}
block last() { ${pipeline} }
`;

/** The same tokens with other spaces, line ends and comments, as `choose` says: a number below the one it is given. */
export function relaid(source: string, choose: (count: number) => number, comments: boolean): string {
  const lexed = lex(source, "", new Problems());
  if (!lexed) throw new Error(`not a program:\n${source}`);
  let out = "";
  let parens = 0;
  let count = 0;
  const note = () => (comments && choose(4) === 0 ? ` //${choose(3) === 0 ? "/" : ""} note ${count++}` : "");
  const lines = () => `${note()}\n${choose(3) === 0 ? "\n" : ""}${note()}\n`.replace(/\n\n$/, "\n");
  const opens: readonly unknown[] = [t.LeftParen, t.LeftSquare];
  const closes: readonly unknown[] = [t.RightParen, t.RightSquare];
  const goesOn: readonly unknown[] = [t.Arrow, t.Comma, t.Plus, t.Times, t.And, t.Or, t.LeftBrace];
  for (const [index, token] of lexed.tokens.entries()) {
    const next = lexed.tokens[index + 1]?.tokenType;
    if (token.tokenType === t.Separator) out += choose(4) === 0 ? ";" : lines();
    else out += token.image;
    if (opens.includes(token.tokenType)) parens++;
    if (closes.includes(token.tokenType)) parens--;
    const free = parens > 0 || goesOn.includes(token.tokenType) || next === t.Arrow || next === t.RightBrace;
    if (token.tokenType !== t.Separator) out += free && choose(4) === 0 ? lines() : choose(5) === 0 ? "  " : " ";
  }
  return `${choose(3) === 0 ? lines().trimStart() : ""}${out}${note()}`;
}
