/** The library that ships with the package: std/*.se, written here by scripts/embed-std.mjs. */
export const standardLibrary: ReadonlyMap<string, string> = new Map([
  [
    "std/attention.se",
    `se 1

/// Blocks that stand where SE blocks would: \`insert eca(at: standard)\`. What they share with an SE block is called as there.

/// ECA, Wang et al. 2020: a 1-d convolution along the channels in place of two dense layers. \`kernel: 0\` chooses its length
/// by the channels, as the paper and timm do: (log2(C) + 1) / 2, made odd, at least 3.
block eca(kernel: int = 0) {
  let half = floor((log2(x.channels) + 1) / 2)
  let adaptive = max(3, if half % 2 == 1 { half } else { half + 1 })
  let gates = squeeze: gap
    -> conv: channel_conv(if kernel > 0 { kernel } else { adaptive }) -> gate: sigmoid
  scale: x * gates
}

/// In which order CBAM's 7x7 reads its two maps: \`max_mean\` as the authors' code, \`mean_max\` as timm.
enum PoolOrder { max_mean, mean_max }

/// CBAM, Woo et al. 2018: a gate of channels, from means and maxima by one MLP, then a gate of pixels. timm's has
/// \`bias: false, order: mean_max\`.
block cbam(ratio: int = 16, bias: bool = true, order: PoolOrder = max_mean) {
  let channels = x.channels
  let channel = chain {
    fc1: dense max(1, floor(channels / ratio)), bias: bias -> relu
    fc2: dense channels, bias: bias
  }
  let gates = gate: sigmoid(channel(gap(x)) + channel(gmp(x)))
  let scaled = channel_scale: x * gates
  let mean = channel_mean(scaled)
  let largest = channel_max(scaled)
  let both = if order == max_mean { concat(largest, mean) } else { concat(mean, largest) }
  let pixels = both -> spatial { conv { conv: conv 1, 7x7 -> bn: bn } } -> pixel_gate: sigmoid
  scale: scaled * pixels
}
`,
  ],
  [
    "std/ghost.se",
    `se 1

/// Half of the channels by a 1x1, the other half from those by a cheap depthwise 3x3. The names are timm's.
block ghost(channels: int, act: Act = relu, eps: float = 1e-5) {
  primary_conv { 0: conv channels / 2, 1x1 -> 1: bn eps: eps -> act }
  residual join: concat {
    branch { cheap_operation { 0: dwconv 3x3 -> 1: bn eps: eps -> act } }
  }
}

/// Two ghost modules, and a depthwise convolution between them where the stride is 2. Nothing is applied between that
/// and the SE block at \`@3x3\`.
block ghost_bottleneck(
  expanded: int,
  channels: int,
  kernel: window = 3x3,
  stride: int = 1,
  eps: float = 1e-5,
) uses se {
  residual {
    branch {
      ghost1: ghost(expanded, relu, eps)
      if stride != 1 { conv_dw: dwconv kernel / stride -> bn_dw: bn eps: eps }
      @3x3
      ghost2: ghost(channels, none, eps)
    }
    skip unless same {
      shortcut {
        0: dwconv kernel / stride -> 1: bn eps: eps
        2: conv channels, 1x1 -> 3: bn eps: eps
      }
    }
  }
}
`,
  ],
  [
    "std/inception.se",
    `se 1

/// What pools in a module of BN-Inception.
enum Pool { avg, max }

/// A module of BN-Inception, Ioffe and Szegedy 2015: the columns of its table, from left to right; \`width\` multiplies them.
/// Its names are those of Cadene's bninception after a prefix: \`inception_3a.conv_3x3_bn\` is \`inception_3a_3x3_bn\` there.
block inception(
  conv1: int,
  conv3_reduce: int,
  conv3: int,
  double_reduce: int,
  double: int,
  pool: Pool,
  project: int,
  width: float = 1.0,
  bias: bool = false,
) uses se {
  @pre
  let a = conv_1x1: conv round(conv1 * width), 1x1, bias: bias -> conv_1x1_bn: bn -> relu
  let b = single_3x3(round(conv3_reduce * width), round(conv3 * width), 1, bias)
  let c = double_3x3(round(double_reduce * width), round(double * width), 1, bias)
  let d = pool_3x3(pool)
    -> pool_proj: conv round(project * width), 1x1, bias: bias -> pool_proj_bn: bn -> relu
  concat(a, b, c, d) -> @standard
}

/// A module that halves the extents: without a 1x1, and its pool passes the channels on.
block inception_reduction(
  conv3_reduce: int,
  conv3: int,
  double_reduce: int,
  double: int,
  width: float = 1.0,
  bias: bool = false,
) uses se {
  @pre
  let b = single_3x3(round(conv3_reduce * width), round(conv3 * width), 2, bias)
  let c = double_3x3(round(double_reduce * width), round(double * width), 2, bias)
  let d = maxpool 3x3 / 2, ceil: true
  concat(b, c, d) -> @standard
}

block single_3x3(reduce: int, width: int, stride: int, bias: bool) {
  conv_3x3_reduce: conv reduce, 1x1, bias: bias -> conv_3x3_reduce_bn: bn -> relu
  conv_3x3: conv width, 3x3 / stride, bias: bias -> conv_3x3_bn: bn -> relu
}

block double_3x3(reduce: int, width: int, stride: int, bias: bool) {
  double_3x3_reduce: conv reduce, 1x1, bias: bias -> double_3x3_reduce_bn: bn -> relu
  double_3x3_1: conv width, 3x3, bias: bias -> double_3x3_1_bn: bn -> relu
  double_3x3_2: conv width, 3x3 / stride, bias: bias -> double_3x3_2_bn: bn -> relu
}

block pool_3x3(pool: Pool) {
  if pool == max { maxpool 3x3, pad: 1 } else { avgpool 3x3, pad: 1 }
}

/// A convolution of Inception-ResNet-v2, with its BatchNorm. \`pad: [0, 0]\` is what TensorFlow calls VALID.
block inception_conv(
  channels: float,
  kernel: window = 1x1,
  pad: list<int> = [(kernel.height - 1) / 2, (kernel.width - 1) / 2],
) {
  conv: conv max(1, round(channels)), kernel, pad: pad -> bn: bn eps: 1e-3 -> relu
}

/// The units of Inception-ResNet-v2, Szegedy et al. 2017, as in TF-slim and timm: what the 1x1 at the end gives is scaled
/// down before the addition, and the SE block stands before the scale. \`width\` multiplies all channels but the sum's.
block block35(width: float = 1.0, scale: float = 0.17) uses se {
  let channels = x.channels
  residual {
    branch {
      concat {
        branch0: inception_conv(32 * width)
        branch1 { 0: inception_conv(32 * width) -> 1: inception_conv(32 * width, 3x3) }
        branch2 {
          0: inception_conv(32 * width)
          1: inception_conv(48 * width, 3x3)
          2: inception_conv(64 * width, 3x3)
        }
      }
      conv2d: conv channels, 1x1, bias: true -> @standard -> scale scale
    }
    after relu
  }
}

block block17(width: float = 1.0, scale: float = 0.1) uses se {
  let channels = x.channels
  residual {
    branch {
      concat {
        branch0: inception_conv(192 * width)
        branch1 {
          0: inception_conv(128 * width)
          1: inception_conv(160 * width, 1x7)
          2: inception_conv(192 * width, 7x1)
        }
      }
      conv2d: conv channels, 1x1, bias: true -> @standard -> scale scale
    }
    after relu
  }
}

/// The last one has \`scale: 1, act: none\`.
block block8(width: float = 1.0, scale: float = 0.2, act: Act = relu) uses se {
  let channels = x.channels
  residual {
    branch {
      concat {
        branch0: inception_conv(192 * width)
        branch1 {
          0: inception_conv(192 * width)
          1: inception_conv(224 * width, 1x3)
          2: inception_conv(256 * width, 3x1)
        }
      }
      conv2d: conv channels, 1x1, bias: true -> @standard -> scale scale
    }
    after act
  }
}

/// Two forms of Inception-ResNet-v2: that of TF-slim and timm, and that of the figures of Szegedy et al. 2017.
enum Edition { slim, paper }

/// The paper's stem, from the third convolution on, and its first module.
block paper_stem(width: float = 1.0) {
  stem_a: concat {
    branch0 { maxpool 3x3 / 2 }
    branch1: inception_conv(96 * width, 3x3 / 2, [0, 0])
  }
  stem_b: concat {
    branch0 { 0: inception_conv(64 * width) -> 1: inception_conv(96 * width, 3x3, [0, 0]) }
    branch1 {
      0: inception_conv(64 * width)
      1: inception_conv(64 * width, 7x1)
      2: inception_conv(64 * width, 1x7)
      3: inception_conv(96 * width, 3x3, [0, 0])
    }
  }
}

block paper_5b(width: float = 1.0, gated: bool = true) uses se {
  concat {
    branch0: inception_conv(192 * width, 3x3 / 2, [0, 0])
    branch1 { maxpool 3x3 / 2 }
  }
  if gated { @standard -> @post }
}

/// The modules between them. \`gated\`: with SE blocks of their own, as BN-Inception's have.
block mixed_5b(width: float = 1.0, gated: bool = true) uses se {
  concat {
    branch0: inception_conv(96 * width)
    branch1 { 0: inception_conv(48 * width) -> 1: inception_conv(64 * width, 5x5) }
    branch2 {
      0: inception_conv(64 * width)
      1: inception_conv(96 * width, 3x3)
      2: inception_conv(96 * width, 3x3)
    }
    branch3 { avgpool 3x3, pad: 1, count_pad: false -> 1: inception_conv(64 * width) }
  }
  if gated { @standard -> @post }
}

block mixed_6a(width: float = 1.0, gated: bool = true) uses se {
  concat {
    branch0: inception_conv(384 * width, 3x3 / 2, [0, 0])
    branch1 {
      0: inception_conv(256 * width)
      1: inception_conv(256 * width, 3x3)
      2: inception_conv(384 * width, 3x3 / 2, [0, 0])
    }
    branch2 { maxpool 3x3 / 2 }
  }
  if gated { @standard -> @post }
}

block mixed_7a(width: float = 1.0, gated: bool = true) uses se {
  concat {
    branch0 { 0: inception_conv(256 * width) -> 1: inception_conv(384 * width, 3x3 / 2, [0, 0]) }
    branch1 { 0: inception_conv(256 * width) -> 1: inception_conv(288 * width, 3x3 / 2, [0, 0]) }
    branch2 {
      0: inception_conv(256 * width)
      1: inception_conv(288 * width, 3x3)
      2: inception_conv(320 * width, 3x3 / 2, [0, 0])
    }
    branch3 { maxpool 3x3 / 2 }
  }
  if gated { @standard -> @post }
}
`,
  ],
  [
    "std/mobile.se",
    `se 1

/// The inverted residual of MobileNetV2 and V3, MnasNet and EfficientNet (MBConv). Without an expansion (as many channels
/// inside as come in) the first 1x1 is left out. Without \`skip\`, the unit is its branch also where a skip would fit. The names
/// are timm's.
block inverted_residual(
  expanded: int,
  channels: int,
  kernel: window = 3x3,
  stride: int = 1,
  act: Act = relu,
  eps: float = 1e-5,
  padding: Padding = centred,
  skip: bool = true,
) uses se {
  residual when skip and stride == 1 and x.channels == channels {
    branch {
      if expanded == x.channels {
        conv_dw: dwconv kernel / stride, pad: padding -> bn1: bn eps: eps -> act -> @3x3
        conv_pw: conv channels, 1x1 -> bn2: bn eps: eps
      } else {
        conv_pw: conv expanded, 1x1 -> bn1: bn eps: eps -> act
        conv_dw: dwconv kernel / stride, pad: padding -> bn2: bn eps: eps -> act -> @3x3
        conv_pwl: conv channels, 1x1 -> bn3: bn eps: eps
      }
    }
  }
}

/// MBConv of MnasNet and EfficientNet: an inverted residual that has \`expansion\` times the channels that it is given.
block mbconv(
  expansion: int,
  channels: int,
  kernel: window = 3x3,
  stride: int = 1,
  act: Act = relu,
  eps: float = 1e-5,
  padding: Padding = centred,
  skip: bool = true,
) uses se {
  inverted_residual(expansion * x.channels, channels, kernel, stride, act, eps, padding, skip)
}

/// MobileNet v1: a depthwise 3x3 and a 1x1, no skip. The paper's SE block stands after it.
block separable(channels: int, stride: int = 1, act: Act = relu) uses se {
  @pre -> conv_dw: dwconv 3x3 / stride -> bn1: bn -> act -> @3x3
  conv_pw: conv channels, 1x1 -> bn2: bn -> act -> @standard
}
`,
  ],
  [
    "std/plain.se",
    `se 1

/// Convolution, BatchNorm, activation: the layer of a VGG or an Inception module. Points before it and after it.
block plain(
  channels: int,
  kernel: window = 3x3,
  act: Act = relu,
  bias: bool = false,
  eps: float = 1e-5,
) uses se {
  @pre -> conv: conv channels, kernel, bias: bias -> bn: bn eps: eps -> act -> @standard
}

/// The same without insertion points.
block conv_bn(
  channels: int,
  kernel: window = 3x3,
  act: Act = relu,
  bias: bool = false,
  eps: float = 1e-5,
) {
  conv: conv channels, kernel, bias: bias -> bn: bn eps: eps -> act
}
`,
  ],
  [
    "std/preact.se",
    `se 1

/// Units that normalise and activate before they convolve (He et al. 2016b, wide ResNets). Where the shape changes, the
/// branch and the projection share the first BatchNorm and ReLU; the branch, and its point \`@pre\`, begin after them.

/// Two 3x3.
block preact_basic(width: int, stride: int = 1) uses se {
  if stride == 1 and x.channels == width {
    residual {
      branch {
        bn1: bn -> relu -> conv1: conv width, 3x3 -> bn2: bn -> relu -> @3x3
        conv2: conv width, 3x3
      }
    }
  } else {
    bn1: bn -> relu
    residual {
      branch {
        conv1: conv width, 3x3 / stride -> bn2: bn -> relu -> @3x3
        conv2: conv width, 3x3
      }
      skip { downsample: conv width, 1x1 / stride }
    }
  }
}

/// 1x1, 3x3, 1x1 to four times the width.
block preact_bottleneck(width: int, stride: int = 1) uses se {
  if stride == 1 and x.channels == 4 * width {
    residual {
      branch {
        bn1: bn -> relu -> conv1: conv width, 1x1
        bn2: bn -> relu -> conv2: conv width, 3x3 -> @3x3
        bn3: bn -> relu -> conv3: conv 4 * width, 1x1
      }
    }
  } else {
    bn1: bn -> relu
    residual {
      branch {
        conv1: conv width, 1x1
        bn2: bn -> relu -> conv2: conv width, 3x3 / stride -> @3x3
        bn3: bn -> relu -> conv3: conv 4 * width, 1x1
      }
      skip { downsample: conv 4 * width, 1x1 / stride }
    }
  }
}
`,
  ],
  [
    "std/regnet.se",
    `se 1

/// The X block of RegNet, with the SE block of RegNetY at \`@3x3\`. The names are timm's.
block regnet(width: int, stride: int = 1, group_width: int = 8, eps: float = 1e-5) uses se {
  residual {
    branch {
      conv1 { conv: conv width, 1x1 -> bn: bn eps: eps -> relu }
      conv2 {
        conv: conv width, 3x3 / stride, groups: width / group_width -> bn: bn eps: eps -> relu
      }
      @3x3
      conv3 { conv: conv width, 1x1 -> bn: bn eps: eps }
    }
    skip unless same { downsample { conv: conv width, 1x1 / stride -> bn: bn eps: eps } }
    after relu
  }
}
`,
  ],
  [
    "std/resnet.se",
    `se 1

/// Two ways to build a ResNet.
/// \`v1_5\`: the stride on the 3x3, padded pooling, as in public checkpoints (torchvision, timm).
/// \`v1\`: the stride on the first 1x1, pooling in ceil mode, as He et al. 2016 and the release of Hu et al. 2018.
enum Variant { v1_5, v1 }

/// The pooling between conv1 and stage 2.
block stem_pool(variant: Variant = v1_5) {
  if variant == v1 { maxpool 3x3 / 2, ceil: true } else { maxpool 3x3 / 2, pad: 1 }
}

/// ResNet-50 and deeper: 1x1, 3x3, 1x1 to four times the width. The insertion points are those of the paper's Figure 5,
/// and \`@3x3\`, its Table 15.
block bottleneck(width: int, stride: int = 1, variant: Variant = v1_5) uses se {
  let first = if variant == v1 { stride } else { 1 }
  residual {
    branch {
      conv1: conv width, 1x1 / first -> bn1: bn -> relu
      conv2: conv width, 3x3 / (stride / first) -> bn2: bn -> relu -> @3x3
      conv3: conv 4 * width, 1x1 -> bn3: bn
    }
    skip unless same { downsample { 0: conv 4 * width, 1x1 / stride -> 1: bn } }
    after relu
  }
}

/// ResNet-18 and 34: two 3x3. The paper has \`@3x3\` for bottlenecks only; here it stands after the first.
block basic(width: int, stride: int = 1) uses se {
  residual {
    branch {
      conv1: conv width, 3x3 / stride -> bn1: bn -> relu -> @3x3
      conv2: conv width, 3x3 -> bn2: bn
    }
    skip unless same { downsample { 0: conv width, 1x1 / stride -> 1: bn } }
    after relu
  }
}

/// ResNeXt: a bottleneck whose 3x3 is grouped. \`resnext(64)\` is the unit of stage 2 in 32x4d: 32 groups of 4 channels.
block resnext(width: int, stride: int = 1, groups: int = 32, base_width: int = 4) uses se {
  let inner = floor(width * base_width / 64) * groups
  residual {
    branch {
      conv1: conv inner, 1x1 -> bn1: bn -> relu
      conv2: conv inner, 3x3 / stride, groups: groups -> bn2: bn -> relu -> @3x3
      conv3: conv 4 * width, 1x1 -> bn3: bn
    }
    skip unless same { downsample { 0: conv 4 * width, 1x1 / stride -> 1: bn } }
    after relu
  }
}

/// SENet-154: half the width in the 1x1, a grouped 3x3, and a 3x3 projection where the extents change.
block senet154(width: int, stride: int = 1, groups: int = 64) uses se {
  residual {
    branch {
      conv1: conv 2 * width, 1x1 -> bn1: bn -> relu
      conv2: conv 4 * width, 3x3 / stride, groups: groups -> bn2: bn -> relu -> @3x3
      conv3: conv 4 * width, 1x1 -> bn3: bn
    }
    skip unless same {
      downsample { 0: conv 4 * width, (if stride == 1 { 1x1 } else { 3x3 }) / stride -> 1: bn }
    }
    after relu
  }
}

/// ResNet-D, He et al. 2019: a skip that changes extents is the mean of each 2x2 before its 1x1. The skip is labelled as timm
/// numbers it, the pooling being 0.
block bottleneck_d(width: int, stride: int = 1) uses se {
  residual {
    branch {
      conv1: conv width, 1x1 -> bn1: bn -> relu
      conv2: conv width, 3x3 / stride -> bn2: bn -> relu -> @3x3
      conv3: conv 4 * width, 1x1 -> bn3: bn
    }
    skip unless same {
      downsample {
        if stride != 1 { avgpool 2x2 / stride, ceil: true, count_pad: false }
        1: conv 4 * width, 1x1 -> 2: bn
      }
    }
    after relu
  }
}
`,
  ],
  [
    "std/shake.se",
    `se 1

/// Shake-Shake, Gastaldi 2017, as it is after training: both branches count half. No ReLU after the addition.
/// \`each\`: an SE block on each branch, not on their sum.
block shake(width: int, stride: int = 1, each: bool = false) uses se {
  residual {
    branch {
      let one = branch1 { shake_branch(width, stride) }
      let two = branch2 { shake_branch(width, stride) }
      if each {
        (one -> se1: @standard) * 0.5 + (two -> se2: @standard) * 0.5
      } else {
        one * 0.5 + two * 0.5 -> @standard
      }
    }
    skip unless same { shortcut { shake_shortcut(width, stride) } }
  }
}

/// Named as a sequence of layers, ReLUs among them.
block shake_branch(width: int, stride: int = 1) {
  relu -> 1: conv width, 3x3 / stride -> 2: bn -> relu -> 4: conv width, 3x3 -> 5: bn
}

/// Two paths of half the channels: every other pixel, and the pixels between them, which a shift brings to their places.
block shake_shortcut(width: int, stride: int = 1) {
  relu
  let even = conv1: conv floor(width / 2), 1x1 / stride
  let odd = pad([1, 1, -1, -1]) -> conv2: conv ceil(width / 2), 1x1 / stride
  concat(even, odd) -> bn: bn
}
`,
  ],
  [
    "std/shufflenet.se",
    `se 1

/// The unit of ShuffleNet v1. With a stride of 2 the skip is pooled and the branch brings the channels that are missing.
/// \`first_groups\` is 1 in the first unit of a network, whose few channels are not grouped.
block shuffle_unit(
  channels: int,
  stride: int = 1,
  groups: int = 3,
  first_groups: int = groups,
) uses se {
  residual join: (if stride == 1 { add } else { concat }) {
    branch {
      conv1: conv channels / 4, 1x1, groups: first_groups -> bn1: bn -> relu -> shuffle groups
      dw: dwconv 3x3 / stride -> bn2: bn -> @3x3
      conv3: conv (if stride == 1 { channels } else { channels - x.channels }), 1x1, groups: groups
        -> bn3: bn
    }
    skip { if stride != 1 { avgpool 3x3 / stride, pad: 1 } }
    after relu
  }
}
`,
  ],
]);
