import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { adapterNames, DeviceAbsent, openAdapter, type Adapter, type AdapterName } from "./adapters.ts";

/**
 * Runs tests on each of these adapters. Where one is absent its tests are skipped, each with a note that says what is
 * missing. `adapter()` is for the body of a test.
 */
export function onEachAdapter(
  body: (adapter: () => Adapter, name: AdapterName) => void,
  names: readonly AdapterName[] = adapterNames,
): void {
  describe.each(names)("%s", (name) => {
    let opened: Adapter | undefined;
    let absent = "";

    beforeAll(async () => {
      try {
        opened = await openAdapter(name);
      } catch (error) {
        if (!(error instanceof DeviceAbsent)) throw error;
        absent = error.message;
        console.warn(`${name} is absent: ${absent}`);
      }
    }, 120_000);
    beforeEach(({ skip }) => skip(opened === undefined, absent));
    afterAll(() => opened?.close());

    body(() => {
      if (opened === undefined) throw new Error(`${name} is not open`);
      return opened;
    }, name);
  });
}
