import { matrixTests } from "./matrix.ts";

matrixTests("dawn");
