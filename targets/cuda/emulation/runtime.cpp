// Runs the threads of a block as fibers on one thread of the CPU, so that they meet at barriers.
//
// - Between two barriers each thread runs as far as it can before the next one starts, in ascending or in descending
//   order: a missing barrier shows as a difference between the two, or from the reference.
// - At a barrier all threads must wait on the same line; one that has returned, or waits elsewhere, ends the program. The
//   same holds for the lanes of a warp where they do something together (ptx.h).
// - Blocks run one after the other, in the same orders. But the first one stands still where one of its threads has added to
//   a counter, until all others are done: what it should have left for them before is missing if it has not.
// - Shared memory is filled with a large finite number at the start of each block, global memory with NaN when it is
//   allocated, and a memory sanitizer is told that nobody knows what is there; allocations have exactly the size that was
//   asked for, so that an address sanitizer sees the end. Without one NaN follows up to the end of the page, and then a page
//   that nobody may touch. Shared memory that a launch asks for has its exact size, too; it is refused above 48 KiB if
//   its kernel has not been allowed to have more.
// - A launch that may begin before those before it have ended finds them as late as can be: until all threads of a block
//   wait for them, no buffer of the kernel can be touched, but for what the host copied there, which can be read. Of a
//   large grid some blocks are watched.
#include "cuda_runtime.h"

#include "ptx.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <vector>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(EMULATION_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(EMULATION_MSAN)
#include <sanitizer/msan_interface.h>

// Containers are partly code that is not compiled for the sanitizer: what it writes into their nodes is known all the same.
void *operator new(size_t bytes) {
  void *const made = std::calloc(1, bytes);
  if (made == nullptr) throw std::bad_alloc();
  return made;
}
void operator delete(void *at) noexcept { std::free(at); }
void operator delete(void *at, size_t) noexcept { std::free(at); }
#endif

extern "C" {
extern unsigned char __start_cuda_shared[] __attribute__((weak));
extern unsigned char __stop_cuda_shared[] __attribute__((weak));
}

dim3 gridDim;

namespace cuda_emulation {

Order order = ascending;
int devices = 1, current_device = 0;
bool kernels_fit = true;
int calls_left = -1;
int architecture = 90, driver_version = 13000;
unsigned launches = 0, overlapping_launches = 0, conflicts = 0;
uint3 thread_index, block_index;
unsigned char *launched_memory = nullptr;
size_t unasked_bytes = 48 * 1024, asked_bytes = 163 * 1024; // as sm_80

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
  /** Whether it has waited for the launches before this one. */
  bool has_waited = false;
  /** How often it has voted at a barrier. */
  unsigned votes = 0;
  /** It has added to a counter: other blocks may run. */
  bool stands = false;
  std::deque<Copies> copies;
  void *tsan = nullptr;
  /** A fence after the last barrier; the counter to which it has added since its last fence. */
  bool fenced = false;
  unsigned *added = nullptr;
};

struct Vote {
  unsigned number;
  bool any;
};

// Two sets of all that belongs to the threads of a block: that of the first block, and that of the blocks which run while
// it stands still.
Fiber fibers_of[2][MOST_THREADS];
Fiber *fibers = fibers_of[0];
// The last two that each warp exchanged: a lane may be one exchange ahead of the others.
Lanes given_of[2][MOST_THREADS / WARP][2];
Lanes (*given)[2] = given_of[0];
// Likewise of votes.
Vote votes_of[2][2];
Vote *votes = votes_of[0];
Fiber scheduler;
Fiber *running = &scheduler;
const std::function<void()> *kernel = nullptr;
#if defined(EMULATION_TSAN)
// Where threads leave what they did for the others to see, at every second barrier each.
char tokens_of[2][2], *tokens = tokens_of[0], start_token, end_token;
unsigned parity = 0;
// What a thread did up to its last exchange, for the blocks that run while its own stands still: shared arrays are the same
// memory for them, and what it does behind its last product is not in shared memory.
char exchange_token;
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
    if (fibers != fibers_of[0]) __tsan_acquire(&exchange_token);
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
// Device memory

