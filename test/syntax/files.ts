import { readdirSync, readFileSync } from "node:fs";
import { Problems } from "../../src/diagnostics.ts";
import { parse } from "../../src/syntax/parse.ts";

/** Every `.se` file of the repository that has no syntax error; the sketches are those that the language was drawn from. */
export const validFiles: readonly string[] = ["examples", "std", "test"]
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`.replaceAll("\\", "/")),
  )
  .filter((path) => path.endsWith(".se"))
  .filter((path) => {
    const problems = new Problems();
    parse(readFileSync(path, "utf8"), path, problems);
    return !problems.failed;
  })
  .toSorted();
