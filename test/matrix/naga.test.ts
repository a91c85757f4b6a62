import { matrixTests } from "./matrix.ts";

matrixTests("naga");
