import { matrixTests } from "./matrix.ts";

matrixTests("basic");
