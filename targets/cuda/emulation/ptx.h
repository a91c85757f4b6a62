// What net.cu says in PTX, on the CPU. Fragment layouts are those of the PTX ISA 8.x, section 9.7.14.5 "Warp level matrix
// multiply-accumulate instructions": in all of them lane = 4 * group + member.
//
//   m16n8k16, f16 and bf16 (".f16 and .bf16, m16n8k16")   a: rows group, group + 8; columns 2 member + {0, 1}, and 8 more
//                                                         b: rows 2 member + {0, 1}, and 8 more; column group
//   m16n8k8, tf32 (".tf32, m16n8k8")                      a: rows group, group + 8; columns member, member + 4
//                                                         b: rows member, member + 4; column group
//   accumulators of both                                  rows group, group + 8; columns 2 member + {0, 1}
//   ldmatrix (".x4", 8x8 of b16)                          lanes 8 i to 8 i + 7 name the rows of matrix i; lane gets
//                                                         row group, elements 2 member + {0, 1} of each; with .trans
//                                                         column group, rows 2 member + {0, 1}
#pragma once

#include "cuda_bf16.h"
#include "cuda_fp16.h"

#include <cstdint>
#include <cstring>
#include <deque>

namespace cuda_emulation {

constexpr unsigned WARP = 32;

/** What the lanes of a warp gave in one exchange. */
struct Lanes {
  unsigned words[WARP][6];
};

/** A thread's asynchronous copies that one commit closed, or none has closed yet. */
struct Copies {
  struct Copy {
    unsigned char *to;
    const unsigned char *from;
    unsigned bytes, zeros;
  };
  Copy copies[64];
  unsigned count = 0;
  bool closed = false;
};

/** Waits for the other lanes; gives what all gave. No memory of one lane becomes visible to another by it. */
const Lanes &exchange(const unsigned (&words)[6], const char *what, int line);
std::deque<Copies> &copies_of_thread();
unsigned lane_of_thread();

inline float float_of(unsigned word) {
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

/** The two halves of a word as numbers. */
template <typename Element> float half_of(unsigned word, unsigned index);
template <> inline float half_of<__half>(unsigned word, unsigned index) {
  static float *const table = [] {
    float *made = new float[65536];
    for (unsigned bits = 0; bits < 65536; bits++) made[bits] = __half2float({static_cast<unsigned short>(bits)});
    return made;
  }();
  return table[word >> (16 * index) & 0xffffu];
}
template <> inline float half_of<__nv_bfloat16>(unsigned word, unsigned index) {
  return __bfloat162float({static_cast<unsigned short>(word >> (16 * index))});
}

template <typename Element>
void multiply_halves(float (&acc)[4], const unsigned (&a)[4], const unsigned (&b)[2], int line) {
  const Lanes &lanes = exchange({a[0], a[1], a[2], a[3], b[0], b[1]}, "mma.m16n8k16", line);
  const unsigned group = lane_of_thread() / 4, member = lane_of_thread() % 4;
  for (unsigned i = 0; i < 4; i++) {
    const unsigned lower = i / 2, column = 2 * member + i % 2;
    float sum = 0;
    for (unsigned k = 0; k < 16; k++) {
      const unsigned by = k % 8 / 2;
      const unsigned a_word = lanes.words[4 * group + by][lower + 2 * (k / 8)];
      const unsigned b_word = lanes.words[4 * column + by][4 + k / 8];
      sum += half_of<Element>(a_word, k % 2) * half_of<Element>(b_word, k % 2);
    }
    acc[i] += sum;
  }
}

/** The copies of the oldest group happen now: as late as they may. */
inline void finish_oldest(std::deque<Copies> &groups) {
  const Copies &group = groups.front();
  for (unsigned i = 0; i < group.count; i++) {
    const Copies::Copy &copy = group.copies[i];
    if (copy.zeros != 0) std::memset(copy.to, 0, copy.zeros);
    else std::memcpy(copy.to, copy.from, copy.bytes);
  }
  groups.pop_front();
}

} // namespace cuda_emulation

inline unsigned __float_as_uint(float value) {
  unsigned word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

#define __syncwarp() cuda_emulation::exchange({0, 0, 0, 0, 0, 0}, "__syncwarp", __LINE__)

/** cp.async: until it is waited for, what is copied to holds something else. */
template <unsigned BYTES> void copy_async(void *to, const void *from, bool there) {
  auto &groups = cuda_emulation::copies_of_thread();
  if (groups.empty() || groups.back().closed) groups.emplace_back();
  auto &open = groups.back();
  if (reinterpret_cast<uintptr_t>(to) % BYTES != 0 || reinterpret_cast<uintptr_t>(from) % BYTES != 0) __builtin_trap();
  // What is read here, though it is copied later, has to be there now.
  static_cast<void>(*static_cast<const volatile unsigned char *>(from));
  auto *bytes = static_cast<unsigned char *>(to);
  std::memset(bytes, 0x7b, BYTES);
  cuda_emulation::forget(bytes, BYTES);
  open.copies[open.count++] = {bytes, static_cast<const unsigned char *>(from), BYTES, there ? 0 : BYTES};
}

/** The same: where a cache has it is nothing that a program can see. */
template <unsigned BYTES> void copy_async_kept(void *to, const void *from, bool there) { copy_async<BYTES>(to, from, there); }

/** cp.async.commit_group */
inline void commit_copies() {
  auto &groups = cuda_emulation::copies_of_thread();
  if (groups.empty() || groups.back().closed) groups.emplace_back();
  groups.back().closed = true;
}

/** cp.async.wait_group: all but the last COUNT groups that were closed. */
template <unsigned COUNT> void wait_for_copies() {
  auto &groups = cuda_emulation::copies_of_thread();
  const auto open = [&groups] { return !groups.empty() && !groups.back().closed ? 1u : 0u; };
  while (groups.size() > COUNT + open()) cuda_emulation::finish_oldest(groups);
}

/** ldmatrix.sync.aligned.m8n8.x4.shared.b16; a row is 16 bytes. */
inline void load_matrices(unsigned (&to)[4], const void *row, int line = __builtin_LINE()) {
  unsigned words[6] = {};
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) __builtin_trap();
  std::memcpy(words, row, 16);
  const auto &lanes = cuda_emulation::exchange(words, "ldmatrix", line);
  const unsigned lane = cuda_emulation::lane_of_thread();
  for (unsigned i = 0; i < 4; i++) to[i] = lanes.words[8 * i + lane / 4][lane % 4];
}

/** ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 */
inline void load_matrices_transposed(
    unsigned (&left)[2], unsigned (&right)[2], const void *row, int line = __builtin_LINE()) {
  unsigned words[6] = {};
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) __builtin_trap();
  std::memcpy(words, row, 16);
  const auto &lanes = cuda_emulation::exchange(words, "ldmatrix.trans", line);
  const unsigned group = cuda_emulation::lane_of_thread() / 4, member = cuda_emulation::lane_of_thread() % 4;
  for (unsigned i = 0; i < 4; i++) {
    unsigned word = 0;
    for (unsigned half = 0; half < 2; half++)
      word |= (lanes.words[8 * i + 2 * member + half][group / 2] >> (16 * (group % 2)) & 0xffffu) << (16 * half);
    // Not `(i < 2 ? left : right)[i % 2]`, of which g++ 12 loses the half with -fsanitize=shift.
    if (i < 2) left[i] = word;
    else right[i - 2] = word;
  }
}

