import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // SwiftShader is found through the environment, which a worker thread cannot change.
    pool: "forks",
    maxWorkers: 2,
  },
});
