// Runs the threads of a block as fibers on one thread of the CPU, so that they meet at barriers.
//
// - Between two barriers each thread runs as far as it can before the next one starts, in ascending or in descending
//   order: a missing barrier shows as a difference between the two, or from the reference.
// - At a barrier all threads must wait on the same line; one that has returned, or waits elsewhere, ends the program. The
//   same holds for the lanes of a warp where they do something together (ptx.h).
// - Shared memory is filled with a large finite number at the start of each block, global memory with NaN when it is
//   allocated; allocations have exactly the size that was asked for, so that an address sanitizer sees the end.
#include "cuda_runtime.h"

#include "ptx.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(EMULATION_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

extern "C" {
extern unsigned char __start_cuda_shared[] __attribute__((weak));
extern unsigned char __stop_cuda_shared[] __attribute__((weak));
}

namespace cuda_emulation {

Order order = ascending;
int devices = 1, current_device = 0;
bool kernels_fit = true;
int allocations_left = -1;
uint3 thread_index, block_index;

namespace {

// ---------------------------------------------------------------------------------------------------------------------
// Fibers

constexpr size_t STACK_BYTES = 256 * 1024;
constexpr unsigned MOST_THREADS = 1024;

[[noreturn]] void fail(const char *what) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", what);
  std::fflush(stderr);
  std::_Exit(3);
}

struct Fiber {
  void *stack_pointer = nullptr;
  unsigned char *stack = nullptr;
  uint3 index = {0, 0, 0};
  bool finished = true;
  /** The line of the barrier at which it waits; 0: it runs. */
  int line = 0;
  /** What it does with the other lanes of its warp, and on which line, while it waits for them; null: nothing. */
  const char *together = nullptr;
  int together_line = 0;
  /** How often it has given something to the others. */
  unsigned exchanges = 0;
  std::deque<Copies> copies;
  void *tsan = nullptr;
};

Fiber fibers[MOST_THREADS];
// The last two that each warp exchanged: a lane may be one exchange ahead of the others.
Lanes given[MOST_THREADS / WARP][2];
Fiber scheduler;
Fiber *running = &scheduler;
const std::function<void()> *kernel = nullptr;
#if defined(EMULATION_TSAN)
// Where threads leave what they did for the others to see, at every second barrier each.
char tokens[2], start_token, end_token;
unsigned parity = 0;
#endif

#if defined(__x86_64__)
// void switch_stacks(void **from, void *to): the registers that a call preserves go to the one stack and come from the other.
asm(R"(
.text
.type cuda_emulation_switch, @function
cuda_emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_emulation_switch, .-cuda_emulation_switch
)");
extern "C" void cuda_emulation_switch(void **from, void *to) __asm__("cuda_emulation_switch");
void switch_stacks(Fiber &from, Fiber &to) { cuda_emulation_switch(&from.stack_pointer, to.stack_pointer); }

void prepare(Fiber &fiber, void (*entry)()) {
  void **top = reinterpret_cast<void **>(fiber.stack + STACK_BYTES);
  *--top = nullptr; // what entry would return to, and the alignment that it expects
  *--top = reinterpret_cast<void *>(entry);
  for (int i = 0; i < 6; i++) *--top = nullptr;
  fiber.stack_pointer = top;
}
#else
// Slower by twenty times, and everywhere.
#include <ucontext.h>
ucontext_t *context_of(Fiber &fiber) {
  if (fiber.stack_pointer == nullptr) fiber.stack_pointer = new ucontext_t;
  return static_cast<ucontext_t *>(fiber.stack_pointer);
}
void switch_stacks(Fiber &from, Fiber &to) { swapcontext(context_of(from), context_of(to)); }

void prepare(Fiber &fiber, void (*entry)()) {
  ucontext_t *context = context_of(fiber);
  getcontext(context);
  context->uc_stack.ss_sp = fiber.stack;
  context->uc_stack.ss_size = STACK_BYTES;
  context->uc_link = nullptr;
  makecontext(context, entry, 0);
}
#endif

#if defined(__SANITIZE_ADDRESS__)
const void *scheduler_stack;
size_t scheduler_bytes;
#endif

void switch_to(Fiber &to) {
  Fiber &from = *running;
  running = &to;
#if defined(__SANITIZE_ADDRESS__)
  void *fake;
  const bool back = &to == &scheduler;
  __sanitizer_start_switch_fiber(&fake, back ? scheduler_stack : to.stack, back ? scheduler_bytes : STACK_BYTES);
#endif
#if defined(EMULATION_TSAN)
  __tsan_switch_to_fiber(to.tsan, 1);
#endif
  switch_stacks(from, to);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_bytes);
#endif
  for (;;) {
#if defined(EMULATION_TSAN)
    __tsan_acquire(&start_token);
#endif
    (*kernel)();
    if (!running->copies.empty()) fail("a thread returned with asynchronous copies under way");
    running->finished = true;
#if defined(EMULATION_TSAN)
    __tsan_release(&end_token);
#endif
    switch_to(scheduler);
  }
}

