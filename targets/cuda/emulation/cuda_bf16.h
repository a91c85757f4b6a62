// bfloat16 on the CPU: the upper half of an f32, rounded to nearest, ties to even.
#pragma once

#include "cuda_runtime.h"

#include <cstring>

struct __nv_bfloat16 {
  unsigned short bits;
};

struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};

inline float __bfloat162float(__nv_bfloat16 value) {
  const unsigned word = unsigned(value.bits) << 16;
  float result;
  std::memcpy(&result, &word, sizeof result);
  return result;
}

inline __nv_bfloat16 __float2bfloat16_rn(float value) {
  unsigned word;
  std::memcpy(&word, &value, sizeof word);
  if (value != value) return {0x7fff};
  return {static_cast<unsigned short>((word + 0x7fffu + (word >> 16 & 1)) >> 16)};
}

inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}
inline float2 __bfloat1622float2(__nv_bfloat162 pair) { return {__bfloat162float(pair.x), __bfloat162float(pair.y)}; }
