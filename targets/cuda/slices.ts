import type { TensorTile } from "../../src/plan/kernels/tensorConv.ts";
import { sliceBytes, tilesOfImage } from "../../src/plan/kernels/geometry.ts";
import type { Launch, Plan, Split } from "../../src/plan/plan.ts";
import { render } from "../render.ts";
import { netSplits } from "./templates.generated.ts";

/**
 * Sums of a convolution that are cut into slices of its depth (`Launch.split`). Each slice is summed from zero, and the sums
 * of slices are added in order: by a block that computes all of them, or, where each has a block of its own, by the block
 * of a tile that is the last to be done. So results are the same bits in a batch of any size and on every device.
 */
export type SplitLaunch = Launch & { readonly split: Split };

export function splitLaunches(plan: Plan): SplitLaunch[] {
  return plan.launches.filter((launch): launch is SplitLaunch => launch.split !== undefined);
}

/** What stands in the product on tensor cores for it (files/tensorProduct.hbs). */
export const sliceBlocks = ({ threads }: TensorTile) => ({
  share: `// A block has all slices of the depth, or, where they are apart, one of them.
const bool apart = arrived != nullptr;
const unsigned image = apart ? blockIdx.z / DEPTH_SLICES : blockIdx.z;
const unsigned first_slice = apart ? blockIdx.z % DEPTH_SLICES : 0;
const unsigned first_step = first_slice * STEPS / DEPTH_SLICES;
const unsigned end_step = apart ? (first_slice + 1) * STEPS / DEPTH_SLICES : STEPS;
`,
  total: `float total[A_TILES][B_TILES][4] = {};
unsigned slice = first_slice, end_of_slice = (first_slice + 1) * STEPS / DEPTH_SLICES;`,
  endOfSlice: `if (step + 1 == end_of_slice) {
  end_slice(total, acc);
  slice++;
  end_of_slice = (slice + 1) * STEPS / DEPTH_SLICES;
}`,
  leave: `const unsigned tile = (image * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
float4 *const sums_of_tile = slice_sums + (apart ? size_t(tile) * (DEPTH_SLICES * TILE_PIXELS * TILE4) : 0);
if (apart) leave_sums<${threads}>(total, sums_of_tile, first_slice);`,
  gather: `if (apart) {
  if (!is_last_to_arrive(&arrived[tile], DEPTH_SLICES)) return;
  gather_sums<${threads}, DEPTH_SLICES>(total, sums_of_tile);
}`,
});

export type SliceBlocks = Readonly<ReturnType<typeof sliceBlocks>>;

/** The same places in a product that is not split. */
export const wholeBlocks: SliceBlocks = {
  share: "",
  total: "",
  endOfSlice: "",
  leave: "",
  gather: "",
};

/** Behind all other bindings of a kernel: what the blocks of a tile leave for one another. */
export function sliceBindings({ reads, weights, writes }: Launch): string {
  const first = reads.length + (weights ? 1 : 0) + writes.length;
  return [
    `@group(0) @binding(${first}) var<storage, read_write> slice_sums: array<vec4f>; // [tiles, DEPTH_SLICES, A_TILES, B_TILES, threads]`,
    `@group(0) @binding(${first + 1}) var<storage, read_write> arrived: array<u32>; // [tiles], zeros; null where a block has all slices`,
  ].join("\n");
}

