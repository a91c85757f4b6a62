// Fragments of ptx.h against a second source: CUTLASS, include/cute/atom/mma_traits_sm80.hpp (SM80_16x8x16_F32F16F16F32_TN,
// SM80_16x8x8_F32TF32TF32F32_TN) and copy_traits_sm75.hpp (SM75_U32x4_LDSM_N, SM75_U16x8_LDSM_T). There a layout is a list
// of extents with strides: of the lane (two digits, base 4 and 8) and of a register's values, into a matrix that lies column
// by column (fragments), or into the bits of 32 rows of 16 bytes (ldmatrix).
#include "ptx.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct Layout {
  unsigned of_member, of_group;
  std::vector<unsigned> of_value; // each extent is 2
  unsigned at(unsigned lane, unsigned value) const {
    unsigned index = lane % 4 * of_member + lane / 4 * of_group;
    for (unsigned i = 0; i < of_value.size(); i++) index += (value >> i & 1) * of_value[i];
    return index;
  }
};

const Layout a_half{32, 1, {16, 8, 128}}, b_half{16, 1, {8, 64}}, a_tf32{16, 1, {8, 64}}, b_tf32{8, 1, {32}};
const Layout sums{32, 1, {16, 8}};

// Small whole numbers: products and sums are exact in every type.
float a_at(unsigned m, unsigned k) { return float(int(m * 7 + k * 3) % 11 - 5); }
float b_at(unsigned n, unsigned k) { return float(int(n * 5 + k * 2) % 9 - 4); }

unsigned bits_of(float value) {
  unsigned word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

template <typename Element> unsigned short half_bits(float value);
template <> unsigned short half_bits<__half>(float value) { return __float2half_rn(value).bits; }
template <> unsigned short half_bits<__nv_bfloat16>(float value) { return __float2bfloat16_rn(value).bits; }

unsigned wrong = 0;

void expect(bool right, const char *what, unsigned lane) {
  if (right) return;
  if (wrong++ < 10) std::printf("%s of lane %u\n", what, lane);
}

void compare(const float (&acc)[4], unsigned lane, unsigned depth, const char *what) {
  for (unsigned i = 0; i < 4; i++) {
    const unsigned index = sums.at(lane, i), m = index % 16, n = index / 16;
    float sum = float(i);
    for (unsigned k = 0; k < depth; k++) sum += a_at(m, k) * b_at(n, k);
    expect(acc[i] == sum, what, lane);
  }
}

template <typename Element, typename Multiply> void halves(unsigned lane, Multiply multiply, const char *what) {
  unsigned a[4] = {}, b[2] = {};
  float acc[4] = {0, 1, 2, 3};
  for (unsigned i = 0; i < 8; i++) {
    const unsigned index = a_half.at(lane, i);
    a[i / 2] |= unsigned(half_bits<Element>(a_at(index % 16, index / 16))) << (16 * (i % 2));
  }
  for (unsigned i = 0; i < 4; i++) {
    const unsigned index = b_half.at(lane, i);
    b[i / 2] |= unsigned(half_bits<Element>(b_at(index % 8, index / 8))) << (16 * (i % 2));
  }
  multiply(acc, a, b);
  compare(acc, lane, 16, what);
}

alignas(16) unsigned short rows[32][8];

void fragments() {
  const unsigned lane = threadIdx.x;
  halves<__half>(lane, [](auto &acc, auto &a, auto &b) { multiply_f16(acc, a, b); }, "f16");
  halves<__nv_bfloat16>(lane, [](auto &acc, auto &a, auto &b) { multiply_bf16(acc, a, b); }, "bf16");

  unsigned a[4], b[2];
  float acc[4] = {0, 1, 2, 3};
  for (unsigned i = 0; i < 4; i++) {
    const unsigned index = a_tf32.at(lane, i);
    a[i] = bits_of(a_at(index % 16, index / 16));
  }
  for (unsigned i = 0; i < 2; i++) {
    const unsigned index = b_tf32.at(lane, i);
    b[i] = bits_of(b_at(index % 8, index / 8));
  }
  multiply_tf32(acc, a, b);
  compare(acc, lane, 8, "tf32");

  const auto *flat = &rows[0][0];
  unsigned loaded[4], left[2], right[2];
  load_matrices(loaded, rows[lane]);
  load_matrices_transposed(left, right, rows[lane]);
  for (unsigned j = 0; j < 4; j++)
    for (unsigned i = 0; i < 2; i++) {
      const unsigned plain = (32 * lane + 16 * i + 1024 * j) / 16;
      expect((loaded[j] >> (16 * i) & 0xffffu) == flat[plain], "ldmatrix", lane);
      const unsigned across = (lane % 4 * 256 + lane / 4 * 16 + 128 * i + 1024 * j) / 16;
      const unsigned word = j < 2 ? left[j] : right[j - 2];
      expect((word >> (16 * i) & 0xffffu) == flat[across], "ldmatrix.trans", lane);
    }
}

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
  expect(to[0][lane][5] == rows[lane][5], "the first copy", lane);
  expect(to[1][lane][5] == 0x7b7b, "the second copy, too early", lane);
  wait_for_copies<0>();
  expect(to[1][lane][5] == 0, "zeros", lane);
}

} // namespace

int main(int, char **arguments) {
  for (unsigned i = 0; i < 256; i++) rows[i / 8][i % 8] = static_cast<unsigned short>(i * 257 + 3);
  const std::string what = arguments[1];
  void (*const kernel)() = what == "fragments"      ? fragments
                           : what == "absent lane"  ? absent_lane
                           : what == "other line"   ? other_line
                           : what == "early read"   ? early_read
                                                    : unwaited_copy;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(1);
  config.blockDim = dim3(32);
  for (const auto order : {cuda_emulation::ascending, cuda_emulation::descending}) {
    cuda_emulation::order = order;
    cudaLaunchKernelEx(&config, kernel);
  }
  if (wrong == 0) std::puts("all as they should be");
  return wrong == 0 ? 0 : 1;
}
