/** What is measured: groups of networks, of which the first is what the others of its group are compared with. */
export interface Group {
  readonly title: string;
  readonly entry: string;
  readonly candidates: readonly Candidate[];
}

export interface Candidate {
  /** In the tables, and the name of its folder. */
  readonly name: string;
  readonly set: Readonly<Record<string, string>>;
}

const points = ["none", "standard", "pre", "post", "identity", "3x3"];
const alone = (title: string, entry: string): Group => ({ title, entry, candidates: [{ name: title, set: {} }] });

export const full: readonly Group[] = [
  {
    title: "SE-ResNet-50",
    entry: "examples/se-resnet50.se",
    candidates: points.map((se) => ({ name: se === "none" ? "ResNet-50" : `SE-ResNet-50 ${se}`, set: { se } })),
  },
  alone("SE-ResNeXt-50", "examples/se-resnext50.se"),
  alone("MobileNetV3-Large", "examples/mobilenetv3-large.se"),
  alone("EfficientNet-B0", "examples/efficientnet.se"),
];

/** To try the scripts. */
export const quick: readonly Group[] = [
  {
    title: "digits",
    entry: "examples/digits.se",
    candidates: ["none", "standard"].map((se) => ({ name: `digits ${se}`, set: { se } })),
  },
];
