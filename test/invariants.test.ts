/** What ARCHITECTURE.md says always holds, as far as the text of the sources shows it. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Source {
  readonly path: string;
  /** What it imports: packages by their names, files by their paths in the repository. */
  readonly imports: readonly string[];
  readonly text: string;
}

const sources: readonly Source[] = ["grammar", "src", "targets"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".generated.ts"))
    .map((name) => sourceAt(posix.join(folder, name.replaceAll("\\", "/")))),
);

function sourceAt(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const written = [...text.matchAll(/(?:^|\n)(?:import|export)\b[^"';]*?from "([^"]+)"|\bimport\("([^"]+)"\)/g)];
  const imports = written.map(([, still, lazy]) => {
    const name = (still ?? lazy)!;
    return name.startsWith(".") ? posix.join(dirname(path), name) : name;
  });
  return { path, imports, text };
}

/** The sources outside of some places that import something. */
function importers(what: (name: string) => boolean, allowed: readonly string[]): string[] {
  return sources
    .filter(({ path }) => !allowed.some((place) => path === place || (place.endsWith("/") && path.startsWith(place))))
    .flatMap(({ path, imports }) => imports.filter(what).map((name) => `${path} imports ${name}`));
}

test("the test sees the imports", () => {
  expect(sources.length).toBeGreaterThan(80);
  expect(sources.find(({ path }) => path === "src/compile.ts")!.imports).toContain("src/check/check.ts");
  expect(sources.find(({ path }) => path === "src/cli/commands.ts")!.imports).toContain("src/cli/run.ts");
});

describe("who imports what", () => {
  test("1. only the command line and devices do I/O", () => {
    expect(importers((name) => name.startsWith("node:"), ["src/cli/", "src/device/"])).toEqual([]);
  });

  test("2. one user of Handlebars, few that know Chevrotain", () => {
    expect(importers((name) => name.startsWith("handlebars"), ["targets/render.ts"])).toEqual([]);
    expect(importers((name) => name === "chevrotain", ["grammar/", "src/syntax/"])).toEqual([]);
    expect(importers((name) => name.startsWith("grammar/"), ["grammar/", "src/syntax/"])).toEqual([]);
  });

  test("4. the interpreter knows no pass and no target, directly or not", () => {
    const reached = new Set<string>();
    const visit = (path: string) => {
      if (reached.has(path)) return;
      reached.add(path);
      sources.find((source) => source.path === path)?.imports.forEach(visit);
    };
    visit("src/reference/interpret.ts");
    expect([...reached].filter((path) => /^(targets|src\/(passes|plan|check|syntax|cli))\//.test(path))).toEqual([]);
    expect([...reached].filter((path) => !path.startsWith("src/"))).toEqual([]);
  });

  test("5. targets are picked by the command line and the library", () => {
    const allowed = ["targets/", "src/cli/", "src/index.ts"];
    expect(importers((name) => name.startsWith("targets/"), allowed)).toEqual([]);
  });

  /** Of the folders between source and targets: the others that each may import. */
  test.each([
    ["tensor"],
    ["image", "tensor"],
    ["ops", "image", "tensor"],
    ["ir", "ops", "image", "tensor"],
    ["syntax"],
    ["check", "syntax", "ir", "ops", "image", "tensor"],
    ["passes", "ir", "ops", "tensor"],
    ["plan", "ir", "ops", "tensor"],
    ["reference", "plan", "ir", "tensor"],
    ["weights", "reference", "plan", "ir", "ops", "tensor", "syntax"],
    ["report", "passes", "plan", "ir", "tensor"],
    ["draw", "report", "plan", "ir", "ops", "tensor"],
    ["verify", "weights", "reference", "plan", "ir", "tensor"],
  ])("src/%s imports only what is below it", (folder, ...below) => {
    const imports = sources.filter(({ path }) => path.startsWith(`src/${folder}/`)).flatMap((source) => source.imports);
    const folders = new Set(imports.flatMap((name) => /^src\/(\w+)\//.exec(name)?.[1] ?? []));
    expect([...folders].filter((name) => name !== folder && !below.includes(name))).toEqual([]);
  });

  test("above them are compile.ts, then the command line and the library", () => {
    expect(importers((name) => name === "src/compile.ts", ["targets/", "src/cli/", "src/index.ts"])).toEqual([]);
    expect(importers((name) => name.startsWith("src/cli/"), ["src/cli/"])).toEqual([]);
    expect(importers((name) => name === "src/index.ts", [])).toEqual([]);
  });
});

test("no `any`, and no path of a machine", () => {
  for (const { path, text } of sources) {
    expect(codeOf(text).match(/: any\b|<any>|as any\b/)?.[0], path).toBeUndefined();
    expect(text.match(/\/(?:home|Users|work)\/\w/)?.[0], path).toBeUndefined();
  }
});

describe("7. what is generated does not depend on the machine or the hour", () => {
  test("no clock, no chance and no locale in the compiler", () => {
    const allowed = /^src\/(cli|device)\/|^targets\/wgsl\/runtime\//;
    for (const { path, text } of sources) {
      if (allowed.test(path)) continue;
      const code = text.replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
      expect(
        code.match(/Date\.now|new Date|Math\.random|performance\.now|localeCompare|toLocale/)?.[0],
        path,
      ).toBeUndefined();
    }
  });
});

/** Without comments. */
function codeOf(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|\/\/.*/g, "");
}
