import type { VerifyFlags } from "./commands.ts";
import { usage } from "./exit.ts";
import type { Io } from "./io.ts";
import type { Outcome } from "./outcome.ts";

/** Not there yet, and says so. */
export async function verifyCommand(_path: string, _flags: VerifyFlags, _io: Io): Promise<Outcome> {
  throw usage("sec verify is not supported yet", "sec run --backend reference gives the reference's numbers");
}
