// Whether a GPU does what kernels on tensor cores take for granted: which element of a matrix each register of each lane
// holds, what asynchronous copies leave, and how f32 becomes tf32. net.cu's section of PTX is tensorCores.h
// (fragments.ts), where g++ takes ptx.h of the emulation instead. One warp does each thing once; the host compares.
//
// Layouts are CUTLASS's, a second source beside the PTX ISA: include/cute/atom/mma_traits_sm80.hpp
// (SM80_16x8x16_F32F16F16F32_TN, SM80_16x8x8_F32TF32TF32F32_TN) and copy_traits_sm75.hpp (SM75_U32x4_LDSM_N,
// SM75_U16x8_LDSM_T). There a layout is a list of extents with strides: of the lane (two digits, base 4 and 8) and of a
// register's values, into a matrix that lies column by column (fragments), or into the bits of 32 rows of 16 bytes (ldmatrix).
#include <cmath>
#include <cstdio>
#include <cstring>

#include <cuda_runtime.h>

#include "tensorCores.h"

namespace {

struct Layout {
  unsigned of_member, of_group, of_value[3]; // each extent of the last is 2
  unsigned at(unsigned lane, unsigned value) const {
    unsigned index = lane % 4 * of_member + lane / 4 * of_group;
    for (unsigned i = 0; i < 3; i++) index += (value >> i & 1) * of_value[i];
    return index;
  }
};

constexpr Layout A_HALF = {32, 1, {16, 8, 128}}, B_HALF = {16, 1, {8, 64, 0}};
constexpr Layout A_TF32 = {16, 1, {8, 64, 0}}, B_TF32 = {8, 1, {32, 0, 0}};
constexpr Layout SUMS = {32, 1, {16, 8, 0}};
constexpr Layout LOADED = {32, 128, {16, 1024, 2048}}, TRANSPOSED = {256, 16, {128, 1024, 2048}};

constexpr unsigned LANES = 32;

/** What one lane has in its registers for a product. */
struct Operands {
  unsigned a[4], b[2];
};

struct Given {
  uint4 rows[LANES];
  Operands f16[LANES], bf16[LANES], tf32[LANES], tf32_with_more[LANES];
  unsigned floats[LANES];
};

struct Taken {
  uint4 copied[4][LANES];
  float f16[LANES][4], bf16[LANES][4], tf32[LANES][4], tf32_with_more[LANES][4];
  unsigned loaded[LANES][4], transposed[LANES][4], rounded[LANES];
};

/** Sums begin at the number of their register. */
#define TAKE_PRODUCT(multiply, name)                                                                                   \
  {                                                                                                                    \
    float acc[4] = {0, 1, 2, 3};                                                                                       \
    multiply(acc, given->name[lane].a, given->name[lane].b);                                                           \
    for (unsigned i = 0; i < 4; i++) taken->name[lane][i] = acc[i];                                                    \
  }

__global__ void take(const Given *given, Taken *taken) {
  __shared__ uint4 rows[LANES], copied[4][LANES];
  const unsigned lane = threadIdx.x;
  rows[lane] = given->rows[lane];
  for (unsigned i = 0; i < 4; i++) copied[i][lane] = make_uint4(~0u, ~0u, ~0u, ~0u);
  __syncthreads();

  TAKE_PRODUCT(multiply_f16, f16)
  TAKE_PRODUCT(multiply_bf16, bf16)
  TAKE_PRODUCT(multiply_tf32, tf32)
  TAKE_PRODUCT(multiply_tf32, tf32_with_more)
  taken->rounded[lane] = round_to_tf32(given->floats[lane]);

  unsigned loaded[4], left[2], right[2];
  load_matrices(loaded, &rows[lane]);
  for (unsigned i = 0; i < 4; i++) taken->loaded[lane][i] = loaded[i];
  load_matrices_transposed(left, right, &rows[lane]);
  for (unsigned i = 0; i < 2; i++) {
    taken->transposed[lane][i] = left[i];
    taken->transposed[lane][2 + i] = right[i];
  }

  // All 16 bytes and none of them; the lower 8 and none of the others; none of the lower and the upper 8.
  const uint4 *const from = &given->rows[lane];
  const auto half_of = [](const uint4 *row, unsigned half) { return reinterpret_cast<const uint2 *>(row) + half; };
  const auto to = [&](unsigned i, unsigned half) { return const_cast<uint2 *>(half_of(&copied[i][lane], half)); };
  copy_async<16>(&copied[0][lane], from, true);
  copy_async<16>(&copied[1][lane], from, false);
  commit_copies();
  copy_async<8>(to(2, 0), half_of(from, 0), true);
  copy_async<8>(to(2, 1), half_of(from, 1), false);
  commit_copies();
  copy_async<8>(to(3, 0), half_of(from, 0), false);
  copy_async<8>(to(3, 1), half_of(from, 1), true);
  commit_copies();
  wait_for_copies<1>();
  for (unsigned i = 0; i < 3; i++) taken->copied[i][lane] = copied[i][lane];
  wait_for_copies<0>();
  taken->copied[3][lane] = copied[3][lane];
}

// ---------------------------------------------------------------------------------------------------------------------
// Host

// Small whole numbers, no two alike: products and sums are exact in every type.
float a_at(unsigned m, unsigned k) { return float((m * 16 + k) * 73 % 256) - 128; }
float b_at(unsigned n, unsigned k) { return float((n * 16 + k) * 45 % 128) - 64; }

template <typename Word, typename Value> Word bits_of(Value value) {
  static_assert(sizeof(Word) == sizeof(Value));
  Word word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

unsigned f16_bits(float value) { return bits_of<unsigned short>(__float2half_rn(value)); }
unsigned bf16_bits(float value) { return bits_of<unsigned short>(__float2bfloat16_rn(value)); }
unsigned tf32_bits(float value) { return bits_of<unsigned>(value); }
/** With bits that tf32 lacks, which do not count. */
unsigned longer_bits(float value) { return bits_of<unsigned>(value) | 0x1fffu; }

/** `per_word` elements in each register. */
void give(Operands (&to)[LANES], unsigned (*bits)(float), unsigned per_word, const Layout &a, const Layout &b) {
  for (unsigned lane = 0; lane < LANES; lane++) {
    to[lane] = {};
    for (unsigned i = 0; i < 4 * per_word; i++) {
      const unsigned index = a.at(lane, i);
      to[lane].a[i / per_word] |= bits(a_at(index % 16, index / 16)) << (16 * (i % per_word));
    }
    for (unsigned i = 0; i < 2 * per_word; i++) {
      const unsigned index = b.at(lane, i);
      to[lane].b[i / per_word] |= bits(b_at(index % 8, index / 8)) << (16 * (i % per_word));
    }
  }
}

/** Ties of both signs and what is beside them, at many sizes; zeros, the largest, and what is no number. */
float rounded_at(unsigned lane) {
  const unsigned special[] = {
      0, 0x80000000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fffffff, 0xffffffff};
  const unsigned tie = 0x3f800000u + lane % 4 * 0x2000u + 0x1000u + (lane % 2 << 31);
  const unsigned bits = lane < LANES - 8 ? tie + lane % 3 - 1 : special[lane - (LANES - 8)];
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return lane < LANES - 8 ? std::ldexp(value, int(lane) * 8 - 96) : value;
}

/** To 11 significant bits, ties away from zero. */
float nearest_tf32(float value) {
  if (!std::isfinite(value)) return value;
  int exponent;
  const double fraction = std::frexp(double(value), &exponent);
  return float(std::ldexp(std::round(fraction * 2048), exponent - 11));
}

unsigned wrong = 0;

void expect(unsigned actual, unsigned expected, const char *what, unsigned lane, unsigned at) {
  if (actual == expected) return;
  if (wrong++ < 10) std::printf("%s: lane %u, register %u: %08x instead of %08x\n", what, lane, at, actual, expected);
}

void compare(const float (&acc)[LANES][4], unsigned depth, const char *what) {
  for (unsigned lane = 0; lane < LANES; lane++)
    for (unsigned i = 0; i < 4; i++) {
      const unsigned index = SUMS.at(lane, i), m = index % 16, n = index / 16;
      float sum = float(i);
      for (unsigned k = 0; k < depth; k++) sum += a_at(m, k) * b_at(n, k);
      expect(bits_of<unsigned>(acc[lane][i]), bits_of<unsigned>(sum), what, lane, i);
    }
}

void compare(const unsigned (&words)[LANES][4], const Layout &layout, const uint4 (&rows)[LANES], const char *what) {
  unsigned short flat[LANES * 8];
  std::memcpy(flat, rows, sizeof flat);
  for (unsigned lane = 0; lane < LANES; lane++)
    for (unsigned i = 0; i < 4; i++) {
      const unsigned lower = flat[layout.at(lane, 2 * i) / 16], upper = flat[layout.at(lane, 2 * i + 1) / 16];
      expect(words[lane][i], upper << 16 | lower, what, lane, i);
    }
}

int compare(const Given &given, const Taken &taken) {
  compare(taken.f16, 16, "mma of f16");
  compare(taken.bf16, 16, "mma of bf16");
  compare(taken.tf32, 8, "mma of tf32");
  compare(taken.tf32_with_more, 8, "mma of tf32 with bits that it lacks");
  compare(taken.loaded, LOADED, given.rows, "ldmatrix");
  compare(taken.transposed, TRANSPOSED, given.rows, "ldmatrix.trans");
  for (unsigned lane = 0; lane < LANES; lane++) {
    // Of the bits that tf32 lacks nothing is said, and of what is no number only that it stays none.
    const float exact = nearest_tf32(rounded_at(lane));
    float rounded;
    std::memcpy(&rounded, &taken.rounded[lane], sizeof rounded);
    if (!std::isnan(exact) || !std::isnan(rounded))
      expect(taken.rounded[lane] & 0xffffe000u, bits_of<unsigned>(exact), "cvt.rna.tf32", lane, 0);
    const bool there[4][2] = {{true, true}, {false, false}, {true, false}, {false, true}};
    for (unsigned i = 0; i < 4; i++) {
      unsigned row[4], copied[4];
      std::memcpy(row, &given.rows[lane], sizeof row);
      std::memcpy(copied, &taken.copied[i][lane], sizeof copied);
      for (unsigned j = 0; j < 4; j++)
        expect(copied[j], there[i][j / 2] ? row[j] : 0, i < 2 ? "cp.async.cg" : "cp.async.ca", lane, 4 * i + j);
    }
  }
  if (wrong == 0) std::puts("fragments: agree");
  return wrong == 0 ? 0 : 1;
}

int check(cudaError_t error) {
  if (error == cudaSuccess) return 0;
  std::fprintf(stderr, "%s\n", cudaGetErrorString(error));
  return 2;
}

} // namespace

int main() {
  static Given given;
  static Taken taken;
  give(given.f16, f16_bits, 2, A_HALF, B_HALF);
  give(given.bf16, bf16_bits, 2, A_HALF, B_HALF);
  give(given.tf32, tf32_bits, 1, A_TF32, B_TF32);
  give(given.tf32_with_more, longer_bits, 1, A_TF32, B_TF32);
  for (unsigned lane = 0; lane < LANES; lane++) {
    given.floats[lane] = bits_of<unsigned>(rounded_at(lane));
    unsigned short row[8];
    for (unsigned i = 0; i < 8; i++) row[i] = static_cast<unsigned short>((8 * lane + i) * 257 + 3);
    std::memcpy(&given.rows[lane], row, sizeof row);
  }

  void *from, *to;
  if (check(cudaMalloc(&from, sizeof given)) || check(cudaMalloc(&to, sizeof taken))) return 2;
  if (check(cudaMemcpy(from, &given, sizeof given, cudaMemcpyHostToDevice))) return 2;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(1);
  config.blockDim = dim3(LANES);
  if (check(cudaLaunchKernelEx(&config, take, static_cast<const Given *>(from), static_cast<Taken *>(to)))) return 2;
  if (check(cudaMemcpy(&taken, to, sizeof taken, cudaMemcpyDeviceToHost))) return 2;
  cudaFree(from);
  cudaFree(to);
  return compare(given, taken);
}
