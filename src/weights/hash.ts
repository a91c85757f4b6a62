/**
 * A 64-bit hash of text as 16 hexadecimal digits, the same in every engine: two lanes of 32-bit multiplications (as in
 * MurmurHash3), mixed at the end. It tells networks apart that differ by accident; whoever wants a collision can make one,
 * so it is an identity and never a signature.
 */
export function hash64(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    a = (a << 13) | (a >>> 19);
    b = Math.imul(b ^ unit, 0x5f356495);
    b = (b << 17) | (b >>> 15);
  }
  const high = mix(a ^ Math.imul(b, 0x85ebca77));
  const low = mix(b ^ Math.imul(high, 0xc2b2ae3d));
  return [high, low].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
}

/** Every bit of the result depends on every bit of the lane. */
function mix(lane: number): number {
  lane ^= lane >>> 16;
  lane = Math.imul(lane, 0x85ebca6b);
  lane ^= lane >>> 13;
  lane = Math.imul(lane, 0xc2b2ae35);
  return lane ^ (lane >>> 16);
}
