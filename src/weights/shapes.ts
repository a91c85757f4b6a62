type Shape = readonly number[];

/**
 * Whether a tensor of a file may stand for one that a network needs: the same shape, or one under which the same elements
 * lie in the same order and mean the same. SE layers are stored as matrices and as 1x1 convolutions, [64, 16] and
 * [64, 16, 1, 1]; a dense layer behind a map as a convolution over the whole map, [4096, 25088] and [4096, 512, 7, 7]; old
 * files have BatchNorms of [1, 64].
 */
export function fits(needed: Shape, found: Shape): boolean {
  if (equal(trimmed(needed), trimmed(found))) return true;
  if (needed.length === 1) return found.at(-1) === needed[0] && found.slice(0, -1).every((extent) => extent === 1);
  const ranks = [needed.length, found.length];
  return ranks.includes(2) && ranks.includes(4) && equal(asMatrix(needed), asMatrix(found));
}

/** Why a tensor of another shape may have it, as the end of a sentence; empty where nothing is known. */
export function likelyCause(needed: Shape, found: Shape): string {
  if (needed.length === 4 && found.length === 4) {
    const [outputs, inputs, height, width] = found as [number, number, number, number];
    // What was found, read as [kh, kw, in, out] and as [out, kh, kw, in].
    if (fits(needed, [width, height, outputs, inputs])) return ": it looks like TensorFlow's [kh, kw, in, out]";
    if (fits(needed, [outputs, width, inputs, height])) return ": it looks like [out, kh, kw, in], channels last";
  }
  return fits(needed, trimmed(found).toReversed()) ? ": it looks transposed" : "";
}

export function shapeText(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

function equal(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Without the 1s behind. */
function trimmed(shape: Shape): Shape {
  return shape.slice(0, 1 + shape.findLastIndex((extent) => extent !== 1));
}

function asMatrix([rows, ...rest]: Shape): Shape {
  return [rows!, rest.reduce((a, b) => a * b, 1)];
}
