import { matrixTests } from "./matrix.ts";

matrixTests("grouped");
