// What a GPU would not forgive of a warp, when asynchronous copies are there, and what shared memory a launch can have, beside
// what fragments.cu checks on either.
#define main check_fragments
#include "fragments.cu"
#undef main

#include <string>

namespace {

alignas(16) unsigned short rows[32][8];

// What a GPU would not forgive.
void absent_lane() {
  unsigned loaded[4];
  if (threadIdx.x != 3) load_matrices(loaded, rows[threadIdx.x]);
}

void other_line() {
  unsigned loaded[4];
  if (threadIdx.x < 16) load_matrices(loaded, rows[threadIdx.x]);
  else load_matrices(loaded, rows[threadIdx.x]);
}

void unwaited_copy() {
  alignas(16) static unsigned char to[32][16];
  copy_async<16>(to[threadIdx.x], rows[threadIdx.x], true);
  commit_copies();
}

/** A copy is not there before it is waited for; the last group may still be under way. */
void early_read() {
  alignas(16) static unsigned short to[2][32][8];
  const unsigned lane = threadIdx.x;
  for (unsigned i = 0; i < 2; i++) {
    copy_async<16>(to[i][lane], rows[lane], i == 0);
    commit_copies();
  }
  wait_for_copies<1>();
  expect(to[0][lane][5], rows[lane][5], "the first copy", lane, 0);
  expect(to[1][lane][5], 0x7b7b, "the second copy, too early", lane, 1);
  wait_for_copies<0>();
  expect(to[1][lane][5], 0, "zeros", lane, 1);
}

constexpr unsigned LARGE = 100 * 1024;

/** All that the launch asked for is there, and at the start of a block as nobody would leave it. */
void large_memory() {
  float4 *const memory = shared_memory();
  const unsigned last = LARGE / sizeof(float4) - 1, lane = threadIdx.x;
  expect(memory[lane].x > 1e37f && memory[last - lane].w > 1e37f, true, "what was there", lane, 0);
  __syncthreads();
  memory[lane].x = memory[last - lane].w = float(lane);
  __syncthreads();
  expect(memory[31 - lane].x == float(31 - lane) && memory[last].w == 0, true, "what was written", lane, 1);
}

void beyond_memory() { shared_memory()[threadIdx.x].x = 0; }

/** Memory of the device, of three floats. */
float *allocated = nullptr;

void behind_allocation() {
  const float seen = allocated[3 + threadIdx.x];
  expect(seen != seen, true, "NaN behind an allocation", threadIdx.x, 0);
}

/** The next page, where pages have 4 KiB. */
void far_from_allocation() { expect(allocated[1024 + threadIdx.x] == 0, true, "what is not there", 0, 0); }

/** Who has not asked shares 48 KiB at most, who has as much as that, and nobody more than there is. */
void check_refusals(cudaLaunchConfig_t config) {
  const auto launch = [&](size_t bytes) {
    config.dynamicSmemBytes = bytes;
    return cudaLaunchKernelEx(&config, large_memory);
  };
  const auto ask = [](int bytes) {
    return cudaFuncSetAttribute(large_memory, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  };
  expect(launch(LARGE), cudaErrorInvalidValue, "a launch that has not asked", 0, 0);
  expect(ask(163 * 1024 + 1), cudaErrorInvalidValue, "more than there is", 0, 0);
  expect(launch(LARGE), cudaErrorInvalidValue, "a launch whose wish was refused", 0, 0);
  expect(ask(LARGE), cudaSuccess, "a wish", 0, 0);
  expect(launch(LARGE + 1), cudaErrorInvalidValue, "more than the wish", 0, 0);
}

} // namespace

int main(int, char **arguments) {
  for (unsigned i = 0; i < 256; i++) rows[i / 8][i % 8] = static_cast<unsigned short>(i * 257 + 3);
  const std::string what = arguments[1];
  void (*const kernel)() = what == "absent lane"    ? absent_lane
                           : what == "other line"   ? other_line
                           : what == "early read"   ? early_read
                           : what == "large memory" ? large_memory
                           : what == "beyond"       ? beyond_memory
                           : what == "behind"       ? behind_allocation
                           : what == "far"          ? far_from_allocation
                                                    : unwaited_copy;
  void *memory;
  expect(cudaMalloc(&memory, 3 * sizeof(float)), cudaSuccess, "an allocation", 0, 0);
  allocated = static_cast<float *>(std::memset(memory, 0, 3 * sizeof(float)));
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(1);
  config.blockDim = dim3(32);
  if (kernel == large_memory) check_refusals(config);
  config.dynamicSmemBytes = kernel == large_memory ? LARGE : 31 * sizeof(float4);
  for (const auto order : {cuda_emulation::ascending, cuda_emulation::descending}) {
    cuda_emulation::order = order;
    if (what == "fragments") check_fragments();
    else expect(cudaLaunchKernelEx(&config, kernel), cudaSuccess, "the launch", 0, 0);
  }
  return wrong == 0 ? 0 : 1;
}