struct Allocation {
  size_t bytes;
  /** It holds what the host copied there, and no launch has to be waited for. */
  bool from_host;
};

// By address, of which all bits are turned around, so that a leak sanitizer does not find it here.
std::map<uintptr_t, Allocation> allocations;
std::mutex allocations_lock;

/** The part of an allocation that a kernel was given. */
struct Buffer {
  unsigned char *begin;
  size_t bytes;
  bool from_host;
};

/** Each allocation once. */
std::vector<Buffer> buffers_of(const std::vector<Argument> &arguments) {
  const std::lock_guard<std::mutex> lock(allocations_lock);
  std::map<uintptr_t, Buffer> found;
  for (const auto &[pointer, is_written] : arguments) {
    const auto at = allocations.lower_bound(~reinterpret_cast<uintptr_t>(pointer));
    if (at == allocations.end() || reinterpret_cast<uintptr_t>(pointer) - ~at->first >= at->second.bytes) continue;
    found[at->first] = {reinterpret_cast<unsigned char *>(~at->first), at->second.bytes, at->second.from_host};
  }
  std::vector<Buffer> buffers;
  for (const auto &[address, buffer] : found) buffers.push_back(buffer);
  return buffers;
}

#if defined(__SANITIZE_ADDRESS__)
void hide(const std::vector<Buffer> &buffers) {
  for (const Buffer &buffer : buffers)
    if (!buffer.from_host) __asan_poison_memory_region(buffer.begin, buffer.bytes);
}

