import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // No test asserts a time; software adapters compile shaders slowly where other work runs.
    testTimeout: 900_000,
    hookTimeout: 300_000,
    // SwiftShader is found through the environment, which a worker thread cannot change.
    pool: "forks",
    maxWorkers: 2,
  },
});
