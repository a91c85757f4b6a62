import { matrixTests } from "./matrix.ts";

matrixTests("depthwise");
