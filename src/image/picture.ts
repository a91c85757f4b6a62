/** A decoded picture: rows from the top, `channels` values of 0 to 255 a pixel, grey or red, green, blue. No alpha. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}
