import { channelsOf, type InputDeclaration } from "./declaration.ts";
import type { Picture } from "./picture.ts";
import { axisTaps, resample, type Resampling, type Window } from "./resample.ts";

export type Prepared =
  { readonly ok: true; readonly data: Float64Array } | { readonly ok: false; readonly message: string };

/**
 * The input tensor [C, height, width] of one picture. In this order, all in double, nothing rounded in between:
 *
 *   1. colours   the planes in the declared order; grey is repeated for rgb and bgr; grey of a colour picture is
 *                0.299 r + 0.587 g + 0.114 b
 *   2. resize    without a crop to height x width; with one, so that the short side is as declared and the long side
 *                keeps the aspect, rounded down
 *   3. crop      the middle height x width; an odd remainder leaves half a pixel, which goes to the even offset (as
 *                torchvision's CenterCrop)
 *   4. values    (pixel * scale - mean) / std
 */
export function prepareImage(picture: Picture, declaration: InputDeclaration, height: number, width: number): Prepared {
  const { scale, mean, std, crop, resize } = declaration;
  if (resize === "none" && (picture.height !== height || picture.width !== width)) {
    const message =
      `the picture is ${picture.width}x${picture.height}, the input is ${width}x${height}, and its declaration has no ` +
      "resize; declare resize: bilinear, or bring a picture of that size";
    return { ok: false, message };
  }

  const [tall, wide] = crop === "none" ? [height, width] : shortSideTo(crop.resizeShortSideTo, picture);
  const how = resampling(declaration);
  const rows = axisTaps(picture.height, tall, how, middle(tall, height));
  const columns = axisTaps(picture.width, wide, how, middle(wide, width));

  const pixels = height * width;
  const data = new Float64Array(channelsOf(declaration.order) * pixels);
  planes(picture, declaration).forEach((plane, channel) => {
    const resized = resample(plane, picture.width, rows, columns);
    for (let i = 0; i < pixels; i++) {
      data[channel * pixels + i] = (resized[i]! * scale - mean[channel]!) / std[channel]!;
    }
  });
  return { ok: true, data };
}

function planes(picture: Picture, { order }: InputDeclaration): Float64Array[] {
  const pixels = picture.width * picture.height;
  const plane = (channel: number) =>
    Float64Array.from({ length: pixels }, (_, i) => picture.data[i * picture.channels + channel]!);
  if (picture.channels === 1) {
    const grey = plane(0);
    return Array.from({ length: channelsOf(order) }, () => grey);
  }
  const [red, green, blue] = [plane(0), plane(1), plane(2)];
  switch (order) {
    case "rgb":
      return [red, green, blue];
    case "bgr":
      return [blue, green, red];
    case "grey":
      return [red.map((r, i) => 0.299 * r + 0.587 * green[i]! + 0.114 * blue[i]!)];
    default:
      return order satisfies never;
  }
}

/** A picture that need not be resized has the right size already, and any rule leaves it as it is. */
function resampling({ resize, antialias }: InputDeclaration): Resampling {
  if (resize === "none") return "nearest";
  return resize === "bilinear" && antialias ? "bilinear antialiased" : resize;
}

/** The whole [height, width] whose short side is `side`. */
function shortSideTo(side: number, { height, width }: Picture): readonly [number, number] {
  const long = Math.floor((side * Math.max(height, width)) / Math.min(height, width));
  return height <= width ? [side, long] : [long, side];
}

function middle(from: number, length: number): Window {
  return { start: roundHalfToEven((from - length) / 2), length };
}

/** 15.5 is 16, and so is 16.5. */
function roundHalfToEven(value: number): number {
  const down = Math.floor(value);
  return value - down === 0.5 ? down + (down % 2) : Math.round(value);
}
