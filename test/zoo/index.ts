import { networks as resnet } from "./resnet.ts";
import type { ZooNetwork } from "./zoo.ts";

/** Every network of examples/ that the paper has, and those that came after it. */
export const catalogue: readonly ZooNetwork[] = [...resnet];
