import { lowerCaseSet } from "../names.ts";

/** Words that no generated identifier may be. */

const words = (text: string) => text.trim().split(/\s+/);

const keywords = words(`
  alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
  co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
  double dynamic_cast else enum explicit export extern false float for friend goto if import inline int long module
  mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast
  requires restrict return short signed sizeof static static_assert static_cast struct switch template this thread_local
  throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
`);

/** Of the headers that net.cu, net.h, main.cu and net_torch.cpp include, and of net.cu itself. */
const taken = words(`
  abs acos asin atan ceil clock cos count div double1 double2 double3 double4 erf exit exp fabs float1 float2 float3
  float4 floor fmax fmin fmod free gamma index int1 int2 int3 int4 j0 j1 jn labs lgamma log log10 log2 main malloc max min
  NULL pow printf puts rand read remainder remove rename round select signal sin size_t sqrt stderr stdin stdout strlen
  system tan tanh time trunc uchar4 uint1 uint2 uint3 uint4 unix linux write y0 y1 yn
  dim3 threadIdx blockIdx blockDim gridDim warpSize half half2 std
  aligned all batch branch BRANCHES check check_header clamp1 component dot4 enqueue bfloat4 copy_async commit_copies create destroy enqueue_launches fork is_for join NO_BRANCH start_branch streams half4 load_matrices load_matrices_transposed memory multiply_bf16
  multiply_f16 multiply_tf32 narrow OVERLAPPED round_to_tf32 wait_for_copies widen error fail FINGERPRINT is_aligned launch LAUNCHES let_next_begin
  larger little_endian net place queue RESTRICTED sign slot SLOTS splat smaller start status status_of stream tensors value values wait_for_launches weights workspace
  arrived BRANCH_SUMS counter_bytes end_slice gather_sums is_apart is_last_to_arrive leave_sums place_slices slice_bytes slice_sum_bytes slice_sums SplitLaunch SPLITS
  start_split zero_counters
  at c10 torch
`);

export const cudaWords: ReadonlySet<string> = lowerCaseSet([...keywords, ...taken]);