void make(Fiber &fiber) {
  if (fiber.stack != nullptr) return;
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  void *memory = mmap(nullptr, STACK_BYTES + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0) fail("there is no memory for a fiber");
  fiber.stack = static_cast<unsigned char *>(memory) + page;
#if defined(EMULATION_TSAN)
  fiber.tsan = __tsan_create_fiber(0);
#endif
  prepare(fiber, fiber_main);
}

// ---------------------------------------------------------------------------------------------------------------------
// Blocks

__attribute__((no_sanitize_address, no_sanitize_undefined)) void poison_shared() {
  const float poison = 1.0e38f;
  unsigned word;
  std::memcpy(&word, &poison, sizeof word);
  if (__start_cuda_shared == nullptr) return;
  volatile unsigned *at = reinterpret_cast<volatile unsigned *>(__start_cuda_shared);
  volatile unsigned *end = reinterpret_cast<volatile unsigned *>(__stop_cuda_shared);
  for (; at < end; at++) *at = word;
}

/** Threads in the order of the schedule. */
unsigned turn(unsigned index, unsigned count) { return order == ascending ? index : count - 1 - index; }

void check_barrier(unsigned threads) {
  unsigned waiting = 0;
  for (unsigned i = 0; i < threads; i++) waiting += fibers[i].finished ? 0 : 1;
  if (waiting == 0) return;
  char text[256];
  for (unsigned i = 0; i < threads; i++) {
    if (!fibers[i].finished && waiting == threads && fibers[i].line == fibers[0].line) continue;
    unsigned other = 0;
    while (fibers[other].finished) other++;
    if (fibers[i].finished)
      std::snprintf(text, sizeof text, "thread %u returned, but thread %u waits at the barrier of line %d", i, other,
          fibers[other].line);
    else if (fibers[i].line != fibers[other].line)
      std::snprintf(text, sizeof text, "thread %u waits at the barrier of line %d, but thread %u at that of line %d", i,
          fibers[i].line, other, fibers[other].line);
    else
      continue;
    fail(text);
  }
}

/** All lanes do the same, on the same line. */
void check_warp(unsigned first, unsigned lanes) {
  char text[256];
  const Fiber *other = nullptr;
  for (unsigned i = first; i < first + lanes; i++)
    if (fibers[i].together != nullptr) other = &fibers[i];
  for (unsigned i = first; i < first + lanes; i++) {
    const Fiber &fiber = fibers[i];
    if (fiber.together != nullptr && fiber.together_line == other->together_line &&
        std::strcmp(fiber.together, other->together) == 0)
      continue;
    std::snprintf(text, sizeof text, "thread %u is not with its warp, which does %s in line %d", i, other->together,
        other->together_line);
    fail(text);
  }
}

/** The lanes of one warp, until each has returned or waits for the block. */
void run_warp(unsigned first, unsigned lanes) {
  for (;;) {
    bool together = false;
    for (unsigned i = 0; i < lanes; i++) {
      Fiber &fiber = fibers[first + turn(i, lanes)];
      if (fiber.finished || fiber.line != 0) continue;
      thread_index = fiber.index;
      switch_to(fiber);
      together |= fiber.together != nullptr;
    }
    if (!together) return;
    check_warp(first, lanes);
    for (unsigned i = first; i < first + lanes; i++) fibers[i].together = nullptr;
  }
}

void run_block(dim3 block) {
  const unsigned threads = block.x * block.y * block.z;
  poison_shared();
  for (unsigned i = 0; i < threads; i++) {
    make(fibers[i]);
    fibers[i].index = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    fibers[i].finished = false;
    fibers[i].exchanges = 0;
  }
#if defined(EMULATION_TSAN)
  // Blocks count as ordered, because their shared arrays are the same memory here.
  __tsan_release(&start_token);
#endif
  for (bool waiting = true; waiting;) {
    waiting = false;
    for (unsigned i = 0; i < threads; i++) fibers[i].line = 0;
    const unsigned warps = (threads + WARP - 1) / WARP;
    for (unsigned i = 0; i < warps; i++) {
      const unsigned first = turn(i, warps) * WARP;
      run_warp(first, threads - first < WARP ? threads - first : WARP);
    }
    for (unsigned i = 0; i < threads; i++) waiting |= !fibers[i].finished;
    check_barrier(threads);
#if defined(EMULATION_TSAN)
    parity ^= 1;
#endif
  }
#if defined(EMULATION_TSAN)
  __tsan_acquire(&end_token);
#endif
}

