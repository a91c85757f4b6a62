// IEEE half precision on the CPU: storage, and conversions that round to nearest, ties to even.
#pragma once

#include "cuda_runtime.h"

#include <cstring>

struct __half {
  unsigned short bits;
};

struct alignas(4) __half2 {
  __half x, y;
};

inline float __half2float(__half half) {
  const unsigned sign = (half.bits & 0x8000u) << 16, exponent = half.bits >> 10 & 31, fraction = half.bits & 1023;
  if (exponent == 0) {
    const float size = float(fraction) * 0x1p-24f;
    return sign != 0 ? -size : size;
  }
  const unsigned word = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | fraction << 13;
  float value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

inline __half __float2half_rn(float value) {
  unsigned word;
  std::memcpy(&word, &value, sizeof word);
  const unsigned short sign = static_cast<unsigned short>(word >> 16 & 0x8000u);
  const float size = std::fabs(value);
  if (value != value) return {0x7fff};
  if (size >= 65520.0f) return {static_cast<unsigned short>(sign | 0x7c00u)};
  // Below 2^-14 steps are 2^-24: adding 1/2 leaves the multiple of it in the fraction, rounded as it should be.
  if (size < 0x1p-14f) {
    const float shifted = size + 0.5f;
    unsigned steps;
    std::memcpy(&steps, &shifted, sizeof steps);
    return {static_cast<unsigned short>(sign | (steps - 0x3f000000u))};
  }
  const unsigned rounded = (word & 0x7fffffffu) + 0xfffu + (word >> 13 & 1);
  return {static_cast<unsigned short>(sign | ((rounded >> 13) - (112u << 10)))};
}

inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
inline float2 __half22float2(__half2 pair) { return {__half2float(pair.x), __half2float(pair.y)}; }