inline void multiply_f16(
    float (&acc)[4], const unsigned (&a)[4], const unsigned (&b)[2], int line = __builtin_LINE()) {
  cuda_emulation::multiply_halves<__half>(acc, a, b, line);
}

inline void multiply_bf16(
    float (&acc)[4], const unsigned (&a)[4], const unsigned (&b)[2], int line = __builtin_LINE()) {
  cuda_emulation::multiply_halves<__nv_bfloat16>(acc, a, b, line);
}

/** Operands as a tensor core reads them: without the 13 bits that tf32 lacks. */
inline void multiply_tf32(
    float (&acc)[4], const unsigned (&a)[4], const unsigned (&b)[2], int line = __builtin_LINE()) {
  const auto &lanes = cuda_emulation::exchange({a[0], a[1], a[2], a[3], b[0], b[1]}, "mma.m16n8k8", line);
  const unsigned group = cuda_emulation::lane_of_thread() / 4, member = cuda_emulation::lane_of_thread() % 4;
  const auto read = [](unsigned word) { return cuda_emulation::float_of(word & 0xffffe000u); };
  for (unsigned i = 0; i < 4; i++) {
    const unsigned lower = i / 2, column = 2 * member + i % 2;
    float sum = 0;
    for (unsigned k = 0; k < 8; k++)
      sum += read(lanes.words[4 * group + k % 4][lower + 2 * (k / 4)]) * read(lanes.words[4 * column + k % 4][4 + k / 4]);
    acc[i] += sum;
  }
}

/** cvt.rna.tf32.f32: to nearest, ties away from zero; what is no number stays none. */
inline unsigned round_to_tf32(unsigned word) {
  const bool is_nan = (word & 0x7fffffffu) > 0x7f800000u;
  return is_nan ? 0x7fffffffu : (word + 0x1000u) & 0xffffe000u;
}
