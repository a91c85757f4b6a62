// The part of CUDA that generated code uses, on the CPU: g++ compiles net.cu against this header instead of CUDA's, and
// runtime.cpp runs the threads of a block as fibers. What a GPU would leave to chance is an error here, or is done in the
// least favourable way: see runtime.cpp.
#pragma once

#define CUDART_VERSION 13000

#include <cmath>
#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
// One array for all threads, as blocks run one after the other; the section is how the runtime finds it.
#define __shared__ static __attribute__((section("cuda_shared")))
#define __syncthreads() cuda_emulation::barrier(__LINE__)
#define threadIdx (cuda_emulation::thread_index)
#define blockIdx (cuda_emulation::block_index)
#define __syncthreads_or(vote) cuda_emulation::barrier_or(vote, __LINE__)
#define __threadfence() cuda_emulation::fence()

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

/** Of the grid that runs. No macro, as a field of a launch's configuration is called the same. */
extern dim3 gridDim;

struct alignas(8) int2 {
  int x, y;
};

struct alignas(8) uint2 {
  unsigned x, y;
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};

struct alignas(4) uchar4 {
  unsigned char x, y, z, w;
};

struct alignas(8) float2 {
  float x, y;
};

struct alignas(16) float4 {
  float x, y, z, w;
};

inline int2 make_int2(int x, int y) { return {x, y}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline float4 __ldcg(const float4 *from) { return *from; }

// ---------------------------------------------------------------------------------------------------------------------
// The host's functions, with CUDA's numbers for what can go wrong

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorUnsupportedPtxVersion = 222,
};

enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;

using cudaStream_t = struct CUstream_st *;
using cudaEvent_t = struct CUevent_st *;
using cudaGraph_t = struct CUgraph_st *;
using cudaGraphExec_t = struct CUgraphExec_st *;

enum cudaLaunchAttributeID { cudaLaunchAttributeProgrammaticStreamSerialization = 6 };

union cudaLaunchAttributeValue {
  int programmaticStreamSerializationAllowed;
};

struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  cudaLaunchAttributeValue val;
};

struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute *attrs;
  unsigned numAttrs;
};

enum cudaDeviceAttr {
  cudaDevAttrClockRate = 13,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMemoryClockRate = 36,
  cudaDevAttrGlobalMemoryBusWidth = 37,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

struct cudaFuncAttributes {
  int maxThreadsPerBlock;
  int ptxVersion;
};

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDevice(int *device);

struct cudaDeviceProp {
  char name[256];
  int major, minor;
};
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaMalloc(void **pointer, size_t bytes);
cudaError_t cudaFree(void *pointer);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t before, cudaEvent_t after);
cudaError_t cudaEventDestroy(cudaEvent_t event);

namespace cuda_emulation {

/**
 * In which order the threads of a block run between two barriers, and blocks. A graph's branches start as early as they
 * may, if it is ascending, else as late.
 */
enum Order { ascending, descending };
extern Order order;

/** For tests of what can go wrong. */
extern int devices, current_device;
extern bool kernels_fit;
/** Calls that allocate something or launch a kernel, and succeed before one fails; negative: all do. */
extern int calls_left;
/** What kernels count as compiled for, as 90 for sm_90, and what the driver knows. */
extern int architecture, driver_version;
/** Launches so far, and those of them that might begin before the one before them had ended. */
extern unsigned launches, overlapping_launches;
/** Pairs of launches which some graph may run at the same time, though one writes memory of the other. */
extern unsigned conflicts;

/** Of the thread that is running. */
extern uint3 thread_index, block_index;

/** Of the block that is running: as much as its launch asked for. */
extern unsigned char *launched_memory;
/** What a launch may ask for, as it is, and what its kernel may be allowed. */
extern size_t unasked_bytes, asked_bytes;

/**
 * For a memory sanitizer, without which they do nothing: nobody knows what is there; it is known; and was anything stored
 * there that depends on what nobody knows? All bits of what was not stored are set.
 */
void forget(void *at, size_t bytes);
void reveal(void *at, size_t bytes);
void check_stored(const void *at, size_t bytes);

void barrier(int line);
bool barrier_or(bool vote, int line);
void fence();
unsigned add(unsigned *to, unsigned value);
void wait_for_launches();

/** What a kernel is given a pointer to. */
struct Argument {
  const void *pointer;
  bool is_written;
};

using Function = void (*)();

cudaError_t launch(const cudaLaunchConfig_t &config, Function function, std::function<void()> kernel,
    const std::vector<Argument> &arguments);
/** Fails beyond the most that there is. */
cudaError_t allow_shared_memory(Function function, int bytes);

} // namespace cuda_emulation

/** What net.cu calls memory that nvcc knows as an `extern __shared__` array. */
inline float4 *shared_memory() { return reinterpret_cast<float4 *>(cuda_emulation::launched_memory); }

/** Other blocks may run between this and whatever the thread does next. */
inline unsigned atomicAdd(unsigned *to, unsigned value) { return cuda_emulation::add(to, value); }

inline void cudaTriggerProgrammaticLaunchCompletion() {}
inline void cudaGridDependencySynchronize() { cuda_emulation::wait_for_launches(); }

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(
    const cudaLaunchConfig_t *config, void (*kernel)(Parameters...), Arguments &&...arguments) {
  const std::tuple<Parameters...> copied(static_cast<Parameters>(arguments)...);
  std::vector<cuda_emulation::Argument> pointers;
  const auto add = [&pointers](auto each) {
    using Type = decltype(each);
    if constexpr (std::is_pointer_v<Type>) pointers.push_back({each, !std::is_const_v<std::remove_pointer_t<Type>>});
  };
  std::apply([&add](auto... each) { (add(each), ...); }, copied);
  const auto function = reinterpret_cast<cuda_emulation::Function>(kernel);
  return cuda_emulation::launch(*config, function, [kernel, copied] { std::apply(kernel, copied); }, pointers);
}

template <typename Kernel> cudaError_t cudaFuncSetAttribute(Kernel *kernel, cudaFuncAttribute, int value) {
  return cuda_emulation::allow_shared_memory(reinterpret_cast<cuda_emulation::Function>(kernel), value);
}

template <typename Kernel> cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, Kernel *) {
  attributes->maxThreadsPerBlock = 1024;
  attributes->ptxVersion = cuda_emulation::architecture;
  return cuda_emulation::kernels_fit ? cudaSuccess : cudaErrorNoKernelImageForDevice;
}