void show(const std::vector<Buffer> &buffers) {
  for (const Buffer &buffer : buffers)
    if (!buffer.from_host) __asan_unpoison_memory_region(buffer.begin, buffer.bytes);
}
#else
size_t pages(size_t bytes) {
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

const std::vector<Buffer> *hidden = nullptr;

void on_fault(int signal, siginfo_t *info, void *) {
  const auto *at = static_cast<const unsigned char *>(info->si_addr);
  const char *what = "touches what is no memory of its launch";
  for (const Buffer &buffer : hidden == nullptr ? std::vector<Buffer>() : *hidden)
    if (at >= buffer.begin && at < buffer.begin + pages(buffer.bytes))
      what = "reads or writes before it waits for the launches before it";
  char text[128];
  std::snprintf(text, sizeof text, "thread %u %s", unsigned(running - fibers), what);
  if (running != &scheduler) fail(text);
  ::signal(signal, SIG_DFL); // no kernel's: it happens again, and ends the program
}

void listen_to_faults() {
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

/** Until `show`, touching one of them ends the program. */
void hide(const std::vector<Buffer> &buffers) {
  hidden = &buffers;
  for (const Buffer &buffer : buffers)
    mprotect(buffer.begin, buffer.bytes, buffer.from_host ? PROT_READ : PROT_NONE);
}

void show(const std::vector<Buffer> &buffers) {
  for (const Buffer &buffer : buffers) mprotect(buffer.begin, buffer.bytes, PROT_READ | PROT_WRITE);
  hidden = nullptr;
}
#endif

// ---------------------------------------------------------------------------------------------------------------------
// Blocks

size_t launched_bytes = 0;

/** Word by word, as sanitizers keep words between the arrays. */
template <typename Change>
__attribute__((no_sanitize_address, no_sanitize_undefined)) void change_words(
    unsigned char *from, const unsigned char *to, Change &change) {
  for (auto *at = reinterpret_cast<volatile unsigned *>(from); at < reinterpret_cast<const unsigned *>(to); at++) {
    unsigned word = *at;
    change(word);
    *at = word;
  }
}

template <typename Change> void change_shared(Change change) {
  if (__start_cuda_shared != nullptr) change_words(__start_cuda_shared, __stop_cuda_shared, change);
  if (launched_memory != nullptr) change_words(launched_memory, launched_memory + launched_bytes, change);
}

void poison_shared() {
  const float poison = 1.0e38f;
  unsigned word;
  std::memcpy(&word, &poison, sizeof word);
  change_shared([word](unsigned &each) { each = word; });
  if (__start_cuda_shared != nullptr) forget(__start_cuda_shared, size_t(__stop_cuda_shared - __start_cuda_shared));
  if (launched_memory != nullptr) forget(launched_memory, launched_bytes);
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

void run_other_blocks();

/** The lanes of one warp, until each has returned or waits for the block. */
void run_warp(unsigned first, unsigned lanes) {
  for (;;) {
    bool together = false;
    for (unsigned i = 0; i < lanes; i++) {
      Fiber &fiber = fibers[first + turn(i, lanes)];
      if (fiber.finished || fiber.line != 0) continue;
      thread_index = fiber.index;
      switch_to(fiber);
      for (; fiber.stands; switch_to(fiber)) {
        fiber.stands = false;
        run_other_blocks();
        thread_index = fiber.index;
      }
      together |= fiber.together != nullptr;
    }
    if (!together) return;
    check_warp(first, lanes);
    for (unsigned i = first; i < first + lanes; i++) fibers[i].together = nullptr;
  }
}

bool overlaps = false;

/** All threads as far as the launches before this one do not matter, while these still run. */
void run_ahead(unsigned threads, const std::vector<Buffer> &buffers, bool watched) {
  if (watched) hide(buffers);
  for (unsigned i = 0; i < threads; i++) {
    Fiber &fiber = fibers[turn(i, threads)];
    thread_index = fiber.index;
    switch_to(fiber);
    if (fiber.has_waited) continue;
    char text[160];
    std::snprintf(text, sizeof text, "thread %u %s before it waits for the launches before it",
        unsigned(&fiber - fibers), fiber.finished ? "returns" : "waits for other threads");
    fail(text);
  }
  if (watched) show(buffers);
}

void run_block(dim3 block, const std::vector<Buffer> &buffers, bool watched) {
  const unsigned threads = block.x * block.y * block.z;
  poison_shared();
  for (unsigned i = 0; i < threads; i++) {
    make(fibers[i]);
    fibers[i].index = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    fibers[i].finished = false;
    fibers[i].exchanges = 0;
    fibers[i].has_waited = false;
    fibers[i].votes = 0;
    fibers[i].fenced = false;
    fibers[i].added = nullptr;
  }
  votes[0] = votes[1] = {};
#if defined(EMULATION_TSAN)
  // Blocks count as ordered, because their shared arrays are the same memory here.
  __tsan_release(&start_token);
#endif
  if (overlaps) run_ahead(threads, buffers, watched);
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

// Of the grid that runs.
dim3 block_extent;
std::vector<Buffer> buffers;
unsigned blocks = 0, started = 0;

// Taking a buffer's pages away takes longer than most blocks do: as many blocks of a grid as this are watched, evenly spread.
constexpr unsigned WATCHED = 4;

void run_next_block() {
  const unsigned at = turn(started++, blocks);
  block_index = {at % gridDim.x, at / gridDim.x % gridDim.y, at / gridDim.x / gridDim.y};
  const bool watched = at % ((blocks + WATCHED - 1) / WATCHED) == 0 || at + 1 == blocks;
  run_block(block_extent, buffers, watched);
}

/** All that have not begun, from the first one's place, with threads of their own; it finds everything as it was. */
void run_other_blocks() {
  if (fibers != fibers_of[0]) return;
  std::vector<unsigned> shared;
  change_shared([&shared](unsigned &each) { shared.push_back(each); });
  const uint3 at = block_index;
  fibers = fibers_of[1];
  given = given_of[1];
  votes = votes_of[1];
#if defined(EMULATION_TSAN)
  const unsigned parity_before = parity;
  tokens = tokens_of[1];
#endif
  while (started < blocks) run_next_block();
#if defined(EMULATION_TSAN)
  parity = parity_before;
  tokens = tokens_of[0];
#endif
  votes = votes_of[0];
  given = given_of[0];
  fibers = fibers_of[0];
  block_index = at;
  change_shared([next = shared.begin()](unsigned &each) mutable { each = *next++; });
}

/** A launch, when its turn has come. */
struct Grid {
  dim3 grid, block;
  size_t shared_bytes;
  bool overlaps;
  std::function<void()> kernel;
  std::vector<Argument> arguments;
};

void run_grid(const Grid &launch) {
  const std::lock_guard<std::mutex> lock(one_grid_at_a_time);
  const dim3 grid = launch.grid;
  kernel = &launch.kernel;
  overlaps = launch.overlaps;
  buffers = buffers_of(launch.arguments);
#if defined(EMULATION_TSAN)
  scheduler.tsan = __tsan_get_current_fiber();
#endif
  gridDim = grid;
  block_extent = launch.block;
  blocks = grid.x * grid.y * grid.z;
  launched_bytes = launch.shared_bytes;
  // Of exactly this size, for the address sanitizer.
  void *memory = nullptr;
  if (launched_bytes > 0 && posix_memalign(&memory, 128, launched_bytes) != 0) fail("there is no shared memory");
  launched_memory = static_cast<unsigned char *>(memory);
  for (started = 0; started < blocks;) run_next_block();
  std::free(launched_memory);
  launched_memory = nullptr;
}

} // namespace

#if defined(EMULATION_MSAN)
void forget(void *at, size_t bytes) { __msan_allocated_memory(at, bytes); }
void reveal(void *at, size_t bytes) { __msan_unpoison(at, bytes); }

void check_stored(const void *at, size_t bytes) {
  const auto *const values = static_cast<const unsigned short *>(at);
  for (size_t i = 0; i < bytes / sizeof *values; i++) {
    if (__msan_test_shadow(&values[i], sizeof *values) < 0) continue;
    unsigned short value = values[i];
    __msan_unpoison(&value, sizeof value);
    if (value == 0xffff) continue;
    std::fprintf(stderr, "what is stored depends on what nobody has written\n");
    __msan_check_mem_is_initialized(&values[i], sizeof value);
  }
}
#else
void forget(void *, size_t) {}
void reveal(void *, size_t) {}
void check_stored(const void *, size_t) {}
#endif

void barrier(int line) {
  Fiber &self = *running;
  self.line = line;
  self.fenced = false;
#if defined(EMULATION_TSAN)
  char *token = &tokens[parity];
  __tsan_release(token);
#endif
  switch_to(scheduler);
#if defined(EMULATION_TSAN)
  __tsan_acquire(token);
#endif
}

void wait_for_launches() {
  Fiber &self = *running;
  if (!overlaps || self.has_waited) return;
  self.has_waited = true;
  switch_to(scheduler);
}

bool barrier_or(bool vote, int line) {
  const unsigned number = ++running->votes;
  Vote &all = votes[number % 2];
  if (all.number != number) all = {number, false};
  all.any |= vote;
  barrier(line);
  return all.any;
}

/** For the thread sanitizer; without it what a thread wrote is there for all. */
void fence() {
  Fiber &self = *running;
  self.fenced = true;
#if defined(EMULATION_TSAN)
  if (self.added != nullptr) __tsan_acquire(self.added);
#endif
  self.added = nullptr;
}

unsigned add(unsigned *to, unsigned value) {
  Fiber &self = *running;
#if defined(EMULATION_TSAN)
  // Only with a fence before it shows what the block has done, only with one behind it what the others had.
  if (self.fenced) __tsan_release(to);
#endif
  self.added = to;
  const unsigned before = *to;
  *to += value;
  self.stands = true;
  switch_to(scheduler);
  return before;
}

const Lanes &exchange(const unsigned (&words)[6], const char *what, int line) {
  Fiber &self = *running;
  const unsigned thread = unsigned(&self - fibers);
#if defined(EMULATION_TSAN)
  if (fibers == fibers_of[0]) __tsan_release(&exchange_token);
#endif
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
// The host's functions. Streams have no work of their own: what is enqueued runs at once, or goes into a graph, which
// runs its nodes one after the other, those of branches as early or as late as they may be.

using Work = std::function<void()>;

struct CUgraph_st {
  struct Node {
    Work work;
    bool is_kernel;
    std::vector<cuda_emulation::Argument> arguments;
    /** Those that have ended when it starts. */
    std::set<unsigned> after;
  };
  std::vector<Node> nodes;
  /** Those that are recorded into it; the first is where that began, and has to end. */
  std::vector<cudaStream_t> streams;
};

struct CUgraphExec_st {
  CUgraph_st graph;
};

struct CUstream_st {
  CUgraph_st *capture = nullptr;
  /** What comes next follows these nodes. */
  std::set<unsigned> last;
};

struct CUevent_st {
  std::chrono::steady_clock::time_point at;
  CUgraph_st *capture = nullptr;
  std::set<unsigned> last;
};

namespace {

cudaError_t last_error = cudaSuccess;

/** By kernel, the bytes of shared memory that it has asked for. */
std::map<cuda_emulation::Function, size_t> asked_for;
std::mutex asked_lock;

bool may_share(cuda_emulation::Function function, size_t bytes) {
  const std::lock_guard<std::mutex> lock(asked_lock);
  const auto asked = asked_for.find(function);
  return bytes <= (asked == asked_for.end() ? cuda_emulation::unasked_bytes : asked->second);
}

cudaError_t noted(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

bool may_succeed() {
  if (cuda_emulation::calls_left == 0) return false;
  if (cuda_emulation::calls_left > 0) cuda_emulation::calls_left--;
  return true;
}

cudaError_t enqueue(cudaStream_t stream, bool is_kernel, bool overlaps, Work work) {
  if (stream == nullptr || stream->capture == nullptr) {
    work();
    return cudaSuccess;
  }
  std::vector<CUgraph_st::Node> &nodes = stream->capture->nodes;
  // Which edges of a graph may be programmatic is told of one kernel after another alone.
  if (overlaps && (stream->last.size() != 1 || !nodes[*stream->last.begin()].is_kernel))
    cuda_emulation::fail("a launch of a graph may overlap, but does not follow one kernel alone");
  nodes.push_back({std::move(work), is_kernel, {}, stream->last});
  stream->last = {unsigned(nodes.size() - 1)};
  return cudaSuccess;
}

bool share_what_one_writes(const CUgraph_st::Node &a, const CUgraph_st::Node &b) {
  for (const cuda_emulation::Argument &one : a.arguments)
    for (const cuda_emulation::Argument &other : b.arguments)
      if (one.pointer != nullptr && one.pointer == other.pointer && (one.is_written || other.is_written)) return true;
  return false;
}

/** Pairs of nodes without an order between them that may not be at work at the same time. */
unsigned conflicts_of(const CUgraph_st &graph) {
  unsigned count = 0;
  std::vector<std::set<unsigned>> before;
  for (const CUgraph_st::Node &node : graph.nodes) {
    std::set<unsigned> all = node.after;
    for (const unsigned each : node.after) all.insert(before[each].begin(), before[each].end());
    for (unsigned i = 0; i < before.size(); i++)
      count += all.count(i) == 0 && share_what_one_writes(graph.nodes[i], node) ? 1 : 0;
    before.push_back(std::move(all));
  }
  return count;
}

/** The nodes of a graph in the order in which they were recorded, or each as late as it may be. */
std::vector<unsigned> sequence(const CUgraph_st &graph) {
  const unsigned count = unsigned(graph.nodes.size());
  std::vector<unsigned> result;
  std::vector<unsigned> followers(count, 0);
  for (const CUgraph_st::Node &node : graph.nodes)
    for (const unsigned each : node.after) followers[each]++;
  if (cuda_emulation::order == cuda_emulation::ascending) {
    for (unsigned i = 0; i < count; i++) result.push_back(i);
    return result;
  }
  // From the end: of those that nothing follows any more, the one that was recorded first.
  std::set<unsigned> free;
  for (unsigned i = 0; i < count; i++)
    if (followers[i] == 0) free.insert(i);
  while (!free.empty()) {
    const unsigned next = *free.begin();
    free.erase(free.begin());
    result.push_back(next);
    for (const unsigned each : graph.nodes[next].after)
      if (--followers[each] == 0) free.insert(each);
  }
  return {result.rbegin(), result.rend()};
}

} // namespace

cudaError_t cuda_emulation::launch(const cudaLaunchConfig_t &config, Function function, std::function<void()> kernel,
    const std::vector<Argument> &arguments) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  const unsigned threads = block.x * block.y * block.z;
  if (threads == 0 || threads > MOST_THREADS || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 ||
      grid.z > 65535)
    return noted(cudaErrorInvalidConfiguration);
  if (devices == 0) return noted(cudaErrorNoDevice);
  if (!may_share(function, config.dynamicSmemBytes)) return noted(cudaErrorInvalidValue);
  bool overlaps = false;
  for (unsigned i = 0; i < config.numAttrs; i++) {
    if (config.attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization) return noted(cudaErrorInvalidValue);
    overlaps = config.attrs[i].val.programmaticStreamSerializationAllowed != 0;
  }
  if (overlaps && architecture < 90) fail("a launch may overlap, but its kernel was compiled as one that does not wait");
  if (!may_succeed()) return noted(cudaErrorMemoryAllocation);
  launches++;
  overlapping_launches += overlaps ? 1 : 0;
  const Grid launch = {grid, block, config.dynamicSmemBytes, overlaps, kernel, arguments};
  const cudaError_t error = ::enqueue(config.stream, true, overlaps, [launch] { run_grid(launch); });
  if (config.stream != nullptr && config.stream->capture != nullptr)
    config.stream->capture->nodes.back().arguments = arguments;
  return error;
}

cudaError_t cuda_emulation::allow_shared_memory(Function function, int bytes) {
  if (bytes < 0 || size_t(bytes) > asked_bytes) return noted(cudaErrorInvalidValue);
  const std::lock_guard<std::mutex> lock(asked_lock);
  asked_for[function] = size_t(bytes);
  return cudaSuccess;
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

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
  *properties = {"an emulation", int(cuda_emulation::architecture / 10), int(cuda_emulation::architecture % 10)};
  return cudaSuccess;
}

/** One multiprocessor of 1 GHz, and memory of 1 GHz and 64 bits. */
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrClockRate:
    case cudaDevAttrMemoryClockRate:
      *value = 1000000;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 1;
      break;
    case cudaDevAttrGlobalMemoryBusWidth:
      *value = 64;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = cuda_emulation::architecture / 10;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = cuda_emulation::architecture % 10;
      break;
  }
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version) {
  *version = cuda_emulation::driver_version;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaMalloc(void **pointer, size_t bytes) {
  *pointer = nullptr;
  if (!may_succeed()) return noted(cudaErrorMemoryAllocation);
  if (bytes == 0) return cudaSuccess;
#if defined(__SANITIZE_ADDRESS__)
  if (posix_memalign(pointer, 256, bytes) != 0) return noted(cudaErrorMemoryAllocation);
#else
  // Pages of its own, which `hide` takes away; NaN up to the end of the last one, and then a page that nobody may touch.
  const size_t mapped = cuda_emulation::pages(bytes), guard = cuda_emulation::pages(1);
  void *made = mmap(nullptr, mapped + guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made == MAP_FAILED) return noted(cudaErrorMemoryAllocation);
  mprotect(static_cast<unsigned char *>(made) + mapped, guard, PROT_NONE);
  cuda_emulation::listen_to_faults();
  std::memset(made, 0xff, mapped);
  *pointer = made;
#endif
  std::memset(*pointer, 0xff, bytes); // NaN in every float
  cuda_emulation::forget(*pointer, bytes);
  const std::lock_guard<std::mutex> lock(cuda_emulation::allocations_lock);
  cuda_emulation::allocations[~reinterpret_cast<uintptr_t>(*pointer)] = {bytes, false};
  return cudaSuccess;
}

cudaError_t cudaFree(void *pointer) {
  if (pointer == nullptr) return cudaSuccess;
  const std::lock_guard<std::mutex> lock(cuda_emulation::allocations_lock);
  const auto found = cuda_emulation::allocations.find(~reinterpret_cast<uintptr_t>(pointer));
  if (found == cuda_emulation::allocations.end()) cuda_emulation::fail("cudaFree of what is not allocated");
#if defined(__SANITIZE_ADDRESS__)
  std::free(pointer);
#else
  munmap(pointer, cuda_emulation::pages(found->second.bytes) + cuda_emulation::pages(1));
#endif
  cuda_emulation::allocations.erase(found);
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  const std::lock_guard<std::mutex> lock(cuda_emulation::allocations_lock);
  const auto found = cuda_emulation::allocations.find(~reinterpret_cast<uintptr_t>(to));
  if (found != cuda_emulation::allocations.end()) found->second.from_host = kind == cudaMemcpyHostToDevice;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  return enqueue(stream, false, false, [to, from, bytes] { std::memcpy(to, from, bytes); });
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream) {
  return enqueue(stream, false, false, [to, byte, bytes] { std::memset(to, byte, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  if (!may_succeed()) return noted(cudaErrorMemoryAllocation);
  *stream = new CUstream_st;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (stream->capture != nullptr) cuda_emulation::fail("a stream is destroyed while it is recorded");
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->capture == nullptr) return cudaSuccess;
  if (stream->capture == nullptr) {
    stream->capture = event->capture;
    stream->last.clear();
    event->capture->streams.push_back(stream);
  }
  if (stream->capture != event->capture) return noted(cudaErrorInvalidValue);
  stream->last.insert(event->last.begin(), event->last.end());
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || stream->capture != nullptr) return noted(cudaErrorInvalidValue);
  stream->capture = new CUgraph_st;
  stream->capture->streams = {stream};
  stream->last.clear();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  CUgraph_st *const captured = stream->capture;
  *graph = nullptr;
  if (captured == nullptr || captured->streams[0] != stream) return noted(cudaErrorInvalidValue);
  for (const cudaStream_t each : captured->streams) each->capture = nullptr;
  // All that was recorded has to come before the end of the first stream.
  std::set<unsigned> joined = stream->last;
  for (unsigned i = unsigned(captured->nodes.size()); i-- > 0;)
    if (joined.count(i) > 0) joined.insert(captured->nodes[i].after.begin(), captured->nodes[i].after.end());
  if (joined.size() < captured->nodes.size()) {
    delete captured;
    return noted(cudaErrorStreamCaptureUnjoined);
  }
  *graph = captured;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long) {
  if (!may_succeed()) return noted(cudaErrorMemoryAllocation);
  cuda_emulation::conflicts += conflicts_of(*graph);
  *executable = new CUgraphExec_st{*graph};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const unsigned index : sequence(executable->graph)) {
    const CUgraph_st::Node &node = executable->graph.nodes[index];
    enqueue(stream, node.is_kernel, false, node.work);
  }
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

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  if (!may_succeed()) return noted(cudaErrorMemoryAllocation);
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->at = std::chrono::steady_clock::now();
  event->capture = stream == nullptr ? nullptr : stream->capture;
  if (event->capture != nullptr) event->last = stream->last;
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
