import { networkGraph } from "../networks.ts";
import type { ZooNetwork } from "./zoo.ts";

/** Where a network can have its SE blocks: the values that its parameter `se` takes. None if it has no such parameter. */
export function pointsOf({ entry, network, tiny: [small] }: ZooNetwork): string[] {
  return ["none", "standard", "pre", "post", "identity", "3x3"].filter((se) => {
    try {
      networkGraph(entry, { ...small?.set, se }, network);
      return true;
    } catch (refused) {
      if (/^SE0(502|310): /m.test(String((refused as Error).message))) return false;
      throw refused;
    }
  });
}
