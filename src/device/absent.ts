/** A device, or a package that gives one, is not there. The message says what is missing and how to install it; exit 4. */
export class DeviceAbsent extends Error {
  override readonly name = "DeviceAbsent";
}
