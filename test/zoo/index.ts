import { networks as attention } from "./attention.ts";
import { networks as cifar } from "./cifar.ts";
import { networks as detection } from "./detection.ts";
import { networks as efficientnet } from "./efficientnet.ts";
import { networks as ghostnet } from "./ghostnet.ts";
import { networks as mnasnet } from "./mnasnet.ts";
import { networks as inception } from "./inception.ts";
import { networks as mobile } from "./mobile.ts";
import { networks as mobilenetv3 } from "./mobilenetv3.ts";
import { networks as regnet } from "./regnet.ts";
import { networks as resnet } from "./resnet.ts";
import { networks as resnext } from "./resnext.ts";
import { networks as vgg } from "./vgg.ts";
import type { ZooNetwork } from "./zoo.ts";

/** Every network of examples/ that the paper has, and those that came after it. */
export const catalogue: readonly ZooNetwork[] = [
  ...resnet,
  ...resnext,
  ...vgg,
  ...mobile,
  ...inception,
  ...cifar,
  ...detection,
  ...attention,
  ...mobilenetv3,
  ...efficientnet,
  ...regnet,
  ...mnasnet,
  ...ghostnet,
];
