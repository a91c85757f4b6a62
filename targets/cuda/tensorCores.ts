import type { Precision } from "../../src/precision.ts";

/**
 * What net.cu says in PTX (PTX ISA 8.x, sections 9.7.9.25.3 cp.async, 9.7.14.5 ldmatrix and mma): targets/cuda/emulation/ptx.h
 * has the same functions for the CPU.
 */
const copies = `// Copies of 8 or 16 bytes that go on while the thread does other things; zeros where there is nothing to copy.
template <unsigned BYTES> __device__ inline void copy_async(void *to, const void *from, bool there) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to)), bytes = there ? BYTES : 0;
  if constexpr (BYTES == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(from), "n"(BYTES), "r"(bytes));
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(from), "n"(BYTES), "r"(bytes));
}

// The same, of what is soon copied again: it stays in L1 on its way.
template <unsigned BYTES> __device__ inline void copy_async_kept(void *to, const void *from, bool there) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to)), bytes = there ? BYTES : 0;
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(from), "n"(BYTES), "r"(bytes));
}

__device__ inline void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

// Until all but the last COUNT committed groups of this thread's copies are done.
template <unsigned COUNT> __device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(COUNT) : "memory");
}`;

const memory = `// As much as the launch asks for.
__device__ inline float4 *shared_memory() {
  extern __shared__ float4 memory[];
  return memory;
}`;

const loads = `// Four matrices of 8 rows of 16 bytes; lane i names row i % 8 of matrix i / 8, and gets 4 bytes of row lane / 4 of each.
__device__ inline void load_matrices(unsigned (&to)[4], const void *row) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address));
}`;

const transposedLoads = `// The same of halves, but of each matrix two rows of column lane / 4.
__device__ inline void load_matrices_transposed(unsigned (&left)[2], unsigned (&right)[2], const void *row) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(left[0]), "=r"(left[1]), "=r"(right[0]), "=r"(right[1])
               : "r"(address));
}`;

const rounding = `// To the nearest number with 10 bits of fraction: what a tensor core reads of an f32.
__device__ inline unsigned round_to_tf32(unsigned bits) {
  unsigned rounded;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
  return rounded;
}`;

const swizzle = `// A number in rows of shared memory. From row to row its 16 bytes change places with others of the row: those of one column
// and eight rows, which ldmatrix reads at once, are in all 32 banks.
template <typename Element, unsigned LENGTH>
__device__ inline Element *swizzled(Element (*rows)[LENGTH], unsigned row, unsigned column) {
  constexpr unsigned together = 16 / sizeof(Element);
  const unsigned turn = LENGTH == 4 * together ? row / 2 % 4 : row % 8;
  return &rows[row][column ^ (turn * together)];
}`;

function multiply(precision: Precision, depth: number, type: string): string {
  return `// acc += a b for 16 pixels, 8 channels and ${depth} terms, with sums in f32.
__device__ inline void multiply_${precision}(float (&acc)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm("mma.sync.aligned.m16n8k${depth}.row.col.f32.${type}.${type}.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(acc[0]), "+f"(acc[1]), "+f"(acc[2]), "+f"(acc[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}`;
}

const texts: Readonly<Record<Exclude<Precision, "f32">, readonly string[]>> = {
  tf32: [memory, copies, loads, rounding, multiply("tf32", 8, "tf32")],
  f16: [memory, copies, loads, transposedLoads, multiply("f16", 16, "f16")],
  bf16: [memory, copies, loads, transposedLoads, multiply("bf16", 16, "bf16")],
};

/** The section of net.cu for products in these precisions; empty where no kernel uses tensor cores. */
export function tensorCoreSection(...precisions: readonly Precision[]): string {
  const used = new Set(precisions.flatMap((precision) => (precision === "f32" ? [] : texts[precision])));
  if (used.size === 0) return "";
  return [
    `// ${"-".repeat(117)}`,
    "// Tensor cores, which C++ has no words for",
    "",
    "#if defined(__CUDACC__)",
    "#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800",
    '#error "these kernels need sm_80 or newer"',
    "#endif",
    "",
    [...used].join("\n\n"),
    "#endif",
    "",
    swizzle,
    "",
    "",
  ].join("\n");
}

/** What net.cu includes beside cuda_runtime.h. */
export function tensorCoreIncludes(...precisions: readonly Precision[]): string {
  if (precisions.every((precision) => precision === "f32")) return "";
  const own = precisions.map((precision) => includes[precision]);
  return `${own.join("")}#if !defined(__CUDACC__)\n#include "ptx.h" // where sec runs this file on the CPU\n#endif\n`;
}

const includes: Readonly<Record<Precision, string>> = {
  f32: "",
  tf32: "",
  f16: "#include <cuda_fp16.h>\n",
  bf16: "#include <cuda_bf16.h>\n",
};