std::mutex one_grid_at_a_time;

void run_grid(dim3 grid, dim3 block, const std::function<void()> &body) {
  const std::lock_guard<std::mutex> lock(one_grid_at_a_time);
  kernel = &body;
#if defined(EMULATION_TSAN)
  scheduler.tsan = __tsan_get_current_fiber();
#endif
  const unsigned blocks = grid.x * grid.y * grid.z;
  for (unsigned i = 0; i < blocks; i++) {
    const unsigned at = turn(i, blocks);
    block_index = {at % grid.x, at / grid.x % grid.y, at / grid.x / grid.y};
    run_block(block);
  }
}

} // namespace

void barrier(int line) {
  Fiber &self = *running;
  self.line = line;
#if defined(EMULATION_TSAN)
  char *token = &tokens[parity];
  __tsan_release(token);
#endif
  switch_to(scheduler);
#if defined(EMULATION_TSAN)
  __tsan_acquire(token);
#endif
}

const Lanes &exchange(const unsigned (&words)[6], const char *what, int line) {
  Fiber &self = *running;
  const unsigned thread = unsigned(&self - fibers);
  Lanes &lanes = given[thread / WARP][self.exchanges++ % 2];
  std::memcpy(lanes.words[thread % WARP], words, sizeof words);
  self.together = what;
  self.together_line = line;
  switch_to(scheduler);
  return lanes;
}

std::deque<Copies> &copies_of_thread() { return running->copies; }

unsigned lane_of_thread() { return unsigned(running - fibers) % WARP; }

} // namespace cuda_emulation

// ---------------------------------------------------------------------------------------------------------------------
// The host's functions. Streams have no work of their own: what is enqueued runs at once, or goes into a graph.

using Work = std::function<void()>;

struct CUgraph_st {
  std::vector<Work> work;
};

struct CUgraphExec_st {
  std::vector<Work> work;
};

struct CUstream_st {
  CUgraph_st *capture = nullptr;
};

struct CUevent_st {
  std::chrono::steady_clock::time_point at;
};

namespace {

cudaError_t last_error = cudaSuccess;

cudaError_t noted(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

cudaError_t enqueue(cudaStream_t stream, Work work) {
  if (stream != nullptr && stream->capture != nullptr) stream->capture->work.push_back(std::move(work));
  else work();
  return cudaSuccess;
}

} // namespace

cudaError_t cuda_emulation::launch(const cudaLaunchConfig_t &config, std::function<void()> kernel) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  const unsigned threads = block.x * block.y * block.z;
  if (threads == 0 || threads > MOST_THREADS || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 ||
      grid.z > 65535)
    return noted(cudaErrorInvalidConfiguration);
  if (devices == 0) return noted(cudaErrorNoDevice);
  return enqueue(config.stream, [grid, block, kernel] { run_grid(grid, block, kernel); });
}

const char *cudaGetErrorString(cudaError_t error) { return error == cudaSuccess ? "no error" : "an error"; }

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaGetDevice(int *device) {
  *device = cuda_emulation::current_device;
  return cuda_emulation::devices > 0 ? cudaSuccess : noted(cudaErrorNoDevice);
}

cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaMalloc(void **pointer, size_t bytes) {
  *pointer = nullptr;
  if (cuda_emulation::allocations_left == 0) return noted(cudaErrorMemoryAllocation);
  if (cuda_emulation::allocations_left > 0) cuda_emulation::allocations_left--;
  if (bytes == 0) return cudaSuccess;
  if (posix_memalign(pointer, 256, bytes) != 0) return noted(cudaErrorMemoryAllocation);
  std::memset(*pointer, 0xff, bytes); // NaN in every float
  return cudaSuccess;
}

cudaError_t cudaFree(void *pointer) {
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  return enqueue(stream, [to, from, bytes] { std::memcpy(to, from, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  *stream = new CUstream_st;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || stream->capture != nullptr) return noted(cudaErrorInvalidValue);
  stream->capture = new CUgraph_st;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  *graph = stream->capture;
  stream->capture = nullptr;
  return *graph == nullptr ? noted(cudaErrorInvalidValue) : cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const Work &work : executable->work) enqueue(stream, work);
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event->at = std::chrono::steady_clock::now();
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t before, cudaEvent_t after) {
  *milliseconds = std::chrono::duration<float, std::milli>(after->at - before->at).count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
