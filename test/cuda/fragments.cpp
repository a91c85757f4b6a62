// What a GPU would not forgive of a warp, and when asynchronous copies are there, beside what fragments.cu checks on either.
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

} // namespace

int main(int, char **arguments) {
  for (unsigned i = 0; i < 256; i++) rows[i / 8][i % 8] = static_cast<unsigned short>(i * 257 + 3);
  const std::string what = arguments[1];
  void (*const kernel)() = what == "absent lane"  ? absent_lane
                           : what == "other line" ? other_line
                           : what == "early read" ? early_read
                                                  : unwaited_copy;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(1);
  config.blockDim = dim3(32);
  for (const auto order : {cuda_emulation::ascending, cuda_emulation::descending}) {
    cuda_emulation::order = order;
    if (what == "fragments") check_fragments();
    else cudaLaunchKernelEx(&config, kernel);
  }
  return wrong == 0 ? 0 : 1;
}
