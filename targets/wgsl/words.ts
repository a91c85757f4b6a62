import { lowerCaseSet } from "../names.ts";

/** Words that no generated identifier may be. */

const words = (text: string) => text.trim().split(/\s+/);

/** https://www.w3.org/TR/WGSL/#keyword-summary and #reserved-words */
const reserved = words(`
  alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let
  loop override requires return struct switch true var while
  NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become cast catch class
  co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast consteval
  constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit export extends
  extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl implements import
  inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut mutable namespace new
  nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of operator package
  packoffset partition pass patch pixelfragment precise precision premerge priv protected pub public readonly ref
  regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static
  static_assert static_cast std subroutine super target template this thread_local throw trait try type typedef typeid
  typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield
`);

/** Predeclared names: legal to redeclare, but then the kernel could not use them. */
const predeclared = words(`
  array atomic bool f16 f32 i32 u32 mat2x2 mat2x3 mat2x4 mat3x2 mat3x3 mat3x4 mat4x2 mat4x3 mat4x4 mat2x2f mat2x3f
  mat2x4f mat3x2f mat3x3f mat3x4f mat4x2f mat4x3f mat4x4f ptr sampler sampler_comparison texture_1d texture_2d
  texture_2d_array texture_3d texture_cube texture_cube_array texture_multisampled_2d texture_depth_2d
  texture_external vec2 vec3 vec4 vec2f vec3f vec4f vec2h vec3h vec4h vec2i vec3i vec4i vec2u vec3u vec4u
  read write read_write function private workgroup uniform storage handle
  abs acos acosh all any arrayLength asin asinh atan atan2 atanh bitcast ceil clamp cos cosh countLeadingZeros
  countOneBits countTrailingZeros cross degrees determinant distance dot dot4I8Packed dot4U8Packed dpdx dpdy exp exp2
  extractBits faceForward firstLeadingBit firstTrailingBit floor fma fract frexp fwidth insertBits inverseSqrt ldexp
  length log log2 max min mix modf normalize pow pack4x8snorm pack4x8unorm quantizeToF16 radians reflect refract
  reverseBits round saturate select sign sin sinh smoothstep sqrt step storageBarrier subgroupAdd subgroupBallot
  subgroupBroadcast subgroupShuffle tan tanh textureBarrier transpose trunc unpack4x8snorm unpack4x8unorm
  workgroupBarrier workgroupUniformLoad workgroup_id local_invocation_index local_invocation_id global_invocation_id
  num_workgroups
`);

export const wgslWords: ReadonlySet<string> = lowerCaseSet([...reserved, ...predeclared]);
