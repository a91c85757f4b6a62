import { configDefaults, defineConfig } from "vitest/config";

/** They put modules of their own in the place of Node's, which no other test may see. */
const mocking = ["test/formats/changingFile.test.ts", "test/formats/writeAll.test.ts"];

export default defineConfig({
  test: {
    // No test asserts a time; software adapters compile shaders slowly where other work runs.
    testTimeout: 900_000,
    hookTimeout: 300_000,
    // SwiftShader is found through the environment, which a worker thread cannot change.
    pool: "forks",
    maxWorkers: 2,
    projects: [
      // What a worker has imported and compiled serves all of its files: a quarter of the time.
      {
        extends: true,
        test: {
          name: "tests",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...mocking],
          isolate: false,
        },
      },
      { extends: true, test: { name: "mocking", include: mocking } },
    ],
  },
});
