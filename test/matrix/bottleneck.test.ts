import { matrixTests } from "./matrix.ts";

matrixTests("bottleneck");