const section = `// ${"-".repeat(117)}
// Sums of slices, which lie in the registers of a block's threads: 4 in each product

// The sums of a slice join those of the slices before it; the next one begins at zero.
template <unsigned A, unsigned B> __device__ inline void end_slice(float (&total)[A][B][4], float (&acc)[A][B][4]) {
#pragma unroll
  for (unsigned i = 0; i < A; i++) {
#pragma unroll
    for (unsigned j = 0; j < B; j++) {
#pragma unroll
      for (unsigned k = 0; k < 4; k++) {
        total[i][j][k] += acc[i][j][k];
        acc[i][j][k] = 0.0f;
      }
    }
  }
}

// A thread leaves what it holds, beside its neighbours' sums of the same product.
template <unsigned THREADS, unsigned A, unsigned B>
__device__ inline void leave_sums(const float (&total)[A][B][4], float4 *sums_of_tile, unsigned slice) {
#pragma unroll
  for (unsigned i = 0; i < A; i++) {
#pragma unroll
    for (unsigned j = 0; j < B; j++) {
      const float(&sums)[4] = total[i][j];
      const unsigned at = ((slice * A + i) * B + j) * THREADS + threadIdx.x;
      sums_of_tile[at] = make_float4(sums[0], sums[1], sums[2], sums[3]);
    }
  }
}

// Whether all other slices of the tile have been left, for this block to see. Its threads have left theirs before a
// barrier, and all come here. Which block is the last is open, but not what it adds, nor in which order.
__device__ inline bool is_last_to_arrive(unsigned *arrived, unsigned slices) {
  bool is_last = false;
  if (threadIdx.x == 0) {
    __threadfence();
    is_last = atomicAdd(arrived, 1u) == slices - 1;
    __threadfence();
  }
  return __syncthreads_or(is_last) != 0;
}

// What this thread holds in each slice, from the first one on; loads of about 16 float4 are under way at once.
template <unsigned THREADS, unsigned SLICES, unsigned A, unsigned B>
__device__ inline void gather_sums(float (&total)[A][B][4], const float4 *sums_of_tile) {
#pragma unroll
  for (unsigned i = 0; i < A; i++) {
#pragma unroll
    for (unsigned j = 0; j < B; j++) {
#pragma unroll
      for (unsigned k = 0; k < 4; k++) total[i][j][k] = 0.0f;
    }
  }
#pragma unroll(A *B < 16 ? 16 / (A * B) : 1)
  for (unsigned slice = 0; slice < SLICES; slice++) {
#pragma unroll
    for (unsigned i = 0; i < A; i++) {
#pragma unroll
      for (unsigned j = 0; j < B; j++) {
        const float4 sums = __ldcg(&sums_of_tile[((slice * A + i) * B + j) * THREADS + threadIdx.x]);
        total[i][j][0] += sums.x;
        total[i][j][1] += sums.y;
        total[i][j][2] += sums.z;
        total[i][j][3] += sums.w;
      }
    }
  }
}

`;

/** What a split adds to net.cu; nothing where nothing is split. */
export function sliceHostBlocks(plan: Plan): Readonly<Record<HostBlock, string>> {
  const launches = splitLaunches(plan);
  if (launches.length === 0) return noHostBlocks;
  const counters = launches.map(tilesOfImage);
  const rows = launches.map((launch, index) => {
    const first = counters.slice(0, index).reduce((sum, tiles) => sum + tiles, 0);
    const { slices, apartUpTo } = launch.split;
    const at = plan.launches.indexOf(launch);
    const isOnBranch = plan.branches.some((branch) => branch.launch === at);
    return [at, isOnBranch, slices, apartUpTo, first, counters[index], sliceBytes(launch)].join(", ");
  });
  return {
    sliceSection: section,
    sliceValues: [
      "SLICE_SUMS,  // of launches whose slices are apart, one after the other",
      "BRANCH_SUMS, // of those that run beside others",
      "ARRIVED,     // counters of their tiles",
    ].join("\n"),
    splits: render(netSplits, {}, { rows: rows.map((row) => `{${row}},`).join("\n") }),
    slicePlaces: "place_slices(unsigned(batch), static_cast<unsigned char *>(workspace) + offset, v);",
    sliceSpace: "bytes += slice_bytes(unsigned(batch));",
    zeroCounters:
      "if (const cudaError_t error = zero_counters(first, count, unsigned(batch), v, stream)) return status_of(error);",
  };
}

const noHostBlocks = {
  sliceSection: "",
  sliceValues: "",
  splits: "",
  slicePlaces: "",
  sliceSpace: "",
  zeroCounters: "",
} as const;

type HostBlock = keyof typeof noHostBlocks;

/** A sentence of net.cu's first lines. */
export function determinismOf(plan: Plan): string {
  return splitLaunches(plan).length === 0
    ? "No atomics and no order left to chance: the same input gives the same bits."
    : "No sum is left to chance, atomics only count: the same input gives the same bits.";
}
