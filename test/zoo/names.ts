/** From our names, which are timm's, to those of other layouts. */

/** timm's own: only the SE layers are called differently. */
export function timm(parameter: string): string {
  return parameter.replace(".se.fc1.", ".se.conv_reduce.").replace(".se.fc2.", ".se.conv_expand.");
}

/**
 * A layer of an inverted residual as torchvision counts them: the expansion, where there is one, the depthwise
 * convolution, the SE block, where there is one, the projection.
 */
export function torchvisionLayer(layer: string, { expands, gated }: { expands: boolean; gated: boolean }): string {
  const [name, ...rest] = layer.split(".") as [string, ...string[]];
  const depthwise = expands ? 1 : 0;
  const project = depthwise + (gated ? 2 : 1);
  const convolutions = expands ? ["conv_pw", "conv_dw", "conv_pwl"] : ["conv_dw", "conv_pw"];
  const indices = expands ? [0, depthwise, project] : [depthwise, project];
  const place = (at: number, part: number) => [indices[at], part].join(".");
  const index =
    name === "se"
      ? `${depthwise + 1}`
      : name.startsWith("bn")
        ? place(Number(name.slice(2)) - 1, 1)
        : place(convolutions.indexOf(name), 0);
  return [index, ...rest].join(".");
}
